"""Defining attributes, and setting them on customers: one at a time, at once, and over merges."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.base.actors import SYSTEM
from domain.base.repository.events import list_events
from domain.base.work import Work, Works
from domain.customers.actions.attributes import upsert_definition
from domain.customers.actions.profiles import update_customer
from domain.customers.model import AttributeDefinition, CustomerAttribute
from domain.customers.rules.attributes import (
    AttributeAudience,
    AttributeChange,
    AttributeType,
    DefinitionDetails,
)
from domain.customers.rules.profiles import CustomerChanges
from schema.base.ids import parse_id
from tests.conftest import Answer, Client, StandingClock
from tests.customers.test_actions_consents import merge, unmerge
from tests.orders.shop import Input, nothing_changes, refused
from tests.snapshots import snapshot

DEFINITION = "id key name description type choices audience isArchived"
ATTRIBUTES = "attributes { key text number flag day choice definition { key type } }"
UPSERT = f"""mutation($i: CustomerAttributeDefinitionUpsertInput!) {{ customerAttributeDefinitionUpsert(input: $i) {{
  definition {{ {DEFINITION} }} userErrors {{ code message field }} }} }}"""
CREATE = f"""mutation($i: CustomerCreateInput!) {{ customerCreate(input: $i) {{
  customer {{ id version {ATTRIBUTES} }} userErrors {{ code message field }} }} }}"""
UPDATE = f"""mutation($i: CustomerUpdateInput!) {{ customerUpdate(input: $i) {{
  customer {{ id version updatedAt {ATTRIBUTES} }} userErrors {{ code message field }} }} }}"""
EVERYBODY = f"{{ customers(first: 100) {{ nodes {{ id version updatedAt {ATTRIBUTES} }} }} }}"

SHOE = {"key": "shoe_size", "name": "Shoe size", "type": "NUMBER"}
LEVEL = {"key": "level", "name": "Level", "type": "CHOICE", "choices": ["gold", "silver", "bronze"]}
FIVE: dict[str, Input] = {
    "shoe_size": SHOE,
    "level": LEVEL,
    "note": {"key": "note", "name": "Note", "type": "TEXT"},
    "wants_paper": {"key": "wants_paper", "name": "Wants paper", "type": "FLAG"},
    "since": {"key": "since", "name": "Since", "type": "DAY"},
}


async def ask_define(client: Client, given: Input, *, key: str | None = None) -> Answer:
    """Send a definition, and return what came back."""
    return await client.ask(UPSERT, {"i": given}, key=key)


async def define(client: Client, **given: Any) -> Input:  # noqa: ANN401
    """Define an attribute, and return the definition."""
    payload = (await ask_define(client, given)).data["customerAttributeDefinitionUpsert"]
    assert payload["userErrors"] == []
    found: Input = payload["definition"]
    return found


async def refused_definition(client: Client, **given: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    """Send a definition that is refused without a trace; return code and path of each refusal."""
    async with nothing_changes(client.works):
        payload = (await ask_define(client, given)).data["customerAttributeDefinitionUpsert"]
    assert payload["definition"] is None
    assert payload["userErrors"]
    return [(each["code"], ".".join(each["field"] or ())) for each in payload["userErrors"]]


async def define_five(client: Client) -> None:
    """Define an attribute of each type."""
    for given in FIVE.values():
        await define(client, **given)


async def send(client: Client, query: str, given: Input) -> Input:
    """Send a write on a customer that is taken, and return the customer."""
    (payload,) = (await client.ask(query, {"i": given})).data.values()
    assert payload["userErrors"] == []
    found: Input = payload["customer"]
    return found


async def create(client: Client, *attributes: Input, **more: Any) -> Input:  # noqa: ANN401
    """Add a customer with these attributes."""
    return await send(client, CREATE, {"attributes": list(attributes), **more})


async def update(client: Client, customer_id: str, *attributes: Input) -> Input:
    """Change attributes of a customer."""
    return await send(client, UPDATE, {"customerId": customer_id, "attributes": list(attributes)})


def values(customer: Input) -> dict[str, Any]:
    """Return what is shown of a customer's attributes, by key: each has the value of its type and no other."""
    found: dict[str, Any] = {}
    for each in customer["attributes"]:
        assert each["definition"]["key"] == each["key"]
        given = {name: each[name] for name in ("text", "number", "flag", "day", "choice") if each[name] is not None}
        assert list(given) == [each["definition"]["type"].lower()]
        (found[each["key"]],) = given.values()
    assert list(found) == sorted(found)
    return found


async def everybody(client: Client) -> dict[str, Input]:
    """Return what is shown of everybody's attributes, by customer."""
    return {node["id"]: node for node in (await client.ask(EVERYBODY)).data["customers"]["nodes"]}


