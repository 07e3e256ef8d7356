"""Sockets under attack: what one client does costs the others nothing, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from api.streams import shared
from domain.base.networks import network_of
from tests.api.sockets import FOLLOW, Refused, Socket, new_app, nothing_left
from tests.conftest import Client, StandingClock
from tests.orders.shop import Input, new_customer, send_order
from tests.waiting import until

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


@pytest.fixture
async def app(client: Client) -> AsyncIterator[Starlette]:
    """Return the application; nothing is left over of its sockets."""
    app = new_app(client.works)
    async with nothing_left(app):
        yield app


@pytest.fixture
async def customer(client: Client) -> Input:
    """Return a customer."""
    return await new_customer(client, externalId="k")


@SQLITE_ONLY
async def test_a_thousand_sockets_of_one_address(app: Starlette, client: Client) -> None:
    """A hundred are taken; the others are refused before they are sockets. Other addresses come in."""
    taken = [await Socket(app).open() for _ in range(100)]
    for _ in range(900):
        with pytest.raises(Refused) as refused:
            await Socket(app).open()
        assert refused.value.status == 429
    assert app.state.streams.count == 100
    other = await (await Socket(app, address="192.0.2.2").open()).initialise(client.key)
    assert (await other.ask("{ viewer { kind } }"))["data"]
    await taken.pop().leave()
    taken.append(await Socket(app).open())  # a place that was left is free
    for socket in (*taken, other):
        await socket.leave()
    assert app.state.streams._counts == {}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        (None, ""),
    ],
)
def test_what_counts_as_one_address(address: str | None, network: str) -> None:
    """A client of IPv6 has billions of addresses, of one network."""
    assert network_of(address) == network


@SQLITE_ONLY
async def test_a_thousand_messages_a_second(app: Starlette, client: Client, clock: StandingClock) -> None:
    """What one may save up is answered; then the socket is closed. At an allowed pace it stays open."""
    socket = await (await Socket(app).open()).initialise(client.key)
    other = await (await Socket(app).open()).initialise(client.key)
    for _ in range(1_000):
        socket.tell({"type": "ping"})
    assert (await other.ask("{ viewer { kind } }"))["data"]  # its turn comes among the thousand
    assert await socket.closed() == 4429
    for _ in range(500):
        clock.advance(timedelta(seconds=0.01))
        other.tell({"type": "ping"})
        assert (await other.hear())["type"] == "pong"
    await other.leave()


@SQLITE_ONLY
async def test_more_operations_than_a_socket_may_run(app: Starlette, client: Client, customer: Input) -> None:
    """The one too many is refused by its id; those that run go on, and there is room when one ends."""
    socket = await (await Socket(app).open()).initialise(client.key)
    for number in range(20):
        await socket.follow(customer["id"], str(number))
    for _ in range(3):
        socket.subscribe(FOLLOW, "x", id=customer["id"])
        said = await socket.hear()
        assert (said["type"], said["id"], said["payload"][0]["extensions"]["code"]) == ("error", "x", "THROTTLED")
    await send_order(client, customer={"externalId": "k"})
    assert sorted([(await socket.hear())["id"] for _ in range(20)], key=int) == [str(n) for n in range(20)]
    socket.tell({"type": "complete", "id": "7"})
    await until(lambda: app.state.streams.groups.member_count == 19)
    await socket.follow(customer["id"], "x")
    await socket.leave()


async def test_subscribe_and_abort_many_times(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """On one socket, without waiting: tasks, listeners and connections are back where they were."""
    async with nothing_left(app):
        socket = await (await Socket(app).open()).initialise(client.key)
        tasks = len(asyncio.all_tasks())
        for number in range(10_000 if client.works.database.is_sqlite else 1_000):
            clock.advance(timedelta(seconds=1))
            socket.subscribe(FOLLOW, str(number), id=customer["id"])
            if number % 3:
                await asyncio.sleep(0)
            if number % 100 == 0:
                await until(lambda: client.works.feed.listener_count)
            socket.tell({"type": "complete", "id": str(number)})
            if number % 10 == 0:
                await asyncio.sleep(0.002)
        await until(lambda: client.works.feed.listener_count == 0)
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 2)
        assert socket.is_silent
        assert (await socket.ask("{ viewer { kind } }"))["data"]
        await socket.leave()


async def test_connect_and_vanish_many_times(app: Starlette, client: Client, customer: Input) -> None:
    """In the middle of the handshake, of connection_init, of a subscription, of an event."""
    async with nothing_left(app):
        for number in range(100):
            socket = await Socket(app).open()
            if number % 4 > 0:
                socket.tell({"type": "connection_init", "payload": {"Authorization": f"Bearer {client.key}"}})
            if number % 4 > 1:
                await socket.hear()
                socket.subscribe(FOLLOW, id=customer["id"])
                await asyncio.sleep(0)
            if number % 8 > 2:
                await send_order(client, f"o-{number}", customer={"externalId": "k"})
            await socket.leave()


async def test_one_who_does_not_read_holds_up_nobody(app: Starlette, client: Client, customer: Input) -> None:
    """The others hear everything at once, while its queue fills and is given up."""
    app.state.streams.groups.waiting_max = 5
    slow = await (await Socket(app).open()).initialise(client.key)
    quick = await (await Socket(app).open()).initialise(client.key)
    for socket in (slow, quick):
        await socket.follow(customer["id"])
    slow.reads.clear()
    for number in range(10):
        await send_order(client, f"o-{number}", customer={"externalId": "k"})
        assert (await quick.hear())["payload"]["data"]["customerEvents"] == {"__typename": "OrderChanged"}
    slow.reads.set()
    names = []
    while (said := await slow.hear())["type"] == "next":
        names.append(said["payload"]["data"]["customerEvents"]["__typename"])
    assert names[-1] == "ResyncRequired"
    assert said == {"type": "complete", "id": "1"}
    for socket in (slow, quick):
        await socket.leave()


@SQLITE_ONLY
async def test_a_server_that_stops_waits_for_nobody(
    app: Starlette, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not read does not keep it from stopping."""
    monkeypatch.setattr(shared, "CLOSE_WITHIN_S", 0.05)
    socket = await (await Socket(app).open()).initialise(client.key)
    socket.reads.clear()
    await asyncio.wait_for(app.state.streams.close(), 2)
    socket.reads.set()
    assert await socket.closed() == 1012
