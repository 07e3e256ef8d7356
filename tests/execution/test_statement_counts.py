"""Whatever is read: as many statements for a hundred rows as for one.

Every list of the schema and every document of contract/operations, while the same shop grows; they are asked in turns
of one shop, as it takes a while to fill.
"""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import httpx
import strawberry
from graphql import OperationDefinitionNode, OperationType, parse
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.app import create_app
from api.settings import Settings
from domain.base.actors import SYSTEM
from domain.base.work import Works
from domain.customers.rules.consents import ChannelKind, ConsentPurpose
from domain.customers.rules.families import FAMILY_SIZE_MAX
from domain.customers.rules.profiles import TAGS_MAX
from domain.files.rules import ATTACHMENTS_MAX
from domain.identity.repository.stores import list_stores
from domain.identity.rules import LISTED_MAX
from domain.interactions.events import InteractionAdded
from domain.interactions.rules.conversations import TAGS_MAX as CONVERSATION_TAGS_MAX
from schema.base.batched import batched
from schema.base.context import Context, Info
from schema.base.event_log import list_told_kinds
from schema.base.execution.executor import BreadthFirst
from tests.access.shop import TYPES, ids_in
from tests.conftest import GENEROUS, Client
from tests.execution.answering import run
from tests.execution.crowd import Crowd
from tests.execution.lists import Lists, list_keys, longest, nested, widest
from tests.execution.small import allowing_everybody
from tests.operations import FOLDER, Documents
from tests.statements import hearing

SIZES = (1, 10, 100)

FEWER: Mapping[str, tuple[int, str]] = {
    "ApiKey.permissions": (1, "keys of the shop may read customers; stored with the key"),
    "Viewer.permissions": (10, "there are no hundred permissions; known of who asks before anything is read"),
    "StaffMember.languages": (LISTED_MAX, "so many at most"),
    "StaffMember.skills": (LISTED_MAX, "so many at most"),
    "StaffMember.stores": (LISTED_MAX, "so many at most"),
    "Customer.tags": (TAGS_MAX, "so many at most"),
    "Customer.consents": (len(ConsentPurpose) * len(ChannelKind), "one that counts for each purpose and channel"),
    "Customer.merges": (FAMILY_SIZE_MAX - 1, "a family has at most a hundred records"),
    "Conversation.viewers": (0, "who looks at it at the moment, which no table has; those are loaded at once"),
    "Conversation.tags": (CONVERSATION_TAGS_MAX, "so many at most"),
    "Message.attachments": (ATTACHMENTS_MAX, "so many at most"),
    "Query.conversationCounts": (1, "one for each filter, of which twenty may be sent, and one statement for each"),
    "StaleConversation.field": (0, "a path in an input"),
    "StaleConversation.missed": (0, "of a write that was refused, at most a hundred; loaded at once"),
    "CustomerMerge.signals": (1, "there are ten; stored with the merge"),
    "CustomerMerge.evidence": (1, "a sentence for each signal; stored with the merge"),
    "CustomerMergePreview.blockers": (0, "two families of a hundred cannot be merged; known without reading more"),
    "InputError.field": (0, "a path in an input"),
    "RateLimited.field": (0, "a path in an input"),
    "UserError.field": (0, "a path in an input"),
    "VersionConflict.field": (0, "a path in an input"),
    "ValueConcentration.points": (1, "the best 1, 5, 10, 20 and 50 percent"),
}
"""Lists that the shop cannot fill to a hundred: how many items they have at least when there are a hundred, and why."""

ONE: Mapping[str, str] = {
    "agent.Recognise": "one customer",
    "agent.ExportState": "one export",
    "integrator.FindByIdentity": "one customer",
    "shopper.ExportState": "one export",
}
"""Documents in whose answer nothing becomes longer."""

Counts = defaultdict[str, list[int]]


async def test_no_list_costs_more_statements_for_more_rows(client: Client) -> None:
    """And no document either that clients run: 1, 10 and 100 rows, at each level."""
    crowd = Crowd(client.works)
    statements, rows, lengths = Counts(list), Counts(list), Counts(list)
    async with unlimited(client) as asking:
        for size in SIZES:
            await crowd.grow(size)
            await asking.ask("{ customers(first: 1) { nodes { value { decile } } } }")  # the ranks are computed
            await read_lists(asking, crowd, statements, rows)
            await read_nodes(asking, crowd, statements, rows)
            await read_events(asking, crowd, statements, rows)
            await run_documents(asking, crowd, statements, lengths)
    assert uneven(statements) == {}
    assert list_keys(TYPES) <= {*rows, *FEWER}
    assert too_few(rows) == {}
    assert {name: each for name, each in lengths.items() if (each[0] < each[1]) == (name in ONE)} == {}