async def shown(client: Client, customer_id: str) -> dict[str, Any]:
    """Return the values that a customer shows."""
    return values((await everybody(client))[customer_id])


async def test_a_definition_is_what_was_sent_last(client: Client, clock: StandingClock) -> None:
    """Sent again it changes nothing; sent otherwise it changes, under the same id; each change is told once."""
    first = await define(client, **SHOE)
    assert first == {
        "id": first["id"],
        "key": "shoe_size",
        "name": "Shoe size",
        "description": None,
        "type": "NUMBER",
        "choices": [],
        "audience": "STAFF",
        "isArchived": False,
    }
    clock.advance(timedelta(days=1))
    async with client.works.database.reading() as session:
        before = (await session.execute(select(AttributeDefinition.__table__))).all()
    assert await define(client, **SHOE, description=" ", choices=None) == first
    async with client.works.database.reading() as session:
        assert (await session.execute(select(AttributeDefinition.__table__))).all() == before
    more = {"name": "Size", "description": "EU", "audience": "CUSTOMER", "isArchived": True}
    assert await define(client, **SHOE | more) == first | more
    async with client.works.database.reading() as session:
        events = [each.type for each in await list_events(session, limit=100)]
        ((created_at, updated_at),) = (
            await session.execute(select(AttributeDefinition.created_at, AttributeDefinition.updated_at))
        ).all()
    assert events.count("AttributeDefined") == 2
    assert updated_at - created_at == timedelta(days=1)


async def test_a_bad_definition_is_refused_whole(client: Client) -> None:
    """Each fault with its place, and no row changes; a type that does not exist is the client's own fault."""
    cases: list[tuple[Input, list[tuple[str, str]]]] = [
        ({"key": "Shoe size"}, [("INVALID", "key")]),
        ({"key": "x" * 51, "name": ""}, [("INVALID", "key"), ("REQUIRED", "name")]),
        ({"name": "x" * 201, "description": "x" * 1_001}, [("TOO_LONG", "name"), ("TOO_LONG", "description")]),
        ({"choices": ["1"]}, [("INVALID", "choices")]),
        ({"type": "CHOICE"}, [("INVALID", "choices")]),
        ({"type": "CHOICE", "choices": ["a"] * 251}, [("TOO_LONG", "choices")]),
        ({"type": "CHOICE", "choices": ["a\x00"]}, [("INVALID", "choices")]),
    ]
    for wrong, expected in cases:
        assert await refused_definition(client, **SHOE | wrong) == expected, wrong
    for wrong in ({"type": "JSON"}, {"audience": "NOBODY"}, {"name": None}):
        async with nothing_changes(client.works):
            assert (await ask_define(client, SHOE | wrong)).codes == ["BAD_USER_INPUT"]


async def test_the_type_of_an_attribute_is_fixed(client: Client) -> None:
    """Whether or not anybody has a value; also of one that is archived."""
    await define(client, **SHOE)
    await define(client, **LEVEL, isArchived=True)
    for other in ("TEXT", "FLAG", "DAY"):
        assert await refused_definition(client, **SHOE | {"type": other}) == [("INVALID_STATE", "type")]
    assert await refused_definition(client, **LEVEL | {"type": "TEXT", "choices": []}) == [("INVALID_STATE", "type")]


async def test_a_choice_that_somebody_has_stays(client: Client) -> None:
    """Also one that only an absorbed customer has; added to, put in another order and renamed it may be at will."""
    await define(client, **LEVEL)
    ada = await create(client, {"key": "level", "choice": "silver"})
    bob = await create(client, {"key": "level", "choice": "gold"})
    answer = await ask_define(client, LEVEL | {"choices": ["bronze", "iron"]})
    (error,) = answer.data["customerAttributeDefinitionUpsert"]["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_STATE", ["choices"])
    assert error["message"] == "Customers have these: gold, silver. Change them first."
    assert (await define(client, **LEVEL | {"choices": ["silver", "iron", "gold"]}))["choices"][1] == "iron"
    edge = await merge(client, bob["id"], ada["id"])
    assert await shown(client, bob["id"]) == {"level": "gold"}
    assert await refused_definition(client, **LEVEL | {"choices": ["gold"]}) == [("INVALID_STATE", "choices")]
    await unmerge(client, edge)
    await update(client, ada["id"], {"key": "level", "choice": "iron"})
    assert (await define(client, **LEVEL | {"choices": ["iron", "gold"]}))["choices"] == ["iron", "gold"]


