"""Every field, argument, input field and mutation, tried by every role: equal to the tables of policies.

The tests loop over one shop, so that they stay quick.
"""

from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_introspection_type,
    is_required_input_field,
)

from domain.base.actors import Actor, ActorKind
from schema.base.nodes import node_policies
from schema.base.policies import Otherwise, Policies, Policy
from schema.root import AREAS, INPUTS, POLICIES
from tests.access.shop import TYPES, Told, fields_of, literal, open_shop, selected
from tests.conftest import Client

PATHS: dict[str, tuple[str, ...]] = {
    "Viewer": ("viewer",),
    "StaffMember": ("staffMembers(first: 5)", "nodes"),
    "StaffMemberConnection": ("staffMembers(first: 5)",),
    "StaffMemberEdge": ("staffMembers(first: 5)", "edges"),
    "ThrottleStatus": ("rateLimit",),
    "Store": ("order(id: {Order})", "store"),
    "ApiKey": ("apiKeys",),
    "Customer": ("customer(id: {Customer})",),
    "CustomerConnection": ("customers(first: 5)",),
    "CustomerEdge": ("customers(first: 5)", "edges"),
    "CustomerIdentity": ("customer(id: {Customer})", "identities"),
    "CustomerAttribute": ("customer(id: {Customer})", "attributes"),
    "CustomerAttributeDefinition": ("customer(id: {Customer})", "attributes", "definition"),
    "CustomerValue": ("customer(id: {Customer})", "value"),
    "CustomerMerge": ("customer(id: {Customer})", "merges"),
    "CustomerMergeConnection": ("customerMerges(first: 5)",),
    "CustomerMergeEdge": ("customerMerges(first: 5)", "edges"),
    "CustomerMergePreview": ("customerMergePreview(survivorId: {Customer}, absorbedId: {Absorbed})",),
    "Consent": ("customer(id: {Customer})", "consents"),
    "ConsentConnection": ("customer(id: {Customer})", "consentHistory(first: 5)"),
    "ConsentEdge": ("customer(id: {Customer})", "consentHistory(first: 5)", "edges"),
    "TimelineConnection": ("customer(id: {Customer})", "timeline(first: 5)"),
    "TimelineEdge": ("customer(id: {Customer})", "timeline(first: 5)", "edges"),
    "PageInfo": ("customer(id: {Customer})", "timeline(first: 5)", "pageInfo"),
    "Money": ("order(id: {Order})", "total"),
    "Order": ("order(id: {Order})",),
    "OrderConnection": ("customer(id: {Customer})", "orders(first: 5)"),
    "OrderEdge": ("customer(id: {Customer})", "orders(first: 5)", "edges"),
    "OrderLine": ("order(id: {Order})", "lines"),
    "Delivery": ("order(id: {Order})", "deliveries"),
    "DeliveryLine": ("order(id: {Order})", "deliveries", "lines"),
    "CreditNote": ("order(id: {Order})", "creditNotes"),
    "CreditNoteLine": ("order(id: {Order})", "creditNotes", "lines"),
    "CreditNoteConnection": ("customer(id: {Customer})", "creditNotes(first: 5)"),
    "CreditNoteEdge": ("customer(id: {Customer})", "creditNotes(first: 5)", "edges"),
    "ValueConcentration": ("valueConcentration",),
    "ConcentrationPoint": ("valueConcentration", "points"),
    "Channel": ("channels",),
    "Conversation": ("conversation(id: {Conversation})",),
    "ConversationConnection": ("customer(id: {Customer})", "conversations(first: 5)"),
    "ConversationEdge": ("customer(id: {Customer})", "conversations(first: 5)", "edges"),
    "InteractionConnection": ("conversation(id: {Conversation})", "interactions(first: 5)"),
    "InteractionEdge": ("conversation(id: {Conversation})", "interactions(first: 5)", "edges"),
    "Contact": ("conversation(id: {Mailed})", "contact"),
    "Message": ("node(id: {Message})", "... on Message"),
    "Attachment": ("node(id: {Attachment})", "... on Attachment"),
    "Note": ("node(id: {Note})", "... on Note"),
    "StatusChange": ("node(id: {StatusChange})", "... on StatusChange"),
    "Bot": ("node(id: {Message})", "... on Message", "author", "... on Bot"),
    "EventPage": ("events(after: {Now})",),
}
"""How an object of each type is reached; `{Order}` is the own order's id, `{Now}` the end of the event log."""