def uneven(statements: Counts) -> dict[str, list[int]]:
    """Return what takes another number of statements for other numbers of rows."""
    return {name: counts for name, counts in statements.items() if len(set(counts)) > 1}


def too_few(rows: Counts) -> dict[str, list[int]]:
    """Return the lists that never were as long as they should have been: what they take was not tried."""
    found = {}
    for name, lengths in rows.items():
        most, _ = FEWER.get(name, (SIZES[-1], ""))
        if lengths[-1] < most or (most == SIZES[-1] and any(map(int.__lt__, lengths, SIZES))):
            found[name] = lengths
        if name in FEWER and lengths[-1] >= SIZES[-1]:
            found[name] = lengths
    return found


async def read_lists(asking: Client, crowd: Crowd, statements: Counts, rows: Counts) -> None:
    """Read every list of the schema with what is below it."""
    ids = f'survivorId: "{crowd.first_id}", absorbedId: "{crowd.other_id}"'
    arguments = {"Query.customerMergePreview": ids, "Query.conversationCounts": "filters: [{}]"}
    for each in Lists(TYPES, arguments):
        count, data = await counted(asking, each.document)
        statements[each.key].append(count)
        rows[each.key].append(widest(data, each.names))


async def read_nodes(asking: Client, crowd: Crowd, statements: Counts, rows: Counts) -> None:
    """Read `nodes` of each type there is, so many at once."""
    ways = Lists(TYPES, {})
    lengths = []
    for kind in TYPES.get_possible_types(TYPES.type_map["Node"]):  # type: ignore[arg-type]
        steps = ways.path_to(kind.name)
        if steps is None:
            assert kind.name == "CustomerExport"
            ids = crowd.exports
        else:
            found = (await asking.ask(nested(steps, "{ id }"))).data
            ids = list(dict.fromkeys(ids_in(found)))[: crowd.size]
        listed = ", ".join(f'"{each}"' for each in ids)
        count, data = await counted(
            asking, f"{{ nodes(ids: [{listed}]) {{ ... on {kind.name} {ways.selection(kind, depth=1)} }} }}"
        )
        statements[f"Query.nodes of {kind.name}"].append(count)
        lengths.append(sum(1 for each in data["nodes"] if each))
    assert lengths == [crowd.size] * len(lengths)
    rows["Query.nodes"].append(min(lengths))


async def read_events(asking: Client, crowd: Crowd, statements: Counts, rows: Counts) -> None:
    """Pull a page of each kind of events that there is."""
    items = Lists(TYPES, {}).selection(TYPES.type_map["EventStreamItem"], depth=0)
    lengths = []
    for kind in sorted(list_told_kinds(), key=lambda each: each.__name__):
        place = await crowd.tell_again(kind)
        count, data = await counted(asking, f'{{ events(after: "{place.cursor}", first: 100) {{ items {items} }} }}')
        statements[f"EventPage.items of {kind.__name__}"].append(count)
        lengths.append(len(data["events"]["items"]))
    rows["EventPage.items"].append(min(lengths))