async def test_there_are_at_most_a_hundred(client: Client) -> None:
    """Archived ones are among them; known ones may still be changed; at once no more get in either."""
    for number in range(97):
        await define(client, **SHOE | {"key": f"a{number}", "isArchived": number % 2 == 0})
    answers = await asyncio.gather(*(ask_define(client, SHOE | {"key": f"b{number}"}) for number in range(6)))
    payloads = [answer.data["customerAttributeDefinitionUpsert"] for answer in answers]
    assert sorted(error["code"] for payload in payloads for error in payload["userErrors"]) == ["TOO_LONG"] * 3
    assert await refused_definition(client, **SHOE | {"key": "more"}) == [("TOO_LONG", "")]
    assert (await define(client, **SHOE | {"key": "a7", "name": "Other"}))["name"] == "Other"
    found = (await client.ask("{ customerAttributeDefinitions { key } }")).data["customerAttributeDefinitions"]
    keys = [each["key"] for each in found]
    assert (len(keys), keys) == (100, sorted(keys))


async def test_the_same_definition_at_once_is_one(client: Client) -> None:
    """Two clicks, and two people with other words for it: one definition, the last word."""
    same = await asyncio.gather(*(define(client, **LEVEL) for _ in range(5)))
    assert len({each["id"] for each in same}) == 1
    named = await asyncio.gather(*(define(client, **SHOE | {"name": f"Size {number}"}) for number in range(5)))
    assert len({each["id"] for each in named}) == 1
    found = (await client.ask("{ customerAttributeDefinitions { key name } }")).data["customerAttributeDefinitions"]
    assert [each["key"] for each in found] == ["level", "shoe_size"]
    assert found[1]["name"] in {each["name"] for each in named}


