"""Server-sent events and Apollo's multipart protocol: answers that go on, in one response."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest
from starlette.applications import Starlette

from api.streams.bodies import HEARTBEAT_EVERY
from api.streams.forms import MULTIPART_SUBSCRIPTION, SERVER_SENT_EVENTS, Form, choose_form
from api.streams.shared import SEND_WITHIN
from domain.base.actors import EVERY_PERMISSION
from tests.api.bodies import MULTIPART, SERVER_SENT, Exchange
from tests.api.sockets import FOLLOW, new_app, nothing_left
from tests.api.test_sockets_tokens import CREATE, revoke
from tests.conftest import Client, StandingClock
from tests.orders.shop import Input, new_customer, send_order
from tests.waiting import until

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
BOTH = pytest.mark.parametrize("accept", [SERVER_SENT, MULTIPART])
EVENT = {"data": {"customerEvents": {"__typename": "OrderChanged"}}}


@pytest.fixture
async def app(client: Client) -> AsyncIterator[Starlette]:
    """Return the application; nothing is left over of its streams."""
    app = new_app(client.works)
    async with nothing_left(app):
        yield app


@pytest.fixture
async def customer(client: Client) -> Input:
    """Return a customer."""
    return await new_customer(client, externalId="k")


async def test_a_subscription_as_server_sent_events(app: Starlette, client: Client, customer: Input) -> None:
    """`next` for each event with its place, lines that end with LF, headers that keep proxies from holding it back."""
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).follow(FOLLOW, id=customer["id"])
    assert exchange.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert exchange.headers["x-accel-buffering"] == "no"
    assert exchange.headers["cache-control"] == "no-store"
    assert exchange.headers["x-request-id"]
    for number in range(3):
        await send_order(client, f"o-{number}", customer={"externalId": "k"})
        head, _, data = (await exchange.chunk() or b"").partition(b"data: ")
        assert re.fullmatch(rb"event: next\nid: [0-9a-f]{16}-[0-9]+\n", head)
        assert data == orjson.dumps(EVENT) + b"\n\n"
    assert exchange.is_silent
    await exchange.leave()
    assert client.works.feed.listener_count == 0


async def test_a_subscription_in_multipart(app: Starlette, client: Client, customer: Input) -> None:
    """Each part ends with the next boundary: only then do clients read it."""
    exchange = await Exchange(app, accept=MULTIPART, key=client.key).follow(FOLLOW, id=customer["id"])
    assert exchange.headers["content-type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    await send_order(client, customer={"externalId": "k"})
    head = b"\r\ncontent-type: application/json\r\n\r\n"
    assert await exchange.chunk() == head + orjson.dumps({"payload": EVENT}) + b"\r\n--graphql"
    await exchange.leave()


async def test_queries_and_mutations_as_server_sent_events(app: Starlette, client: Client) -> None:
    """One `next`, then `complete`; what is at fault comes the same way."""
    for query, said in (
        ("{ viewer { kind } }", b'"kind":"APP"'),
        (CREATE, b'"displayName":"Eva"'),
        ("{ nothing }", b'"code":"GRAPHQL_VALIDATION_FAILED"'),
        ("{", b'"code":"GRAPHQL_PARSE_FAILED"'),
        ("", b'"code":"BAD_USER_INPUT"'),
    ):
        accept = f"{SERVER_SENT}, application/graphql-response+json"
        exchange = await Exchange(app, accept=accept, key=client.key).ask(query)
        body = await exchange.rest()
        assert (exchange.status, exchange.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert body.startswith(b":\n\nevent: next\ndata: {")
        assert said in body
        assert body.endswith(b"}\n\nevent: complete\ndata:\n\n")


@SQLITE_ONLY
@BOTH
async def test_a_subscription_that_cannot_begin(app: Starlette, client: Client, accept: str) -> None:
    """Its one answer says why, and then it ends."""
    exchange = await Exchange(app, accept=accept, key=client.key).ask(FOLLOW, id="?")
    body = await exchange.rest()
    assert exchange.status == 200
    assert b'"code":"BAD_USER_INPUT"' in body
    assert body.endswith((b"event: complete\ndata:\n\n", b"\r\n--graphql--\r\n"))


@SQLITE_ONLY
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*", "multipart/mixed"])
async def test_a_subscription_as_plain_post(app: Starlette, client: Client, accept: str, customer: Input) -> None:
    """It is refused with what to use instead."""
    exchange = await Exchange(app, accept=accept, key=client.key).ask(FOLLOW, id=customer["id"])
    body = await exchange.rest()
    assert exchange.status in (400, 406)
    if exchange.status == 400:
        message = orjson.loads(body)["errors"][0]["message"]
        assert all(word in message for word in ("graphql-transport-ws", "text/event-stream", "multipart/mixed"))


@SQLITE_ONLY
@BOTH
async def test_a_wrong_token_is_no_stream(app: Starlette, accept: str) -> None:
    """It is refused with 401 before anything begins, as JSON."""
    exchange = await Exchange(app, accept=accept, key="sk_unknown").ask(FOLLOW, id="x")
    assert exchange.status == 401
    assert exchange.headers["content-type"].startswith("application/json")
    assert orjson.loads(await exchange.rest())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@SQLITE_ONLY
@pytest.mark.parametrize(("accept", "heartbeat"), [(SERVER_SENT, b":\n\n"), (MULTIPART, b"\r\n\r\n{}\r\n--graphql")])
async def test_a_silent_stream_gives_signs_of_life(
    app: Starlette, client: Client, clock: StandingClock, customer: Input, accept: str, heartbeat: bytes
) -> None:
    """Every fifteen seconds without anything else, not sooner."""
    exchange = await Exchange(app, accept=accept, key=client.key).follow(FOLLOW, id=customer["id"])
    for _ in range(3):
        clock.advance(HEARTBEAT_EVERY - timedelta(seconds=0.5))
        await asyncio.sleep(0.03)
        assert exchange.is_silent
        clock.advance(timedelta(seconds=0.5))
        beat = await exchange.chunk()
        assert beat is not None
        assert beat.endswith(heartbeat)
    await exchange.leave()


@BOTH
async def test_a_revoked_token_ends_its_streams(
    app: Starlette, client: Client, clock: StandingClock, customer: Input, accept: str
) -> None:
    """Within five seconds, with an error that says what to do."""
    secret = await client.new_key(*EVERY_PERMISSION)
    exchange = await Exchange(app, accept=accept, key=secret).follow(FOLLOW, id=customer["id"])
    kept = await Exchange(app, accept=accept, key=client.key).follow(FOLLOW, id=customer["id"])
    await revoke(client, secret)
    for _ in range(10):
        clock.advance(timedelta(seconds=0.5))
        await asyncio.sleep(0.02)
    body = await exchange.rest()
    assert b'"code":"UNAUTHENTICATED"' in body
    assert body.endswith((b"event: complete\ndata:\n\n", b"\r\n--graphql--\r\n"))
    assert kept.is_silent
    await kept.leave()


@SQLITE_ONLY
@BOTH
async def test_streams_end_when_the_server_stops(app: Starlette, client: Client, customer: Input, accept: str) -> None:
    """At once, and without the mark of an end: clients take it for a lost connection, and come back."""
    exchange = await Exchange(app, accept=accept, key=client.key).follow(FOLLOW, id=customer["id"])
    await asyncio.wait_for(app.state.streams.close(), 2)
    assert await exchange.rest() == b""
    late = await Exchange(app, accept=accept, key=client.key).ask(FOLLOW, id=customer["id"])
    assert late.status == 503


@SQLITE_ONLY
async def test_streams_of_one_address_are_counted(client: Client, customer: Input) -> None:
    """Sockets and streamed answers together; the one too many is refused with 429."""
    app = new_app(client.works, streams_per_address=2)
    open_ones = [
        await Exchange(app, accept=SERVER_SENT, key=client.key).follow(FOLLOW, id=customer["id"]) for _ in range(2)
    ]
    late = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(FOLLOW, id=customer["id"])
    assert late.status == 429
    assert b"THROTTLED" in await late.rest()
    plain = await Exchange(app, accept="application/json", key=client.key).ask("{ viewer { kind } }")
    assert plain.status == 200
    await plain.ended()
    for exchange in open_ones:
        await exchange.leave()


async def test_a_client_that_does_not_read_is_let_go(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """Nobody waits for it longer than ten seconds, heartbeats included."""
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).follow(FOLLOW, id=customer["id"])
    exchange.reads.clear()
    await send_order(client, customer={"externalId": "k"})
    await until(lambda: exchange.is_told)
    clock.advance(SEND_WITHIN)
    await exchange.ended()
    assert app.state.streams.count == 0


@SQLITE_ONLY
async def test_a_heartbeat_that_is_not_read_ends_it_too(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """A silent stream notices as well."""
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).follow(FOLLOW, id=customer["id"])
    exchange.reads.clear()
    clock.advance(HEARTBEAT_EVERY)
    await until(lambda: exchange.is_told)
    clock.advance(SEND_WITHIN)
    await exchange.ended()


async def test_a_write_is_done_though_its_client_left(app: Starlette, client: Client) -> None:
    """A query is not: nobody would read it."""
    for number in range(5):
        exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(CREATE.replace("Eva", f"Eva {number}"))
        await exchange.leave()
    found = (await client.ask("{ customers(first: 50) { totalCount } }")).data["customers"]
    assert found["totalCount"] == 5


async def test_connect_and_vanish_many_times(app: Starlette, client: Client, customer: Input) -> None:
    """Before the head, after it, in the middle of an event."""
    async with nothing_left(app):
        for number in range(60):
            exchange = Exchange(app, accept=(SERVER_SENT, MULTIPART)[number % 2], key=client.key)
            await exchange.ask(FOLLOW, id=customer["id"])
            if number % 3:
                await send_order(client, f"o-{number}", customer={"externalId": "k"})
            await exchange.leave()


@pytest.mark.parametrize(
    ("accept", "query", "subscription"),
    [
        (None, None, None),
        ("*/*", None, None),
        ("text/event-stream", SERVER_SENT_EVENTS, SERVER_SENT_EVENTS),
        ("TEXT/EVENT-STREAM; q=1", SERVER_SENT_EVENTS, SERVER_SENT_EVENTS),
        ("image/png, text/event-stream, application/json", SERVER_SENT_EVENTS, SERVER_SENT_EVENTS),
        # urql, for queries and for subscriptions
        (
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
            None,
            SERVER_SENT_EVENTS,
        ),
        ("text/event-stream, multipart/mixed", SERVER_SENT_EVENTS, SERVER_SENT_EVENTS),
        # Apollo Client
        (
            'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
            None,
            MULTIPART_SUBSCRIPTION,
        ),
        ("multipart/mixed;deferSpec=20220824,application/json", None, None),
        ("multipart/mixed", None, None),
    ],
)
def test_the_first_form_that_fits_is_taken(accept: str | None, query: Form | None, subscription: Form | None) -> None:
    """In the client's order; what cannot carry the operation is passed over."""
    assert choose_form(accept, kind="query") is query
    assert choose_form(accept, kind="mutation") is query
    assert choose_form(accept, kind="subscription") is subscription
