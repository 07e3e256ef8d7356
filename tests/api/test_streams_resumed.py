"""A stream over HTTP that goes on after the connection was lost: its events have ids, and clients send the last one."""

import re
from collections.abc import AsyncIterator

import orjson
import pytest
from starlette.applications import Starlette

from schema.base.ids import global_id
from tests.api.bodies import MULTIPART, SERVER_SENT, Exchange
from tests.api.sockets import FOLLOW, new_app, nothing_left
from tests.conftest import Client
from tests.interactions.chat import open_chat
from tests.orders.shop import Input, send_order

RESUMED = """subscription($id: ID!, $after: Cursor) { customerEvents(customerId: $id, after: $after) {
  ... on Event { cursor } ... on OrderChanged { order { number } } ... on ResyncRequired { reason } } }"""
WITH_LINES = """subscription($id: ID!, $after: Cursor) { customerEvents(customerId: $id, after: $after) {
  ... on OrderChanged { order { number lines { sku } } } } }"""
PLACE = """mutation($key: String!) { orderUpsert(input: {
  externalId: "o-3", placedAt: "2026-11-01T12:00:00Z", currencyCode: "EUR", customer: {externalId: $key},
  lines: [{sku: "cup", title: "A cup", quantity: 1, unitPrice: "1"}] }) { userErrors { code } } }"""
ALL = """subscription($after: Cursor) { events(after: $after, types: [OrderChanged]) {
  ... on OrderChanged { cursor order { number } } } }"""
RENAMED = """subscription($id: ID!, $cursor: Cursor) { customerEvents(customerId: $id, after: $cursor) {
  ... on OrderChanged { at: cursor cursor: order { number } } } }"""

VIEWERS = "subscription($id: ID!) { viewersChanged(conversationId: $id) { id } }"


@pytest.fixture
async def app(client: Client) -> AsyncIterator[Starlette]:
    """Return the application; nothing is left over of its streams."""
    app = new_app(client.works)
    async with nothing_left(app):
        yield app


@pytest.fixture
async def start(client: Client, customer: Input) -> str:
    """Return the cursor before three orders of the customer."""
    await client.works.feed.settle()  # that there is a customer is nothing new any more
    cursor: str = (await client.ask("{ eventCursor }")).data["eventCursor"]
    for number in range(3):
        await send_order(client, f"o-{number}", customer={"externalId": customer["externalId"]})
    return cursor


def id_of(chunk: bytes | None) -> str:
    """Return the id of an event."""
    found = re.match(rb"event: next\nid: (\S+)\ndata: ", chunk or b"")
    assert found is not None, chunk
    return found[1].decode()


async def numbers(exchange: Exchange, count: int) -> list[str]:
    """Return the orders in the next answers, behind what says that the stream began."""
    await exchange.chunk()
    found = [re.search(rb'"number":"([^"]+)"', await exchange.chunk() or b"") for _ in range(count)]
    return [each[1].decode() for each in found if each is not None]


async def test_an_event_has_its_cursor_as_id(app: Starlette, client: Client, customer: Input, start: str) -> None:
    """Where the client asked for the cursor: the id is what it would send as `after`."""
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(RESUMED, id=customer["id"], after=start)
    await exchange.chunk()
    chunk = await exchange.chunk()
    assert chunk is not None
    event = orjson.loads(chunk.partition(b"data: ")[2])["data"]["customerEvents"]
    assert id_of(chunk) == event["cursor"]
    await exchange.leave()


