"""Equal subscriptions: executed once and written once, whoever comes, goes, falls behind or is shown less."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from api.requests import written
from domain.base.actors import EVERY_PERMISSION, Permission, StaffRole
from domain.base.feed import Place, ResyncReason
from domain.base.work import Works
from schema.base.ids import global_id
from tests.access.test_readings import readings_of
from tests.api.sockets import FOLLOW, Said, Socket
from tests.api.test_sockets_tokens import revoke
from tests.conftest import Client, StandingClock
from tests.identity.staff import add_staff, enter
from tests.interactions.chat import open_chat
from tests.orders.shop import Input, new_customer, send_order
from tests.statements import hearing
from tests.waiting import until

FROM = """subscription($id: ID!, $after: Cursor) { customerEvents(customerId: $id, after: $after) {
  __typename ... on Event { cursor } ... on ResyncRequired { reason } } }"""
UNREAD = """subscription($id: ID!) { conversationEvents(conversationId: $id) {
  ... on InteractionAdded { conversation { unreadCount } } } }"""
RENAME = "mutation($id: ID!) { customerUpdate(input: { customerId: $id, givenName: %s }) { userErrors { code } } }"
PROMOTE = """mutation($i: ID!, $role: StaffRole!) {
  staffMemberUpdate(input: {staffMemberId: $i, role: $role}) { userErrors { code } } }"""


@asynccontextmanager
async def sockets(app: Starlette, *keys: str | None) -> AsyncIterator[list[Socket]]:
    """Yield a socket for each key; those that are still there leave in the end."""
    async with AsyncExitStack() as stack:
        opened = []
        for key in keys:
            socket = await (await Socket(app).open()).initialise(key)
            stack.push_async_callback(leave, socket)
            opened.append(socket)
        yield opened


async def leave(socket: Socket) -> None:
    """Go away, unless the server closed it."""
    assert socket.task is not None
    if not socket.task.done():
        await socket.leave()


async def begin(socket: Socket, app: Starlette, query: str, **variables: object) -> None:
    """Subscribe, and wait until what is missed is read."""
    count = app.state.streams.groups.member_count
    socket.subscribe(query, "1", **variables)
    await until(lambda: app.state.streams.groups.member_count > count)


async def items(socket: Socket, count: int) -> list[Said]:
    """Return what the next answers tell."""
    heard = [await socket.hear() for _ in range(count)]
    assert {each["type"] for each in heard} == {"next"}, heard
    return [each["payload"]["data"]["customerEvents"] for each in heard]


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what was executed and written for groups."""
    found: list[object] = []

    def noting(content: object) -> bytes:
        found.append(content)
        return written(content)

    monkeypatch.setattr("api.streams.groups.written", noting)
    return found


async def test_fifty_cost_what_one_costs(client: Client, app: Starlette, customer: Input, tells: list[object]) -> None:
    """As many statements, one execution, one writing; whoever may do the same is shown the same."""
    client.works.feed._look_every_s = 60  # it looks when it is woken
    other = await client.new_key(*EVERY_PERMISSION)
    counts = []
    for number, keys in enumerate([[client.key], [client.key, other] * 25]):
        async with sockets(app, *keys) as listening:
            for socket in listening:
                await socket.follow(customer["id"])
            await until(lambda: client.works.feed.listener_count == 1)
            assert app.state.streams.groups.count == 1
            await send_order(client, f"warm-{number}", customer={"externalId": "k"})
            assert len({str(await socket.hear()) for socket in listening}) == 1
            tells.clear()
            with hearing() as heard:
                await send_order(client, f"o-{number}", customer={"externalId": "k"})
                assert len({str(await socket.hear()) for socket in listening}) == 1
                await until(lambda: client.works.database.lanes.busy == 0)
            counts.append((len(heard), len(tells)))
    assert counts[0] == counts[1]
    assert counts[0][1] == 1


async def test_others_are_told_apart(client: Client, app: Starlette, customer: Input) -> None:
    """Another variable, another document, another id of the operation, fewer permissions."""
    weak = await client.new_key(Permission.CUSTOMERS_READ)
    stranger = await new_customer(client, externalId="stranger")
    named = "subscription($id: ID!) { customerEvents(customerId: $id) { ... on OrderChanged { order { number } } } }"
    expected = 0
    async with sockets(app, client.key, client.key, client.key, weak, weak) as listening:
        for socket, query, key, fresh in zip(
            listening,
            [FOLLOW, FOLLOW, named, FOLLOW, FOLLOW],
            [customer, stranger, customer, customer, customer],
            [1, 1, 1, 1, 0],
            strict=True,
        ):
            await begin(socket, app, query, id=key["id"])
            expected += fresh
            assert app.state.streams.groups.count == expected
        number = (await send_order(client, "o-1", customer={"externalId": "k"}))["number"]
        assert await items(listening[0], 1) == [{"__typename": "OrderChanged"}]
        assert await items(listening[2], 1) == [{"order": {"number": number}}]
        await asyncio.sleep(0.05)
        assert [socket.is_silent for socket in listening] == [True] * 5


