"""graphql-transport-ws: the protocol, message by message, and what each side may not do."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from api.streams.shared import SEND_WITHIN
from tests.api.sockets import Closed, Refused, Socket, new_app, nothing_left
from tests.conftest import Client, StandingClock
from tests.orders.shop import Input, send_order
from tests.waiting import until

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
DEMOTE = """mutation($i: ID!) {
  staffMemberUpdate(input: {staffMemberId: $i, role: ANALYST}) { userErrors { code } } }"""
CREATE = 'mutation { customerCreate(input: {givenName: "Eva"}) { customer { displayName } } }'


async def test_query_mutation_and_subscription(client: Client, socket: Socket, customer: Input) -> None:
    """All three over one socket, at once; the client ends the subscription, and hears nothing more of it."""
    assert socket.subprotocol == "graphql-transport-ws"
    await socket.follow(customer["id"], "s")
    assert (await socket.ask("{ viewer { kind } }"))["data"] == {"viewer": {"kind": "APP"}}
    answer = await socket.ask(CREATE)
    assert answer["data"]["customerCreate"]["customer"] == {"displayName": "Eva"}
    assert answer["extensions"]["cost"]["requestedQueryCost"] > 0
    await send_order(client, customer={"externalId": "k"})
    event = {"type": "next", "id": "s", "payload": {"data": {"customerEvents": {"__typename": "OrderChanged"}}}}
    assert await socket.hear() == event
    socket.tell({"type": "complete", "id": "s"})
    await until(lambda: client.works.feed.listener_count == 0)
    await send_order(client, "o-2", customer={"externalId": "k"})
    await socket.follow(customer["id"], "s")  # its id is free again
    await send_order(client, "o-3", customer={"externalId": "k"})
    assert await socket.hear() == event
    assert socket.is_silent


@SQLITE_ONLY
async def test_ping_is_answered(socket: Socket) -> None:
    """With its payload, if it has one; a pong is taken without a word."""
    socket.tell({"type": "ping"})
    assert await socket.hear() == {"type": "pong"}
    socket.tell({"type": "pong", "payload": {"a": 1}})
    socket.tell({"type": "ping", "payload": {"a": 1}})
    assert await socket.hear() == {"type": "pong", "payload": {"a": 1}}


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { customerEvents { __typename } }"}, "BAD_USER_INPUT"),
        ({"query": 'subscription { customerEvents(customerId: "?") { __typename } }'}, "BAD_USER_INPUT"),
        ({"query": "query($i: ID!) { node(id: $i) { id } }"}, "BAD_USER_INPUT"),
        ({"query": 5}, "BAD_USER_INPUT"),
        ({"query": "{ viewer { kind } }", "variables": []}, "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "sha256:" + "0" * 64}, "BAD_USER_INPUT"),
        ({}, "BAD_USER_INPUT"),
    ],
)
async def test_an_operation_at_fault_is_an_error_of_its_own(socket: Socket, payload: dict[str, Any], code: str) -> None:
    """The socket lives, and so do the others on it; the id is free again."""
    for _ in range(2):
        socket.tell({"type": "subscribe", "id": "x", "payload": payload})
        said = await socket.hear()
        if said["type"] == "next":  # it was executed: null, and an error with a path
            said = {**said, "type": "error", "payload": said["payload"]["errors"]}
            assert await socket.hear() == {"type": "complete", "id": "x"}
        assert (said["type"], said["id"]) == ("error", "x")
        assert said["payload"][0]["extensions"]["requestId"]
        assert said["payload"][0]["extensions"]["code"] == code
    assert (await socket.ask("{ viewer { kind } }"))["data"]


@SQLITE_ONLY
@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "5",
        "null",
        '"x"',
        "[]",
        "{}",
        "[" * 60_000,
        b"{}",
        {"type": 5},
        {"type": "start", "id": "1", "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": "x"},
        {"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": "x" * 129, "payload": {"query": "{ __typename }"}},
        {"type": "complete"},
        {"type": "ping", "payload": []},
    ],
)
async def test_a_message_of_no_protocol_closes_the_socket(socket: Socket, message: object) -> None:
    """With 4400, and words that fit into a close frame."""
    socket.tell(message)
    with pytest.raises(Closed) as closed:
        await socket.hear()
    assert closed.value.code == 4400
    assert 0 < len(closed.value.reason.encode()) <= 123


@SQLITE_ONLY
async def test_a_message_that_is_too_long_closes_the_socket(socket: Socket) -> None:
    """Also past a server that does not count."""
    socket.tell("x" * 65_537)
    assert await socket.closed() == 1009


@SQLITE_ONLY
async def test_what_comes_before_connection_init(app: Starlette) -> None:
    """Nothing is run for who has not said who they are; pings are answered."""
    socket = await Socket(app).open()
    socket.tell({"type": "ping"})
    assert await socket.hear() == {"type": "pong"}
    socket.subscribe("{ __typename }")
    assert await socket.closed() == 4401


@SQLITE_ONLY
async def test_a_second_connection_init_closes_the_socket(socket: Socket) -> None:
    """Who somebody is, is said once."""
    socket.tell({"type": "connection_init"})
    assert await socket.closed() == 4429


@SQLITE_ONLY
async def test_an_id_in_use_closes_the_socket(socket: Socket, customer: Input) -> None:
    """Two operations with one id cannot be told apart."""
    key = "s" * 128
    await socket.follow(customer["id"], key)
    socket.subscribe("{ __typename }", key)
    with pytest.raises(Closed) as closed:
        await socket.hear()
    assert closed.value.code == 4409
    assert len(closed.value.reason) <= 123


async def test_who_says_nothing_is_closed_after_three_seconds(app: Starlette, clock: StandingClock) -> None:
    """A socket without connection_init costs a place."""
    socket = await Socket(app).open()
    clock.advance(timedelta(seconds=2.9))
    await asyncio.sleep(0.03)
    assert socket.is_silent
    clock.advance(timedelta(seconds=0.1))
    assert await socket.closed() == 4408


@SQLITE_ONLY
async def test_old_and_other_protocols_are_refused(app: Starlette) -> None:
    """The legacy one had a hole; a client that speaks no subprotocol speaks none of GraphQL."""
    for subprotocols in (["graphql-ws"], [], ["mqtt"]):
        socket = Socket(app)
        socket.scope["subprotocols"] = subprotocols
        await socket.open()
        assert socket.subprotocol is None
        assert await socket.closed() == 4406


@SQLITE_ONLY
async def test_pages_of_other_origins(client: Client) -> None:
    """The setting for pages holds for sockets too; the server's own pages and programs always come in."""
    app = new_app(client.works, cors_origins=["https://shop.example"])
    for origin in ("https://shop.example", "http://test", "https://test"):
        await (await (await Socket(app, origin=origin).open()).initialise()).leave()
    await (await (await Socket(app).open()).initialise()).leave()
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example"):
        with pytest.raises(Refused) as refused:
            await Socket(app, origin=origin).open()
        assert refused.value.status == 403


