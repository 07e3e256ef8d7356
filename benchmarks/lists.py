"""A page of customers in each order, through the API: as quick among a million as among a thousand."""

import re
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

from sqlalchemy import func, select

from benchmarks.asking import Shop, Variables, compared, milliseconds
from domain.base.pages import Ordering
from domain.base.work import Works
from domain.customers.model import Customer
from domain.customers.repository.customers import ORDERINGS

QUERY = """query($field: CustomerSortField!, $direction: SortDirection!, $after: String) {
  customers(first: 50, after: $after, orderBy: {field: $field, direction: $direction}) {
    nodes {
      id displayName externalId country lifecycleStage
      value { netSpent { amount currencyCode } orderCount lastOrderAt monetaryScore decile }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


async def measure(kind: str, shops: Sequence[Shop], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return the median milliseconds of each page at both sizes, their ratio, and the plan at the larger size."""
    results = []
    for (field, columns), direction, page in product(ORDERINGS.items(), ("ASC", "DESC"), ("first", "middle")):
        ordering = Ordering(f"customers.{field}", columns, is_descending=direction == "DESC")
        asked: Variables = {"field": field, "direction": direction}
        variables = [
            asked | ({"after": await _middle(shop.works, ordering, size)} if page == "middle" else {})
            for shop, size in zip(shops, sizes, strict=True)
        ]
        times = await milliseconds(*(partial(_ask, *each) for each in zip(shops, variables, strict=True)))
        row = {"database": kind, "order": f"{field} {direction}", "page": page, **compared(sizes, times)}
        results.append(row | {"plan": await _plan(shops[1], variables[1])})
    return results


async def _ask(shop: Shop, variables: Variables) -> None:
    nodes = (await shop.ask(QUERY, variables))["customers"]["nodes"]
    if len(nodes) != 50:
        message = f"not the page that was asked for: {len(nodes)} customers"
        raise RuntimeError(message)


async def _middle(works: Works, ordering: Ordering, size: int) -> str:
    """Return the cursor of the customer in the middle of the list."""
    direction = [column.desc() if ordering.is_descending else column.asc() for column in ordering.columns]
    statement = select(*Customer.__table__.c).order_by(*direction).offset(size // 2).limit(1)
    async with works.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(Customer))).scalar_one() == size  # noqa: S101
        return ordering.cursor((await session.execute(statement)).one())


async def _plan(shop: Shop, variables: Variables) -> str:
    """Return how the database reads the page: the index, and whether it sorts."""
    with shop.hearing() as heard:
        await _ask(shop, variables)
    ((statement, parameters),) = [each for each in heard if "FROM customers" in each[0] and "LIMIT" in each[0]]
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