async def test_what_depends_on_who_asks_is_not_shared(client: Client, app: Starlette, works: Works) -> None:
    """Each agent is told what they have not read; two sockets of one agent are told the same."""
    chat = await open_chat(works)
    keys = []
    for name in ("ada", "bea"):
        await add_staff(works, f"{name}@shop.example")
        keys.append((await enter(client, f"{name}@shop.example"))["accessToken"])
    conversation = await chat.start()
    global_key = global_id("Conversation", conversation)
    async with sockets(app, keys[0], keys[0], keys[1]) as listening:
        for socket in listening:
            await begin(socket, app, UNREAD, id=global_key)
        assert app.state.streams.groups.count == 2
        read = """mutation($id: ID!) { conversationRead(input: { conversationId: $id, seq: 1 }) {
          userErrors { code } } }"""
        assert (await client.ask(read, {"id": global_key}, key=keys[1])).data["conversationRead"]["userErrors"] == []
        await chat.say(conversation, "And?", by=chat.shopper)
        unread = []
        for socket in listening:
            found: Any = {}
            while not found:
                found = (await socket.hear())["payload"]["data"]["conversationEvents"]
            unread.append(found["conversation"]["unreadCount"])
        assert unread == [2, 2, 1]


async def test_members_come_and_go(client: Client, app: Starlette, customer: Input) -> None:
    """Also the one who was there first; the last one ends it."""
    async with sockets(app, *[client.key] * 3) as listening:
        for socket in listening[:2]:
            await socket.follow(customer["id"])
        await send_order(client, "o-1", customer={"externalId": "k"})
        await listening[0].leave()
        await listening[2].follow(customer["id"])
        await send_order(client, "o-2", customer={"externalId": "k"})
        assert [len(await items(listening[1], 2)), len(await items(listening[2], 1))] == [2, 1]
        assert app.state.streams.groups.count == 1
        listening[1].tell({"type": "complete", "id": "1"})
        await until(lambda: app.state.streams.groups.member_count == 1)
        await send_order(client, "o-3", customer={"externalId": "k"})
        await items(listening[2], 1)
        assert listening[1].is_silent


async def test_who_comes_back_while_events_flow_misses_nothing(
    client: Client, app: Starlette, customer: Input, works: Works
) -> None:
    """Each from another place, while others are told and more is committed: everything once, in its order."""
    end = await works.feed.end()
    count = 24

    async def write() -> None:
        for number in range(count):
            await send_order(client, f"o-{number}", customer={"externalId": "k"})

    async def follow(stop_after: int) -> list[str]:
        cursors = [end.cursor]
        while len(cursors) <= count:
            async with sockets(app, client.key) as (socket,):
                socket.subscribe(FROM, id=customer["id"], after=cursors[-1])
                wanted = min(stop_after, count + 1 - len(cursors))
                cursors += [each["cursor"] for each in await items(socket, wanted)]
        return cursors[1:]

    async with sockets(app, client.key) as (first,), asyncio.TaskGroup() as tasks:
        await begin(first, app, FROM, id=customer["id"])
        writing = tasks.create_task(write())
        followers = [tasks.create_task(follow(each)) for each in (3, 7, count)]
        told = [each["cursor"] for each in await items(first, count)]
        await writing
    assert sorted(set(told), key=lambda cursor: int(cursor.partition("-")[2])) == told
    assert [task.result() for task in followers] == [told] * 3


async def test_a_cursor_of_another_life_ends_one_only(client: Client, app: Starlette, customer: Input) -> None:
    """The others of its group follow on."""
    async with sockets(app, client.key, client.key) as (socket, other):
        await begin(other, app, FROM, id=customer["id"])
        socket.subscribe(FROM, id=customer["id"], after=Place("0" * 16, 7).cursor)
        (item,) = await items(socket, 1)
        assert item == {"__typename": "ResyncRequired", "reason": "RESTORED"}
        assert await socket.hear() == {"type": "complete", "id": "1"}
        await send_order(client, "o-1", customer={"externalId": "k"})
        await items(other, 1)


