"""The API in this process, asked as a client asks it, and how long its answers take."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from api.app import create_app
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.base.work import Works
from domain.identity.actions.keys import create_api_key
from tests.statements import hearing

REPETITIONS = 15
WARM_UPS = 3

Variables = dict[str, Any]
Heard = list[tuple[str, Any]]


@dataclass(frozen=True)
class Shop:
    """A database, and how to ask the API about it: a query and its variables, answered with the data."""

    works: Works
    ask: Callable[[str, Variables], Awaitable[dict[str, Any]]]

    @contextmanager
    def hearing(self) -> Iterator[Heard]:
        """Yield the statements that are read inside, and their parameters."""
        with hearing() as heard:
            yield heard


@asynccontextmanager
async def asking(works: Works) -> AsyncIterator[Shop]:
    """Yield a shop whose API runs in this process, asked with a key that opens every door."""
    _, secret = await works.perform(
        lambda work: create_api_key(work, name="Benchmark", permissions=sorted(EVERY_PERMISSION)),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    settings = Settings(_env_file=None, log_level="error", cost_budget=1_000_000_000, cost_max=1_000_000)
    transport = httpx.ASGITransport(app=create_app(settings, works=works))
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://benchmark", headers=headers) as http:

        async def ask(query: str, variables: Variables) -> dict[str, Any]:
            answer = (await http.post("/graphql", json={"query": query, "variables": variables})).json()
            if "errors" in answer:
                message = f"not what was asked for: {str(answer)[:500]}"
                raise RuntimeError(message)
            data: dict[str, Any] = answer["data"]
            return data

        yield Shop(works, ask)
    await works.database.dispose()


async def milliseconds(*steps: Callable[[], Awaitable[object]], repetitions: int = REPETITIONS) -> list[float]:
    """Return the median time of each step; they take turns, so that what else the machine does is in all of them."""
    times: list[list[float]] = [[] for _ in steps]
    for repetition in range(-WARM_UPS, repetitions):
        for step, measured in zip(steps, times, strict=True):
            start = time.perf_counter()
            await step()
            if repetition >= 0:
                measured.append(1_000 * (time.perf_counter() - start))
    return [statistics.median(measured) for measured in times]


async def asked_in_turns(query: str, *asked: tuple[Shop, Variables], repetitions: int = REPETITIONS) -> list[float]:
    """Return the median time of the query with each variables, of each shop."""
    return await milliseconds(
        *(partial(shop.ask, query, variables) for shop, variables in asked), repetitions=repetitions
    )


def compared(sizes: Sequence[int], times: Sequence[float]) -> dict[str, Any]:
    """Return the columns of a row that compares two sizes."""
    rounded = {f"ms_{size}": round(each, 2) for size, each in zip(sizes, times, strict=True)}
    return rounded | {"ratio": round(times[1] / times[0], 2)}