@pytest.mark.parametrize("accept", [SERVER_SENT, MULTIPART])
async def test_the_last_id_resumes(app: Starlette, client: Client, customer: Input, start: str, accept: str) -> None:
    """The same request again goes on behind the last event: it counts before `after`, which is older."""
    first = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(RESUMED, id=customer["id"], after=start)
    await first.chunk()
    last_id = id_of(await first.chunk())
    await first.leave()
    for after in (start, None):
        again = Exchange(app, accept=accept, key=client.key, last_id=last_id)
        assert await numbers(await again.ask(RESUMED, id=customer["id"], after=after), 2) == ["o-1", "o-2"]
        assert again.is_silent
        await again.leave()


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_the_stream_of_everything_resumes(app: Starlette, client: Client, start: str) -> None:
    """Whichever stream it is."""
    first = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(ALL, after=start)
    await first.chunk()
    last_id = id_of(await first.chunk())
    await first.leave()
    again = await Exchange(app, accept=SERVER_SENT, key=client.key, last_id=last_id).ask(ALL)
    assert await numbers(again, 2) == ["o-1", "o-2"]
    await again.leave()


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("query", "told"), [(FOLLOW, "o-4"), (RENAMED, "o-1")])
async def test_an_id_is_the_place_in_the_log(
    app: Starlette, client: Client, customer: Input, start: str, query: str, told: str
) -> None:
    """Whether the client asked for the cursor or not, or for something else by that name."""
    variables = {"cursor": start} if query is RENAMED else {}
    first = await Exchange(app, accept=SERVER_SENT, key=client.key).follow(query, id=customer["id"], **variables)
    await send_order(client, "o-3", customer={"externalId": customer["externalId"]})
    last_id = id_of(await first.chunk())
    await first.leave()
    await send_order(client, "o-4", customer={"externalId": customer["externalId"]})
    again = Exchange(app, accept=SERVER_SENT, key=client.key, last_id=last_id)
    assert await numbers(await again.ask(RESUMED, id=customer["id"]), 1) == [told]
    await again.leave()


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_what_is_not_in_the_log_has_no_id(app: Starlette, client: Client) -> None:
    """Nobody can come back to what holds for a moment."""
    chat = await open_chat(client.works)
    conversation = await chat.start()
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key).ask(
        VIEWERS, id=global_id("Conversation", conversation)
    )
    await exchange.chunk()
    assert (await exchange.chunk() or b"").startswith(b"event: next\ndata: ")
    await exchange.leave()


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(
    ("last_id", "said"),
    [
        ("7", b'"code":"BAD_USER_INPUT"'),
        ("0123456789abcdef-1", b'"reason":"RESTORED"'),
    ],
)
async def test_a_last_id_of_elsewhere(
    app: Starlette, client: Client, customer: Input, last_id: str, said: bytes
) -> None:
    """What is no cursor is refused; one of another life of the database is answered as in `after`."""
    exchange = Exchange(app, accept=SERVER_SENT, key=client.key, last_id=last_id)
    assert said in await (await exchange.ask(RESUMED, id=customer["id"])).rest()


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_query_has_no_place(app: Starlette, client: Client) -> None:
    """A header that a client always sends does no harm."""
    exchange = await Exchange(app, accept=SERVER_SENT, key=client.key, last_id="7").ask("{ cursor: eventCursor }")
    body = await exchange.rest()
    assert b"\nid:" not in body
    assert b'"data"' in body


@pytest.mark.parametrize("is_missed", [False, True], ids=["followed", "missed"])
async def test_what_could_not_be_read_is_not_passed_over(
    app: Starlette, client: Client, customer: Input, start: str, monkeypatch: pytest.MonkeyPatch, *, is_missed: bool
) -> None:
    """The database goes away within an event: the stream ends before it, and who comes back is told it whole."""

    async def away(*_: object, **__: object) -> object:
        raise ConnectionRefusedError

    exchange = Exchange(app, accept=SERVER_SENT, key=client.key)
    with monkeypatch.context() as patch:
        if is_missed:
            patch.setattr("schema.orders.types.documents.list_lines_by_order", away)
            await exchange.ask(WITH_LINES, id=customer["id"], after=start)
            await exchange.chunk()
        else:
            await exchange.follow(WITH_LINES, id=customer["id"])
            patch.setattr("schema.orders.types.documents.list_lines_by_order", away)
            await client.ask(PLACE, {"key": customer["externalId"]})
        chunk = await exchange.chunk() or b""
        assert chunk.startswith(b"event: next\ndata: ")
        assert orjson.loads(chunk.partition(b"data: ")[2])["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert await exchange.chunk() is None
    again = Exchange(app, accept=SERVER_SENT, key=client.key, last_id=start)
    expected = ["o-0", "o-1", "o-2"] if is_missed else ["o-0", "o-1", "o-2", "o-3"]
    assert await numbers(await again.ask(WITH_LINES, id=customer["id"]), len(expected)) == expected
    await again.leave()