async def test_who_leaves_ends_their_work(app: Starlette, client: Client, customer: Input) -> None:
    """At once, whatever runs: subscriptions and queries; the connections go back."""
    async with nothing_left(app):
        socket = await (await Socket(app).open()).initialise(client.key)
        for number in range(10):
            await socket.follow(customer["id"], str(number))
        for number in range(10, 20):
            socket.subscribe("{ customers(first: 50) { nodes { id value { orderCount } } } }", str(number))
        await socket.leave()


async def test_a_write_that_has_begun_is_done(client: Client, app: Starlette) -> None:
    """Also where its client goes away, or does not want the answer: half of it would be nobody's wish."""
    names = []
    for number in range(6):
        socket = await (await Socket(app).open()).initialise(client.key)
        name = f"Eva {number}"
        socket.subscribe(CREATE.replace("Eva", name))
        await asyncio.sleep(0)
        if number % 2:
            await asyncio.sleep(0.01)
            socket.tell({"type": "complete", "id": "1"})
        await socket.leave()
        names.append(name)
    found = (await client.ask("{ customers(first: 50) { nodes { displayName } } }")).data["customers"]["nodes"]
    assert {each["displayName"] for each in found} >= {name for name in names if int(name[-1]) % 2}


@SQLITE_ONLY
async def test_a_fault_of_ours_is_an_error_of_the_operation(
    socket: Socket, app: Starlette, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its words stay inside, the request's id is told, and the socket lives."""

    def fails(*_arguments: object, **_named: object) -> None:
        secret = "SELECT secret FROM somewhere"  # noqa: S105
        raise KeyError(secret)

    with monkeypatch.context() as patch:
        patch.setattr(app.state.streams.operations, "prepare", fails)
        socket.subscribe("{ viewer { kind } }", "x")
        said = await socket.hear()
    assert (said["type"], said["id"]) == ("error", "x")
    assert said["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(said)
    assert "secret" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(app.state.streams.operations, "execute", fails)
        socket.subscribe("{ viewer { kind } }", "x")
        said = await socket.hear()
    assert said["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert (await socket.ask("{ viewer { kind } }"))["data"]


@SQLITE_ONLY
async def test_a_database_that_is_away(
    app: Starlette, client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new socket is asked to come back; those that are open stay so, and are looked at again when it is back."""
    streams = app.state.streams
    socket = await (await Socket(app).open()).initialise(client.key)

    async def away(_authorization: str | None) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(streams.access, "actor", away)
        late = await Socket(app).open()
        late.tell({"type": "connection_init"})
        assert await late.closed() == 1013
        clock.advance(timedelta(seconds=10))
        await asyncio.sleep(0.05)
        assert socket.is_silent
    assert (await socket.ask("{ viewer { kind } }"))["data"]
    await socket.leave()


@SQLITE_ONLY
async def test_when_the_server_stops(app: Starlette, client: Client, customer: Input) -> None:
    """Sockets are closed with 1012, upon which clients come back; nobody is let in any more."""
    sockets = [await (await Socket(app).open()).initialise(client.key) for _ in range(3)]
    await sockets[0].follow(customer["id"])
    await app.state.streams.close()
    assert [await socket.closed() for socket in sockets] == [1012] * 3
    with pytest.raises(Refused) as refused:
        await Socket(app).open()
    assert refused.value.status == 503


async def test_a_client_that_does_not_read_is_let_go(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """Nobody waits for it longer than ten seconds, and what it held is given back."""
    socket = await (await Socket(app).open()).initialise(client.key)
    await socket.follow(customer["id"])
    socket.reads.clear()
    await send_order(client, customer={"externalId": "k"})
    streams = app.state.streams
    await until(lambda: socket.is_told)
    clock.advance(SEND_WITHIN - timedelta(seconds=1))
    await asyncio.sleep(0.05)
    assert streams.count == 1
    clock.advance(timedelta(seconds=1))
    await socket.ended()
    assert (streams.count, client.works.feed.listener_count) == (0, 0)


@SQLITE_ONLY
async def test_a_client_that_vanishes_while_it_is_spoken_to(app: Starlette, client: Client) -> None:
    """The server's sending says so first: the socket is over, and no error of ours."""
    socket = await (await Socket(app).open()).initialise(client.key)

    socket.is_lost = True
    socket.tell({"type": "ping"})
    await socket.ended()


@SQLITE_ONLY
async def test_a_document_is_remembered_over_sockets(socket: Socket) -> None:
    """Automatic persisted queries: the hash alone is enough once the text was sent with it."""
    text = "{ viewer { kind } }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    for payload in ({"query": text, "extensions": extensions}, {"extensions": extensions}):
        socket.tell({"type": "subscribe", "id": "a", "payload": payload})
        assert (await socket.hear())["payload"]["data"] == {"viewer": {"kind": "APP"}}
        assert (await socket.hear())["type"] == "complete"
