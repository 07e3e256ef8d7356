"""Attack 2: bodies that nobody sends in good faith are refused with a 4xx, and cost no memory."""

import gzip
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from api.app import create_app
from api.graphql import negotiate, takes_gzip
from api.settings import Settings
from domain.base.work import Works
from tests.api.conftest import Serve
from tests.conftest import Client

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
LIMIT = 262_144
JSON = {"Content-Type": "application/json"}
ACCEPT = {"Accept": "application/graphql-response+json"}
QUERY = b'{"query": "{ viewer { kind } }"}'


def check(response: httpx.Response, status: int) -> None:
    """Assert that the answer is a refusal with one GraphQL error."""
    assert response.status_code == status
    (error,) = response.json()["errors"]
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]


@SQLITE_ONLY
async def test_a_length_beyond_the_limit_is_enough(works: Works) -> None:
    """Where the header says that the body is too long, not a byte of it is read, and the connection ends."""
    reads = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    app = create_app(Settings(_env_file=None), works=works)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"60000000")],
        "client": ("192.0.2.1", 1),
    }
    await app(scope, receive, send)
    assert reads == 0
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


@SQLITE_ONLY
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip", "identity, gzip"])
async def test_packed_bodies_are_refused(http: httpx.AsyncClient, encoding: str) -> None:
    """A bomb of a few kilobytes is never unpacked; 415 says how to send it."""
    bomb = gzip.compress(b" " * 60_000_000)
    response = await http.post("/graphql", content=bomb[:200_000], headers=JSON | {"Content-Encoding": encoding})
    check(response, 415)
    assert response.headers["accept-encoding"] == "identity"
    plain = await http.post("/graphql", content=QUERY, headers=JSON | {"Content-Encoding": "identity"})
    assert plain.json()["data"] == {"viewer": {"kind": "ANONYMOUS"}}


@SQLITE_ONLY
async def test_large_bodies_take_no_memory(http: httpx.AsyncClient) -> None:
    """60 MB in pieces without a length, nested JSON, long lists: less than 5 MB more than before."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 60_000

    bodies = [
        b"[" * 100_000,
        b'{"variables":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"query": "{ __typename }", "variables": {"a": [' + b"0," * 100_000 + b"0]}}",
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 200_000 + b"}}",
        b'{"query": "' + b"{" * 200_000 + b'"}',
        orjson.dumps({"query": "{ __typename }", "variables": {f"v{n}": n for n in range(15_000)}}),
    ]
    await http.post("/graphql", content=QUERY, headers=JSON)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        check(await http.post("/graphql", content=endless(), headers=JSON), 413)
        for body in bodies[:-1]:
            response = await http.post(
                "/graphql", content=body, headers=JSON | {"Accept": "application/graphql-response+json"}
            )
            check(response, 400)
        assert (await http.post("/graphql", content=bodies[-1], headers=JSON)).status_code == 200
        assert tracemalloc.get_traced_memory()[0] - before < 5_000_000
    finally:
        tracemalloc.stop()


@SQLITE_ONLY
async def test_a_client_that_goes_away_stops_reading(works: Works) -> None:
    """A connection that ends in the middle of a body is no fault of the server."""
    messages = [
        {"type": "http.request", "body": b'{"que', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401
        return messages.pop(0)

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    app = create_app(Settings(_env_file=None), works=works)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": None,
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 400


@SQLITE_ONLY
@pytest.mark.parametrize(
    "query_string",
    ["query=%FF%FE", "query=%7B__typename%7D&" * 30, "variables=%7B", "query=%7B__typename%7D&variables=%5B%5D"],
)
async def test_malformed_addresses_are_refused(http: httpx.AsyncClient, query_string: str) -> None:
    """What is no UTF-8, has too many parameters or no JSON in them."""
    check(await http.get(f"/graphql?{query_string}", headers={"Accept": "application/graphql-response+json"}), 400)


@SQLITE_ONLY
async def test_large_answers_are_compressed(client: Client, serve: Serve) -> None:
    """For who reads gzip, from a size on; the answer is the same."""
    query = {"query": "{ __schema { types { name description fields { name } } } }"}
    plain = await client.http.post("/graphql", json=query, headers={"Accept-Encoding": "identity"})
    packed = await client.http.post("/graphql", json=query, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["data"] == plain.json()["data"]
    assert int(packed.headers["content-length"]) < len(plain.content) // 3
    small = await client.http.post("/graphql", content=QUERY, headers=JSON | {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers
    eager = await serve(compress_bytes_min=256)
    named = {"query": "{ " + " ".join(f"a{n}: viewer {{ kind }}" for n in range(9)) + " }"}
    response = await eager.post("/graphql", json=named, headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["data"]["a8"] == {"kind": "ANONYMOUS"}


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [("gzip", True), ("br;q=1, gzip;q=0.5", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False),
     ("gzip; q=0.000", False), ("identity", False), ("GZIP", True), ("gzip;q=0.001", True)],
)  # fmt: skip
def test_who_reads_gzip(accepted: str, *, is_taken: bool) -> None:
    """By the header, a quality of 0 meaning no."""
    assert takes_gzip(accepted) is is_taken


def test_a_type_of_no_quality_is_not_accepted() -> None:
    """`q=0` says what the client does not want."""
    assert negotiate("application/json;q=0, application/graphql-response+json") == "application/graphql-response+json"
