"""The filled tables while servers are measured: whom requests are about, what was written, and taking it away again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benchmarks.machine import connect_arguments
from benchmarks.peers.check import Pair
from benchmarks.peers.data import fill

__all__ = ["clean", "count_written", "fill", "pairs"]

CUSTOMERS = 1_000
_PAIRS = """SELECT c.id, (SELECT id FROM orders WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT 1)
    FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS place, count(*) OVER () AS total FROM customers) AS c
    WHERE c.place % greatest(c.total / $1, 1) = 0 LIMIT $1"""
_CLEAN = (
    "DELETE FROM events",
    "DELETE FROM audit_entries",
    "DELETE FROM timeline_entries WHERE id IN (SELECT id FROM credit_notes WHERE external_id LIKE 'M-%')",
    """DELETE FROM credit_note_lines
        WHERE credit_note_id IN (SELECT id FROM credit_notes WHERE external_id LIKE 'M-%')""",
    "DELETE FROM credit_notes WHERE external_id LIKE 'M-%'",
    """WITH sums AS (SELECT s.customer_id, (SELECT coalesce(sum(total), 0)::bigint FROM credit_notes AS n
            WHERE n.customer_id = s.customer_id) AS credited FROM customer_spendings AS s),
        changed AS (UPDATE customer_spendings AS s SET credited = sums.credited, net = s.ordered - sums.credited
            FROM sums WHERE sums.customer_id = s.customer_id AND s.credited <> sums.credited
            RETURNING s.customer_id, s.net)
        UPDATE customers AS c SET net_spent = changed.net FROM changed WHERE changed.customer_id = c.id""",
)
_TABLES = (
    "events", "audit_entries", "timeline_entries", "credit_note_lines", "credit_notes", "customer_spendings",
    "customers",
)  # fmt: skip


async def pairs(url: str) -> list[Pair]:
    """Return a thousand customers from the whole range, each with their newest order."""
    async with _connected(url) as connection:
        return [Pair(*row) for row in await connection.fetch(_PAIRS, CUSTOMERS)]


async def count_written(url: str, name: str) -> int:
    """Return how many credit notes with one line a run has written."""
    async with _connected(url) as connection:
        count: int = await connection.fetchval(
            """SELECT count(*) FROM credit_notes AS n JOIN credit_note_lines AS l ON l.credit_note_id = n.id
                WHERE n.external_id LIKE $1""",
            f"M-{name}%",
        )
        return count


async def clean(url: str) -> None:
    """Take away what was written, so that each run meets the same rows."""
    async with _connected(url) as connection:
        for statement in _CLEAN:
            await connection.execute(statement)
        for table in _TABLES:
            await connection.execute(f"VACUUM ANALYZE {table}")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        yield connection
    finally:
        await connection.close()
