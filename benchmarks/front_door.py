"""What it costs to come in: refusing hostile documents, weighing sound ones, and answering the smallest request."""

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

import orjson
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from api.app import create_app
from api.operations import Operation, Operations
from api.settings import Settings
from benchmarks.asking import asking, milliseconds
from benchmarks.databases import Place, StandingClock, open_works
from domain.base.actors import ANONYMOUS
from domain.base.work import Works
from schema.base.cost import Costs
from schema.base.limits import check_document
from schema.root import make_schema
from tests.documents import ROOT
from tests.hostile import DOCUMENTS

REPETITIONS = 7
REQUESTS = 2_000
ROUNDS = 5
SETTINGS = Settings(_env_file=None, log_level="error", cost_budget=1_000_000_000)
LARGEST = "Customer360"

Figures = list[dict[str, Any]]


def measure(place: Place, tell: Callable[[str], None]) -> dict[str, Figures]:
    """Return the figures of all three."""
    tell("hostile documents")
    found = {"refusals": _refusals()}
    with place.migrated("sqlite") as url:
        tell("costs")
        found["costs"] = asyncio.run(_costs(open_works(url)))
        tell("the smallest request")
        found["requests"] = asyncio.run(_requests(open_works(url)))
    return found


def _refusals() -> Figures:
    """Return the median and the longest time in which each hostile document is refused."""
    operations = Operations(make_schema(), settings=SETTINGS, clock=StandingClock())
    operations.prepare(Operation("{ viewer { kind } }"), actor=ANONYMOUS)
    gc.collect()
    gc.freeze()  # as the server does when it starts
    results = []
    for name, (text, most) in DOCUMENTS.items():
        refuse = partial(operations.prepare, Operation(text), actor=ANONYMOUS)
        times = [_timed(refuse) for _ in range(REPETITIONS)]
        row = {"document": name, "bytes": len(text), "ms": round(statistics.median(times), 2)}
        results.append(row | {"ms_max": round(max(times), 2), "allowed_ms": most})
    return results


def _timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return 1_000 * (time.perf_counter() - start)


async def _costs(works: Works) -> Figures:
    """Return how long the largest documented operation is weighed, once and each time, and how long it runs."""
    text = _documented(LARGEST)
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101
    schema = make_schema()._schema  # noqa: SLF001  what Strawberry executes itself
    costs = Costs(schema, document, operation)
    first = [
        _timed(lambda: (check_document(document, SETTINGS.limits), Costs(schema, document, operation)))
        for _ in range(100)
    ]
    each = [_timed(lambda: costs.requested({"id": "x"})) for _ in range(100)]
    async with asking(works) as shop:
        made = await shop.ask('mutation { customerCreate(input: {givenName: "A"}) { customer { id } } }', {})
        customer_id = made["customerCreate"]["customer"]["id"]
        (run_ms,) = await milliseconds(lambda: shop.ask(text, {"id": customer_id}))
    once_us, each_us = 1_000 * statistics.median(first), 1_000 * statistics.median(each)
    return [
        {
            "operation": LARGEST,
            "once_us": round(once_us),
            "each_us": round(each_us),
            "run_ms": round(run_ms, 2),
            "share_of_run": f"{each_us / 10 / run_ms:.2f} %",
        }
    ]


def _documented(name: str) -> str:
    """Return an operation of the console with its fragments."""
    nodes = parse((ROOT / "contract" / "operations" / "agent.graphql").read_text(encoding="utf-8")).definitions
    named = [each for each in nodes if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode) and each.name]
    texts = {each.name.value: print_ast(each) for each in named if each.name is not None}
    fragments = {each.name.value for each in named if isinstance(each, FragmentDefinitionNode)}
    used = [each for each in texts if each in fragments and f"...{each}" in texts[name]]
    return "\n".join(texts[each] for each in (name, *used))


async def _requests(works: Works) -> Figures:
    """Return requests a second of `{ __typename }` and of a bare Starlette route, in turns, without a network."""

    async def bare(request: Request) -> JSONResponse:
        return JSONResponse({"data": json.loads(await request.body())["query"] and {"__typename": "Query"}})

    apps: dict[str, ASGIApp] = {
        "{ __typename }": create_app(SETTINGS, works=works),
        "a bare Starlette route": Starlette(routes=[Route("/graphql", bare, methods=["POST"])]),
    }
    rates: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, app in apps.items():
            rates[name].append(await _rate(app))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    await works.database.dispose()
    return [
        {"request": name, "per_second": round(rate), "ratio": round(rate / medians["a bare Starlette route"], 3)}
        for name, rate in medians.items()
    ]


async def _rate(app: ASGIApp) -> float:
    body = orjson.dumps({"query": "{ __typename }"})
    headers = [(b"content-type", b"application/json"), (b"accept", b"application/json")]
    statuses: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    start = time.perf_counter()
    for _ in range(REQUESTS):
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/graphql", "raw_path": b"/graphql"}
        scope |= {"query_string": b"", "headers": headers, "client": ("192.0.2.1", 1), "root_path": ""}
        await app(scope, receive, send)
    elapsed = time.perf_counter() - start
    assert statuses == [200] * REQUESTS  # noqa: S101
    return REQUESTS / elapsed
