"""A page of customers in each order, through the API: as quick among a million as among a thousand."""

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
from sqlalchemy import event, func, select

from api.app import create_app
from api.settings import Settings
from benchmarks import customers
from benchmarks.databases import KINDS, Place, open_works
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.base.pages import Ordering
from domain.base.work import Works
from domain.customers.model import Customer
from domain.customers.repository.customers import ORDERINGS
from domain.identity.actions import create_api_key

REPETITIONS = 15
WARM_UPS = 3

QUERY = """query($field: CustomerSortField!, $direction: SortDirection!, $after: String) {
  customers(first: 50, after: $after, orderBy: {field: $field, direction: $direction}) {
    nodes {
      id displayName externalId country lifecycleStage
      value { netSpent { amount currencyCode } orderCount lastOrderAt monetaryScore decile }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


def measure(
    place: Place, sizes: tuple[int, int], tell: Callable[[str], None]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the median milliseconds of each page at both sizes, their ratio, and the plan at the larger size.

    And how long it took to rank all customers: what a page waits for whose scores are older than a minute.
    """
    results = []
    rankings = []
    for kind in KINDS:
        with place.migrated(kind) as small, place.migrated(kind) as large:
            seconds = [_fill(kind, url, size, tell) for url, size in zip((small, large), sizes, strict=True)]
            rankings.append({"database": kind} | {f"s_{size}": s for size, s in zip(sizes, seconds, strict=True)})
            tell(f"lists, {kind}, asking")
            results += asyncio.run(_pages(kind, (small, large), sizes))
    return results, rankings


def _fill(kind: str, url: str, size: int, tell: Callable[[str], None]) -> float:
    """Make the customers; return the seconds that ranking them took."""
    start = time.perf_counter()
    customers.fill(kind, url, size)
    filled = time.perf_counter()
    asyncio.run(customers.rank(url))
    ranked = time.perf_counter()
    tell(f"lists, {kind}, {size:,} customers: made in {filled - start:.1f} s, ranked in {ranked - filled:.1f} s")
    return round(ranked - filled, 2)


async def _pages(kind: str, urls: tuple[str, str], sizes: tuple[int, int]) -> list[dict[str, Any]]:
    """Ask both databases in turn, so that what else the machine does is in both figures."""
    results = []
    async with _asking(open_works(urls[0])) as small, _asking(open_works(urls[1])) as large:
        shops = (small, large)
        for (field, columns), direction, page in product(ORDERINGS.items(), ("ASC", "DESC"), ("first", "middle")):
            ordering = Ordering(f"customers.{field}", columns, is_descending=direction == "DESC")
            asked = {"field": field, "direction": direction}
            variables = [
                asked | ({"after": await _middle(shop.works, ordering, size)} if page == "middle" else {})
                for shop, size in zip(shops, sizes, strict=True)
            ]
            times = await _milliseconds(shops, variables)
            results.append(
                {
                    "database": kind,
                    "order": f"{field} {direction}",
                    "page": page,
                    **{f"ms_{size}": round(each, 2) for size, each in zip(sizes, times, strict=True)},
                    "ratio": round(times[1] / times[0], 2),
                    "plan": await _plan(large, variables[1]),
                }
            )
    return results


@dataclass(frozen=True)
class Shop:
    """A database, and how to ask the API about it."""

    works: Works
    ask: Callable[[dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def _asking(works: Works) -> AsyncIterator[Shop]:
    """Yield a shop whose API runs in this process, asked with a key."""
    _, secret = await works.perform(
        lambda work: create_api_key(work, name="Benchmark", permissions=sorted(EVERY_PERMISSION)),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    settings = Settings(_env_file=None, log_level="error")
    transport = httpx.ASGITransport(app=create_app(settings, works=works))
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://benchmark", headers=headers) as http:

        async def ask(variables: dict[str, Any]) -> None:
            answer = (await http.post("/graphql", json={"query": QUERY, "variables": variables})).json()
            if "errors" in answer or len(answer["data"]["customers"]["nodes"]) != 50:
                message = f"not the page that was asked for: {str(answer)[:500]}"
                raise RuntimeError(message)

        yield Shop(works, ask)
    await works.database.dispose()


async def _middle(works: Works, ordering: Ordering, size: int) -> str:
    """Return the cursor of the customer in the middle of the list."""
    direction = [column.desc() if ordering.is_descending else column.asc() for column in ordering.columns]
    statement = select(*Customer.__table__.c).order_by(*direction).offset(size // 2).limit(1)
    async with works.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(Customer))).scalar_one() == size  # noqa: S101
        return ordering.cursor((await session.execute(statement)).one())


async def _milliseconds(shops: Sequence[Shop], variables: Sequence[dict[str, Any]]) -> list[float]:
    """Return the median time of a page of each shop."""
    times: list[list[float]] = [[] for _ in shops]
    for repetition in range(-WARM_UPS, REPETITIONS):
        for shop, asked, measured in zip(shops, variables, times, strict=True):
            start = time.perf_counter()
            await shop.ask(asked)
            if repetition >= 0:
                measured.append(1_000 * (time.perf_counter() - start))
    return [statistics.median(measured) for measured in times]


async def _plan(shop: Shop, variables: dict[str, Any]) -> str:
    """Return how the database reads the page: the index, and whether it sorts."""
    heard: list[tuple[str, Any]] = []
    engine = shop.works.database._reader.sync_engine  # noqa: SLF001  to hear the statement itself

    def hear(*event_arguments: Any) -> None:  # noqa: ANN401
        statement, parameters = event_arguments[2:4]
        if "FROM customers" in statement and "LIMIT" in statement:
            heard.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        await shop.ask(variables)
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    ((statement, parameters),) = heard
    explain = "EXPLAIN QUERY PLAN" if shop.works.database.is_sqlite else "EXPLAIN"
    async with shop.works.database.reading() as session:
        connection = await session.connection()
        rows = (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()
    return shown_plan("\n".join(str(row[-1]) for row in rows))


def shown_plan(plan: str) -> str:
    """Return the names of the indexes in a plan, and what is not an index."""
    parts = sorted(set(re.findall(r"\b(?:ix|uq|pk)_\w+", plan)))
    if re.search(r"Seq Scan|^SCAN customers$", plan, re.MULTILINE):
        parts.append("WHOLE TABLE")
    if re.search(r"Sort|TEMP B-TREE", plan):
        parts.append("SORT")
    return " + ".join(parts) or plan
