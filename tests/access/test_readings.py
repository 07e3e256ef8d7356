"""Reading the personal data of many people at once is in the audit log, written after the answer."""

from typing import Any

import pytest

from api.graphql import GraphQLEndpoint
from domain.base import readings
from domain.base.actors import Actor, ActorKind, Permission, StaffRole
from domain.base.errors import StorageFull
from domain.base.identifiers import new_id
from domain.base.repository.events import list_audit_entries
from domain.base.work import Works
from domain.identity.rules import ROLE_PERMISSIONS
from schema.base import context as contexts
from schema.base.context import Context
from tests.access.shop import SCHEMA
from tests.api.bodies import SERVER_SENT, Exchange
from tests.api.sockets import Socket, new_app, nothing_left
from tests.conftest import Client

NAMES = "query($first: Int!) { customers(first: $first) { nodes { displayName email } } }"
COUNTRIES = "query($first: Int!) { customers(first: $first) { nodes { id country } } }"
NOBODY_NEW = 'mutation { customerCreate(input: { givenName: "Ada" }) { customer { id } } }'


async def readings_of(works: Works) -> list[tuple[Any, ...]]:
    """Return who read how much, the newest first."""
    async with works.database.reading() as session:
        rows = await list_audit_entries(session, limit=1_000)
    return [(row.actor_kind, row.actor_id, row.person_count) for row in rows if row.action == readings.ACTION]


async def test_a_list_of_names_is_noted_and_a_list_of_countries_is_not(client: Client) -> None:
    """From ten people on, once for each request, with their number and the request's id."""
    for _ in range(12):
        await client.ask(NOBODY_NEW)
    for query, first in ((NAMES, 9), (COUNTRIES, 12)):
        await client.ask(query, {"first": first})
    assert await readings_of(client.works) == []
    answer = await client.ask(NAMES, {"first": 12})
    async with client.works.database.reading() as session:
        (entry,) = [row for row in await list_audit_entries(session, limit=50) if row.action == readings.ACTION]
    assert (entry.actor_kind, entry.person_count) == ("APP", 12)
    assert entry.request_id == answer.headers["x-request-id"]
    await client.ask(f"{{ a: {NAMES[NAMES.index('customers') : -1]}".replace("$first", "10") + " }")
    assert [count for _, _, count in await readings_of(client.works)] == [10, 12]


async def test_who_sees_masked_data_is_not_noted(client: Client) -> None:
    """And neither are shoppers, who see themselves; staff are."""
    for _ in range(12):
        await client.ask(NOBODY_NEW)
    for role, expected in ((StaffRole.PARTNER_AGENT, []), (StaffRole.AGENT, [12])):
        actor = Actor(kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[role], id=new_id(), role=role)
        context = Context(client.works, actor=actor, request_id="r")
        result = await SCHEMA.execute(NAMES, variable_values={"first": 12}, context_value=context)
        assert result.errors is None
        await context.close()
        await context.tell_reading()
        await context.tell_reading()  # once is enough
        assert [count for _, _, count in await readings_of(client.works)] == expected
    shopper = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=new_id())
    assert not await readings.note_reading(client.works, actor=shopper, request_id="r", person_count=99)


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_nobody_waits_for_the_audit_log(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written once the answer is out; a full disk keeps nobody from reading."""
    for _ in range(12):
        await client.ask(NOBODY_NEW)
    order: list[str] = []
    send = GraphQLEndpoint._send

    async def sent(*arguments: Any) -> None:  # noqa: ANN401
        await send(*arguments)
        order.append("sent")

    async def full(*_: Any, person_count: int, **__: Any) -> bool:  # noqa: ANN401
        order.append(f"noted {person_count}")
        raise StorageFull

    monkeypatch.setattr(GraphQLEndpoint, "_send", sent)
    monkeypatch.setattr(contexts, "note_reading", full)
    key = await client.new_key(Permission.CUSTOMERS_READ)
    assert len((await client.ask(NAMES, {"first": 12}, key=key)).data["customers"]["nodes"]) == 12
    assert order == ["sent", "noted 12"]


async def test_who_takes_the_answer_and_vanishes_is_noted_too(client: Client) -> None:
    """Over a socket as in a streamed answer, whenever they go."""
    for _ in range(12):
        await client.ask(NOBODY_NEW)
    app = new_app(client.works)
    async with nothing_left(app):
        socket = await (await Socket(app).open()).initialise(client.key)
        socket.subscribe(NAMES, first=12)
        assert (await socket.hear())["type"] == "next"
        await socket.leave()
        exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(NAMES, first=11)
        await exchange.rest()
    assert [count for _, _, count in await readings_of(client.works)] == [11, 12]