STREAMED = {
    "CustomerCreated",
    "CustomerUpdated",
    "CustomerMerged",
    "ConsentChanged",
    "OrderChanged",
    "ConversationStarted",
    "ConversationChanged",
    "ConversationRead",
    "InteractionAdded",
    "InteractionChanged",
    "ResyncRequired",
    "TypingState",
}
"""Items of streams: who is sent which is tested with the streams, `test_streams.py` and tests/interactions."""

PATHLESS = {"InputError", "VersionConflict", "RateLimited", "StaleConversation", "Session", "CustomerExport"}
"""Reached through payloads only: refusals hold what the caller sent, a session what they signed in with. Exports by
`node` alone: who finds them is tried in tests/customers/test_api_exports.py."""


def types_with_fields() -> list[str]:
    """Return the object types that are reached by reading."""
    return [
        name
        for name, kind in TYPES.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        and not is_introspection_type(kind)
        and not name.endswith("Payload")
        and name not in {"Query", "Mutation", "Subscription", *PATHLESS, *STREAMED}
    ]


def policy_of(type_name: str, name: str) -> Policy:
    """Return the row of a field."""
    found = POLICIES.of(type_name, name)
    assert found is not None
    return found


def hurdle(steps: list[tuple[str, str]], actor: Actor) -> tuple[int, Otherwise] | None:
    """Return the first step at which the actor is not let on, and what they are answered there."""
    for place, (type_name, name) in enumerate(steps):
        policies = [policy_of(type_name, name)]
        if (type_name, name) == ("Query", "node"):
            policies.append(node_policies()[steps[place + 1][0]])
        for policy in policies:
            if not policy.allows(actor):
                return place, policy.otherwise
    return None


def at(data: Any, path: list[str]) -> Any:  # noqa: ANN401
    """Return what stands at a path of an answer, the first of each list."""
    for name in path:
        data = data[0] if isinstance(data, list) else data
        if data is None:
            return None
        data = data[name]
    return data


async def test_every_field_answers_every_role_as_its_row_says(client: Client, kind: str) -> None:
    """Refused, null, empty, masked or shown: for each field of each type and each role.

    The rows are looked up before any database is asked; on PostgreSQL those are tried whom it narrows itself.
    """
    shop = await open_shop(client)
    narrowed = {role: actor for role, actor in shop.roles.items() if not actor.sight.is_whole}
    tried_roles = shop.roles if kind == "sqlite" else narrowed
    assert set(types_with_fields()) == set(PATHS)
    tried = 0
    now = (await shop.ask("{ eventCursor }", shop.roles["ADMIN"])).data["eventCursor"]
    ids = quoted({**shop.own.ids, "Now": now})
    for type_name, path in PATHS.items():
        steps_before = walk(path)
        for name, given in fields_of(type_name).items():
            wanted = selected(name, given, {})
            query = nest([step.format(**ids) for step in path], wanted)
            steps = [*steps_before, (type_name, name)]
            whole = await shop.ask(query, shop.roles["ADMIN"])
            assert whole.errors == [], query
            for role, actor in tried_roles.items():
                check(await shop.ask(query, actor), whole, steps=steps, actor=actor, role=role)
                tried += 1
    assert tried > 1_000 or (kind == "postgresql" and tried > 200)


async def test_every_root_field_answers_every_role_as_its_row_says(client: Client) -> None:
    """Also those that lead to nothing here."""
    shop = await open_shop(client)
    for name, given in fields_of("Query").items():
        query = "{ " + selected(name, given, {}) + " }"
        for role, actor in shop.roles.items():
            told = await shop.ask(query, actor)
            if policy_of("Query", name).allows(actor):
                assert not set(told.codes) & {"FORBIDDEN", "UNAUTHENTICATED", "INTERNAL"}, (name, role, told)
            else:
                assert told.codes == [denial(actor)], (name, role, told)