async def until_it_waits(works: Works, write: asyncio.Future[UUID]) -> None:
    """Return once the write waits for another one's lock; on SQLite it waits for its turn, before it begins."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    if works.database.is_sqlite:
        await asyncio.sleep(0)
        return
    is_waiting = False
    while not (is_waiting or write.done()):
        async with works.database.reading() as session:
            is_waiting = bool((await session.execute(text(waiting))).scalar_one())


async def one_after_the_other(works: Works, *stories: Callable[[Work], Awaitable[UUID]]) -> Sequence[Any]:
    """Let the first write do all it does but commit, then begin the second; return what both were answered."""
    is_done, may_end = asyncio.Event(), asyncio.Event()

    async def held(work: Work) -> UUID:
        found = await stories[0](work)
        await work.session.flush()
        is_done.set()
        await may_end.wait()
        return found

    first = asyncio.ensure_future(works.perform(held, actor=SYSTEM, action="first"))
    await is_done.wait()
    second = asyncio.ensure_future(works.perform(stories[1], actor=SYSTEM, action="second"))
    await until_it_waits(works, second)
    may_end.set()
    return await asyncio.gather(first, second, return_exceptions=True)


@pytest.mark.parametrize("is_set_first", [True, False])
async def test_a_choice_is_not_taken_while_it_goes(client: Client, *, is_set_first: bool) -> None:
    """Whichever of the two comes first: nobody ends with a choice that there is no longer."""
    await define(client, **LEVEL)
    ada = await create(client)
    details = DefinitionDetails(
        key="level",
        name="Level",
        description=None,
        type=AttributeType.CHOICE,
        choices=["silver"],
        audience=AttributeAudience.STAFF,
        is_archived=False,
    )
    changes = CustomerChanges(attributes=[AttributeChange(key="level", choice="gold")])
    key = parse_id(ada["id"])[1]

    async def choose(work: Work) -> UUID:
        return await update_customer(work, customer_id=key, changes=changes, expected_version=None)

    async def drop(work: Work) -> UUID:
        return await upsert_definition(work, details=details)

    stories = (choose, drop) if is_set_first else (drop, choose)
    first, second = await one_after_the_other(client.works, *stories)
    assert isinstance(first, UUID)
    assert isinstance(second, Exception)
    assert ("Customers have these: gold" if is_set_first else "takes one of: silver") in str(second)
    assert await shown(client, ada["id"]) == ({"level": "gold"} if is_set_first else {})


async def test_all_five_types_are_set_changed_and_emptied(client: Client) -> None:
    """Each change moves the version by one, all of a call together; what is left out stays."""
    await define_five(client)
    first = {"shoe_size": "42.5", "level": "gold", "note": "Zoë", "wants_paper": False, "since": "2020-02-29"}
    other = {"shoe_size": "-0.0001", "level": "bronze", "note": "li", "wants_paper": True, "since": "0001-01-01"}

    def inputs(wanted: dict[str, Any]) -> list[Input]:
        return [{"key": key, FIVE[key]["type"].lower(): value} for key, value in wanted.items()]

    ada = await create(client, *inputs(first))
    assert (ada["version"], values(ada)) == (1, dict(sorted(first.items())))
    before = await snapshot(client.works, without=["audit_entries"])
    assert (await update(client, ada["id"], *inputs(first)))["version"] == 1
    assert (await update(client, ada["id"]))["version"] == 1
    assert (await send(client, UPDATE, {"customerId": ada["id"], "attributes": None}))["version"] == 1
    assert await snapshot(client.works, without=["audit_entries"]) == before
    changed = await update(client, ada["id"], *inputs(other))
    assert (changed["version"], values(changed)) == (2, dict(sorted(other.items())))
    kept = await update(client, ada["id"], {"key": "note"}, {"key": "level", "choice": None})
    assert (kept["version"], list(values(kept))) == (3, ["shoe_size", "since", "wants_paper"])
    for blank in ("", "  "):
        assert (await update(client, ada["id"], {"key": "note", "text": blank}))["version"] == 3
    emptied = await update(client, ada["id"], *({"key": key} for key in FIVE))
    assert (emptied["version"], values(emptied)) == (4, {})
    async with client.works.database.reading() as session:
        assert (await session.execute(select(CustomerAttribute.__table__))).all() == []
    assert values(await create(client, {"key": "note"})) == {}


REFUSED: list[tuple[list[Input], list[tuple[str, str]]]] = [
    ([{"key": "nothing", "text": "x"}], [("INVALID", "attributes.0.key")]),
    ([{"key": "Note", "text": "x"}], [("INVALID", "attributes.0.key")]),
    *(([{"key": key, "text": "x"}], [("INVALID", "attributes.0.key")]) for key in ("", "a\x00", "x" * 9_000)),
    ([{"key": "old", "text": "x"}], [("INVALID", "attributes.0.key")]),
    ([{"key": "old"}], [("INVALID", "attributes.0.key")]),
    ([{"key": "note", "number": "1"}], [("INVALID", "attributes.0.number")]),
    ([{"key": "note", "text": "x", "flag": False}], [("INVALID", "attributes.0.flag")]),
    ([{"key": "note", "day": "2026-01-01", "choice": "x"}], [("INVALID", "attributes.0.day")]),
    ([{"key": "note", "text": "x" * 501}], [("TOO_LONG", "attributes.0.text")]),
    ([{"key": "note", "text": "a\x00"}], [("INVALID", "attributes.0.text")]),
    ([{"key": "shoe_size", "number": "0.00001"}], [("INVALID", "attributes.0.number")]),
    ([{"key": "shoe_size", "number": "1e300"}], [("INVALID", "attributes.0.number")]),
    ([{"key": "level", "choice": "iron"}], [("INVALID", "attributes.0.choice")]),
    ([{"key": "note", "text": "x"}, {"key": "note", "text": "y"}], [("INVALID", "attributes.1.key")]),
    ([{"key": "note"}, {"key": "note"}], [("INVALID", "attributes.1.key")]),
    ([{"key": "note"}] * 101, [("TOO_LONG", "attributes")]),
    (
        [
            {"key": "note", "flag": True},
            {"key": "since", "day": "2026-01-01"},
            {"key": "note", "text": "x"},
            {"key": "old", "text": "x"},
            {"key": "level", "choice": ""},
        ],
        [
            ("INVALID", "attributes.0.flag"),
            ("INVALID", "attributes.2.key"),
            ("INVALID", "attributes.3.key"),
            ("INVALID", "attributes.4.choice"),
        ],
    ),
]


async def test_bad_values_are_refused_whole(client: Client) -> None:
    """Each with its place in the list, at a new customer as at a known one, and no row changes."""
    await define_five(client)
    await define(client, key="old", name="Old", type="TEXT", isArchived=True)
    ada = await create(client, {"key": "note", "text": "kept"})
    for wrong, expected in REFUSED:
        assert await refused(client, "customerCreate", {"givenName": "Eve", "attributes": wrong}) == expected, wrong
        given = {"customerId": ada["id"], "givenName": "Eve", "attributes": wrong}
        assert await refused(client, "customerUpdate", given) == expected, wrong
    for unread in ({"key": "shoe_size", "number": "many"}, {"key": "since", "day": "2026-02-30"}, {"key": None}):
        async with nothing_changes(client.works):
            answer = await client.ask(UPDATE, {"i": {"customerId": ada["id"], "attributes": [unread]}})
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_an_archived_attribute_is_shown_and_set_no_longer(client: Client) -> None:
    """What was set stays as it was until it is taken back into use."""
    await define(client, **LEVEL)
    ada = await create(client, {"key": "level", "choice": "gold"})
    await define(client, **LEVEL, isArchived=True)
    assert await shown(client, ada["id"]) == {"level": "gold"}
    for wrong in ({"key": "level", "choice": "silver"}, {"key": "level"}):
        given = {"customerId": ada["id"], "attributes": [wrong]}
        assert await refused(client, "customerUpdate", given) == [("INVALID", "attributes.0.key")]
    await define(client, **LEVEL)
    assert values(await update(client, ada["id"], {"key": "level", "choice": "silver"})) == {"level": "silver"}