async def run_documents(asking: Client, crowd: Crowd, statements: Counts, lengths: Counts) -> None:
    """Run every query of contract/operations, as a program or as a shopper."""
    variables = {
        "id": crowd.first_id,
        "a": crowd.first_id,
        "b": crowd.other_id,
        "externalId": "o-0-0",
        "first": SIZES[-1],
        "kind": "EXTERNAL_ACCOUNT",
        "value": "k-0",
        "search": "Ada",
        "attribute": [{"key": "a0", "choice": ["choice 0"]}],
    }
    conversation: Any = {"id": crowd.conversation_id}
    before: Any = {"after": (await crowd.tell_again(InteractionAdded)).cursor}
    others: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("agent.Conversation360", "shopper.ChatOpen"), conversation),
        **dict.fromkeys(("integrator.Pull", "integrator.ToSend"), before),
        "agent.Inbox": {"mine": crowd.first_id},
        "agent.SearchConversations": {"search": "about"},
        "integrator.ToSendAnew": {"kind": ["WEB_CHAT"]},
        "agent.FindOrders": {"search": "ada0@example.org"},
        "agent.ExportState": {"id": crowd.exports[0]},
        "shopper.ExportState": {"id": await crowd.shoppers_export()},
        "agent.Timeline": {"id": crowd.first_id},
    }
    shopper = await crowd.shopper_key()
    for path in sorted(FOLDER.glob("*.graphql")):
        documents = Documents(path.stem)
        for name in sorted(documents.names):
            text = documents.text(name)
            if reads(text):
                key = shopper if path.stem == "shopper" else None
                count, data = await counted(asking, text, others.get(f"{path.stem}.{name}", variables), key=key)
                assert None not in data.values(), name
                statements[f"{path.stem}.{name}"].append(count)
                lengths[f"{path.stem}.{name}"].append(longest(data))


@strawberry.type
class Row:
    """What reads something of its own."""

    number: int

    @strawberry.field
    async def by_itself(self, info: Info) -> int:
        """Read row by row, as none should."""
        async with info.context.reading() as session:
            return len(await list_stores(session))

    @batched(description="As all should.")
    async def together(rows: list["Row"], info: Info) -> list[int]:  # noqa: N805
        """Read once for a level."""
        async with info.context.reading() as session:
            return [len(await list_stores(session))] * len(rows)


async def test_a_field_that_reads_row_by_row_is_caught(works: Works) -> None:
    """The test of the test: of two fields the one is found, whether a plan runs it or graphql-core does."""
    schema = small_schema()
    for executor in (BreadthFirst, StrawberryGraphQLCoreExecutionContext):
        statements = Counts(list)
        for size, field in product(SIZES, ("byItself", "together")):
            context = Context(works, actor=SYSTEM, request_id="test")
            document = parse(f"{{ rows(count: {size}) {{ {field} }} }}")
            with hearing() as heard:
                answer = await run(schema, document, context, None, executor=executor, plans=None)
                await context.close()
            assert b'"errors":[]' in answer
            statements[field].append(sum(names_tables(each) for each, _ in heard))
        assert statements["together"] == [1, 1, 1]
        assert uneven(statements) == {"byItself": [1, 10, 100]}


def test_a_list_that_was_never_long_is_caught() -> None:
    """And so is a row of the table that is not needed."""
    rows = Counts(list, {"Order.lines": [1, 10, 99], "Order.deliveries": [1, 10, 100], "Customer.tags": [1, 10, 100]})
    assert set(too_few(rows)) == {"Order.lines", "Customer.tags"}


def small_schema() -> strawberry.Schema:
    """Return a schema with nothing but rows."""

    @strawberry.type
    class Query:
        @strawberry.field
        def rows(self, count: int) -> list[Row]:
            return [Row(number=number) for number in range(count)]

    return allowing_everybody(strawberry.Schema(query=Query, execution_context_class=BreadthFirst))


async def counted(
    asking: Client, query: str, variables: Mapping[str, Any] | None = None, *, key: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Ask, and return how many statements it took, with the answer."""
    with hearing() as heard:
        data = (await asking.ask(query, variables, key=key)).data
    return sum(names_tables(statement) for statement, _ in heard), data


def names_tables(statement: str) -> bool:
    """Tell whether a statement reads or writes, rather than begins or ends something.

    That many people were read of is noted once for a request, after it: where they were few, it is not.
    """
    is_note = statement.startswith("INSERT INTO audit_entries")
    return not is_note and re.search(r"\b(FROM|INTO|UPDATE)\b", statement, re.IGNORECASE) is not None


def reads(text: str) -> bool:
    """Tell whether a document is a query."""
    definitions = parse(text).definitions
    return any(
        isinstance(each, OperationDefinitionNode) and each.operation is OperationType.QUERY for each in definitions
    )


@asynccontextmanager
async def unlimited(client: Client) -> AsyncIterator[Client]:
    """Yield a client who may ask for all at once."""
    settings = Settings(_env_file=None, **GENEROUS | {"cost_max": 10**12, "cost_budget": 10**15})
    transport = httpx.ASGITransport(app=create_app(settings, works=client.works))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        asking = Client(http, client.works)
        asking.key = client.key
        yield asking