async def test_every_mutation_answers_every_role_as_its_row_says(client: Client) -> None:
    """Whoever may not is refused before anything is looked at; whoever may is never told FORBIDDEN for the field."""
    shop = await open_shop(client)
    for name, given in fields_of("Mutation").items():
        kind = get_named_type(given.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        query = f"mutation {{ {name}(input: {literal(kind)}) {{ userErrors {{ code }} }} }}"
        for role, actor in shop.roles.items():
            told = await shop.ask(query, actor)
            if policy_of("Mutation", name).allows(actor):
                assert not set(told.codes) & {"FORBIDDEN", "UNAUTHENTICATED", "INTERNAL"}, (name, role, told)
            else:
                assert (told.codes, told.data) == ([denial(actor)], {name: None}), (name, role, told)


async def test_every_input_field_answers_every_role_as_its_row_says(client: Client) -> None:
    """One optional field at a time beside the required ones; what may not be said is refused at the top."""
    shop = await open_shop(client)
    table = Policies(INPUTS)
    tried = 0
    for name, given in fields_of("Mutation").items():
        kind = get_named_type(given.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        required = {key: literal(each.type) for key, each in kind.fields.items() if is_required_input_field(each)}
        for key, each in kind.fields.items():
            said = ", ".join(f"{k}: {v}" for k, v in {**required, key: literal(each.type)}.items())
            query = f"mutation {{ {name}(input: {{{said}}}) {{ userErrors {{ code }} }} }}"
            for role, actor in shop.roles.items():
                row = table.of(kind.name, key)
                may = policy_of("Mutation", name).allows(actor) and (row is None or row.allows(actor))
                told = await shop.ask(query, actor)
                is_refused = bool(set(told.codes) & {"FORBIDDEN", "UNAUTHENTICATED"})
                assert is_refused != may, (name, key, role, told)
                assert "INTERNAL" not in told.codes, (name, key, role, told)
                tried += 1
    assert tried > 500


def test_a_field_without_a_row_stops_the_server() -> None:
    """And so does a row without a field, and a field with two."""
    with pytest.raises(ValueError, match=r"without a policy: Viewer\.kind"):
        _without("Viewer", "kind").guard(TYPES, {})
    with pytest.raises(ValueError, match=r"policies of nothing: Nobody\.nothing"):
        _with({"Nobody": {"nothing": Policy()}}).guard(TYPES, {})
    with pytest.raises(ValueError, match=r"policies of nothing: Viewer\.nothing"):
        _with({}).guard(TYPES, {"Viewer": {"nothing": Policy()}})
    with pytest.raises(ValueError, match="two policies"):
        _with({"Viewer": {"kind": Policy()}})


def _with(rows: dict[str, dict[str, Policy]]) -> Policies:
    return Policies(*AREAS, rows)


def _without(type_name: str, name: str) -> Policies:
    found = _with({})
    del found._rows[type_name, name]
    return found


def walk(path: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the types and fields of a path."""
    steps, type_name = [], "Query"
    for step in path:
        if step.startswith("... on "):
            type_name = step.removeprefix("... on ")
            continue
        name = step.partition("(")[0]
        steps.append((type_name, name))
        type_name = get_named_type(fields_of(type_name)[name].type).name
    return steps


def nest(path: list[str], inside: str) -> str:
    """Return the document that selects something at the end of a path."""
    for step in reversed(path):
        inside = f"{step} {{ {inside} }}"
    return f"{{ {inside} }}"


def quoted(ids: dict[str, str]) -> dict[str, str]:
    """Return ids as a document writes them."""
    return {name: f'"{value}"' for name, value in ids.items()}


def denial(actor: Actor) -> str:
    """Return what somebody is told who may never use a field."""
    return "UNAUTHENTICATED" if actor.kind is ActorKind.ANONYMOUS else "FORBIDDEN"


def check(told: Told, whole: Told, *, steps: list[tuple[str, str]], actor: Actor, role: str) -> None:
    """Compare what somebody was told with what the rows on the way say, and with what the administrator was."""
    names = [name for _, name in steps]
    where = (role, names)
    stopped = hurdle(steps, actor)
    if stopped is None:
        assert told.errors == [], (where, told)
        last = policy_of(*steps[-1])
        full, seen = at(whole.data, names), at(told.data, names)
        if last.mask is not None and actor.is_masked:
            assert seen is not None, where
            # A single given name, or an id that is no address, has nothing to be masked.
            assert seen != full or (isinstance(full, str) and last.mask(full) == full), where
        elif steps[0] != ("Query", "viewer") and (actor.sight.is_whole or last.is_personal):
            assert seen == full, where
    elif stopped[1] is Otherwise.REFUSED:
        assert set(told.codes) == {denial(actor)}, (where, told)
        assert [step for step in told.errors[0][1] if isinstance(step, str)] == names[: stopped[0] + 1], (where, told)
    else:
        assert told.errors == [], (where, told)
        empty: list[str] | None = None if stopped[1] is Otherwise.NULL else []
        assert at(told.data, names[: stopped[0] + 1]) == empty, (where, told)