async def test_a_log_that_is_lost_ends_all(client: Client, app: Starlette, customer: Input) -> None:
    """Each is told so, and whoever comes afterwards begins anew."""
    async with sockets(app, *[client.key] * 3) as listening:
        for socket in listening[:2]:
            await begin(socket, app, FROM, id=customer["id"])
        await until(lambda: client.works.feed.listener_count)
        client.works.feed._give_up(ResyncReason.RESTORED)
        for socket in listening[:2]:
            assert (await items(socket, 1))[0]["reason"] == "RESTORED"
            assert await socket.hear() == {"type": "complete", "id": "1"}
        await begin(listening[2], app, FROM, id=customer["id"])
        await send_order(client, "o-1", customer={"externalId": "k"})
        await items(listening[2], 1)


async def test_one_who_never_reads_is_given_up_alone(client: Client, app: Starlette, customer: Input) -> None:
    """Its queue is bounded; the other is told everything at once."""
    app.state.streams.groups.waiting_max = 3
    async with sockets(app, client.key, client.key) as (slow, quick):
        for socket in (slow, quick):
            await begin(socket, app, FROM, id=customer["id"])
        slow.reads.clear()
        for number in range(9):
            await send_order(client, f"o-{number}", customer={"externalId": "k"})
            await items(quick, 1)
        assert app.state.streams.groups.member_count == 1
        slow.reads.set()
        told = []
        while (said := await slow.hear())["type"] == "next":
            told.append(said["payload"]["data"]["customerEvents"])
        assert said == {"type": "complete", "id": "1"}
        assert told[-1] == {"__typename": "ResyncRequired", "reason": "FELL_BEHIND"}
        assert len(told) <= 1 + 3 + 1


async def test_a_revoked_member_is_told_nothing_more(
    client: Client, app: Starlette, customer: Input, clock: StandingClock
) -> None:
    """Nor do the others notice."""
    secret = await client.new_key(*EVERY_PERMISSION)
    async with sockets(app, secret, client.key) as (gone, other):
        for socket in (gone, other):
            await socket.follow(customer["id"])
        assert app.state.streams.groups.count == 1
        await revoke(client, secret)
        for _ in range(10):
            clock.advance(timedelta(seconds=0.5))
            await asyncio.sleep(0.02)
        assert await gone.closed() == 4403
        await send_order(client, "o-1", customer={"externalId": "k"})
        await items(other, 1)


async def test_who_is_shown_something_else_goes_on_with_others(
    client: Client, app: Starlette, customer: Input, clock: StandingClock
) -> None:
    """Another role: nothing is missed and nothing is told twice, also what was committed meanwhile."""
    member = await add_staff(client.works, "ada@shop.example")
    await add_staff(client.works, "bea@shop.example")
    async with AsyncExitStack() as stack:
        keys = [(await enter(client, f"{name}@shop.example"))["accessToken"] for name in ("ada", "bea")]
        changed, other = await stack.enter_async_context(sockets(app, *keys))
        for socket in (changed, other):
            await begin(socket, app, FROM, id=customer["id"])
        assert app.state.streams.groups.count == 1
        await send_order(client, "o-0", customer={"externalId": "k"})
        await items(changed, 1)
        promoted = await client.ask(PROMOTE, {"i": member, "role": StaffRole.SUPERVISOR.value})
        assert promoted.data["staffMemberUpdate"]["userErrors"] == []
        for number in range(1, 11):
            clock.advance(timedelta(seconds=0.5))
            await send_order(client, f"o-{number}", customer={"externalId": "k"})
            await asyncio.sleep(0.01)
        await until(lambda: app.state.streams.groups.count == 2)
        told = [each["cursor"] for each in await items(changed, 10)]
        assert told == [each["cursor"] for each in await items(other, 11)][1:]


async def test_whose_data_were_read_is_told_of_each(client: Client, app: Starlette) -> None:
    """The audit log does not lose sight of readers because they read together."""
    query = "subscription { events { ... on CustomerCreated { customer { givenName } } } }"
    async with sockets(app, client.key, client.key) as listening:
        for socket in listening:
            await begin(socket, app, query)
        for number in range(12):
            await new_customer(client, externalId=f"n-{number}", givenName="Ada")
        for socket in listening:
            for _ in range(12):
                await socket.hear()
    await client.works.readings.settle()
    assert len(await readings_of(client.works)) == 2


async def test_what_goes_wrong_is_told_to_each(
    client: Client, app: Starlette, customer: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the id under which it stands in the log; the stream has ended for all, and nothing is left."""

    def broken(*_: object) -> bytes:
        message = "no"
        raise RuntimeError(message)

    async with sockets(app, client.key, client.key) as listening:
        for socket in listening:
            await socket.follow(customer["id"])
        monkeypatch.setattr("api.streams.groups.written", broken)
        await send_order(client, "o-1", customer={"externalId": "k"})
        said = [await socket.hear() for socket in listening]
        assert {each["type"] for each in said} == {"error"}
        assert said[0] == said[1]
        assert said[0]["payload"][0]["extensions"]["code"] == "INTERNAL"
