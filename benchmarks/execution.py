"""What running level by level brings: the same operations by plans and by graphql-core alone, over the same data."""

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphql import DocumentNode, parse
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.imports.run import import_file
from benchmarks.databases import KINDS, Place, open_works
from domain.base.actors import EVERY_PERMISSION, Actor, ActorKind
from domain.base.work import Works
from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans
from tests.execution.answering import answer_to

ROUNDS = 15
ACTOR = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION)

OPERATIONS = {
    "50 customers": "{ customers(first: 50) { nodes { id displayName email country createdAt lifecycleStage } } }",
    "50 customers, 3 orders each": """{ customers(first: 50) { nodes { id displayName value { decile }
      orders(first: 3) { nodes { id number placedAt total { amount currencyCode } lines { title quantity } } } } } }""",
    "100 orders with lines": """{ orders(first: 100) { totalCount edges { cursor node { id number placedAt
      customer { id displayName } total { amount currencyCode } lines { id title quantity } } } } }""",
}


def measure(place: Place, path: Path, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the medians of both and their ratio."""
    rows = []
    for kind in KINDS:
        with place.migrated(kind) as url:
            tell(f"{kind}: executions")
            rows += asyncio.run(_measure(kind, url, path, place.folder))
    return rows


async def _measure(kind: str, url: str, path: Path, folder: Path) -> list[dict[str, Any]]:
    works = open_works(url)
    try:
        await import_file(works, path, format_name="online-retail", report_folder=folder)
        return [await _compare(works, kind, name, parse(text)) for name, text in OPERATIONS.items()]
    finally:
        await works.database.dispose()


async def _compare(works: Works, kind: str, name: str, document: DocumentNode) -> dict[str, Any]:
    plans = Plans.of(document)
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for _ in range(ROUNDS):  # in turns, so that both meet the same noise
        for is_planned, taken in times.items():
            begun = time.perf_counter()
            executor = BreadthFirst if is_planned else StrawberryGraphQLCoreExecutionContext
            result = await answer_to(works, ACTOR, document, executor=executor, plans=plans)
            taken.append(1_000 * (time.perf_counter() - begun))
            answers.add(result)
    if len(answers) != 1 or b'"errors":[]' not in answers.pop():
        message = f"{name}: the answers differ, or are errors"
        raise RuntimeError(message)
    planned, alone = (statistics.median(times[each]) for each in (True, False))
    figures = {"ms_plans": round(planned, 2), "ms_core": round(alone, 2), "ratio": round(alone / planned, 2)}
    return {"database": kind, "operation": name, **figures}
