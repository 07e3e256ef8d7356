"""The server's process on a real socket: what uvicorn does of what the streams promise."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.serving import UNREAD_MS, Server, listen, new_server
from api.settings import Settings
from tests.api.sockets import FOLLOW, SUBPROTOCOL, new_app
from tests.conftest import Client
from tests.orders.shop import Input, new_customer, send_order
from tests.waiting import until

TEN_SECONDS = timedelta(seconds=10)
RENAME = """mutation($id: ID!, $name: String!, $version: Int!) {
  customerUpdate(input: {customerId: $id, givenName: $name, expectedVersion: $version}) { userErrors { code } } }"""
SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


@dataclass(frozen=True)
class Served:
    """A server that runs in this process."""

    server: Server
    task: asyncio.Task[None]
    port: int

    async def stop(self) -> None:
        """Ask it to stop, as a signal does, and wait until it has."""
        self.server.should_exit = True
        await asyncio.wait_for(self.task, 10)


@asynccontextmanager
async def serving(client: Client) -> AsyncIterator[Served]:
    """Serve on a free port."""
    settings = Settings(_env_file=None, background=False)
    server = new_server(new_app(client.works, background=False), settings, host="127.0.0.1", port=0)
    with listen(server) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)  # a client that does not read is soon noticed
        # Signals are the test runner's.
        served = Served(server, asyncio.create_task(server._serve([listening])), listening.getsockname()[1])
        await until(lambda: server.started)
        yield served
        await served.stop()


@pytest.fixture
async def served(client: Client) -> AsyncIterator[Served]:
    """Return a running server."""
    async with serving(client) as running:
        yield running


@pytest.fixture
async def customer(client: Client) -> Input:
    """Return a customer."""
    return await new_customer(client, externalId="k")


@asynccontextmanager
async def connected(served: Served, client: Client) -> AsyncIterator[ClientConnection]:
    """Connect, and say who it is."""
    url = f"ws://127.0.0.1:{served.port}/graphql"
    async with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None, compression=None) as connection:
        await say(connection, type="connection_init", payload={"Authorization": f"Bearer {client.key}"})
        assert orjson.loads(await connection.recv()) == {"type": "connection_ack"}
        yield connection


async def say(connection: ClientConnection, **message: object) -> None:
    """Send one message."""
    await connection.send(orjson.dumps(message).decode())


async def follow(connection: ClientConnection, served: Served, customer: Input, key: str = "1") -> None:
    """Follow a customer, and wait until the server listens."""
    groups = served.server._streams.groups
    count = groups.member_count
    payload = {"query": FOLLOW, "variables": {"id": customer["id"]}}
    await say(connection, type="subscribe", id=key, payload=payload)
    await until(lambda: groups.member_count > count)


async def code_of(connection: ClientConnection) -> int:
    """Return the code with which the server closes the socket."""
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(connection.recv(), 5)
    assert connection.close_code is not None
    return connection.close_code


async def test_a_server_that_stops_ends_its_streams(served: Served, client: Client, customer: Input) -> None:
    """Sockets with 1012, streamed answers without their mark of an end; nothing hangs."""
    url = f"http://127.0.0.1:{served.port}/graphql"
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {client.key}"}
    body = {"query": FOLLOW, "variables": {"id": customer["id"]}}
    async with (
        connected(served, client) as connection,
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", url, json=body, headers=headers) as response,
    ):
        await follow(connection, served, customer)
        await until(lambda: served.server._streams.groups.member_count == 2)
        await send_order(client, customer={"externalId": "k"})
        assert orjson.loads(await connection.recv())["type"] == "next"
        stopping = asyncio.create_task(served.stop())
        assert await code_of(connection) == 1012
        text = "".join([chunk async for chunk in response.aiter_text()])
        assert re.match(r":\n\nevent: next\nid: \S+\ndata: \{", text)
        assert "complete" not in text
        await stopping
    assert client.works.feed.listener_count == 0


@SQLITE_ONLY
async def test_a_message_that_is_too_long_is_not_even_read(served: Served, client: Client) -> None:
    """The server closes with 1009 before the application hears of it."""
    async with connected(served, client) as connection:
        await connection.send("x" * 70_000)
        assert await code_of(connection) == 1009


@SQLITE_ONLY
async def test_a_flood_of_messages(served: Served, client: Client) -> None:
    """The clock of the tests stands still, so nothing is restored: the socket is closed with 4429."""
    async with connected(served, client) as connection:
        for _ in range(300):
            await say(connection, type="ping")
        assert await code_of(connection) == 4429


async def test_a_client_that_never_reads(served: Served, client: Client, customer: Input) -> None:
    """Its queue fills in the network; then it is let go, while the others hear everything."""
    async with connected(served, client) as slow:
        await follow(slow, served, customer)
        big = "subscription($id: ID!) { customerEvents(customerId: $id) { ... on CustomerUpdated { customer { "
        fields = " ".join(f"a{number}: displayName" for number in range(25))
        query = f"{big} {fields} }} }} }} }}"
        for number in range(10):
            payload = {"query": query, "variables": {"id": customer["id"]}}
            await say(slow, type="subscribe", id=f"big-{number}", payload=payload)
        await until(lambda: served.server._streams.groups.member_count == 11)
        slow.transport.pause_reading()
        streams = served.server._streams
        name = "x" * 150
        for number in range(300):
            renamed = await client.ask(RENAME, {"id": customer["id"], "name": f"{name}{number}", "version": number + 1})
            assert renamed.data["customerUpdate"] == {"userErrors": []}
            if any(stream._sending_since is not None for stream in streams._open):  # type: ignore[attr-defined]
                break
        else:
            pytest.fail("the network swallowed it all")
        client.works.clock.advance(TEN_SECONDS)  # type: ignore[attr-defined]
        await until(lambda: streams.count == 0)
        assert client.works.feed.listener_count == 0
        slow.transport.abort()


@SQLITE_ONLY
async def test_what_is_left_unread_is_given_up_by_the_system(served: Served) -> None:
    """Connections inherit it from the socket that the server listens on."""
    listening = served.server.servers[0].sockets[0]
    assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNREAD_MS
