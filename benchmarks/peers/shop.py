"""The filled tables while servers are measured: whom requests are about, what was written, and taking it away again."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.databases import sqlite_path
from benchmarks.machine import connect_arguments
from benchmarks.peers.check import Pair

CUSTOMERS = 1_000
SETTLING_S = 0.1
_PAIRS = f"""SELECT c.id, (SELECT id FROM orders WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT 1)
    FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS place, count(*) OVER () AS total FROM customers) AS c
    WHERE c.place % (CASE WHEN c.total < {CUSTOMERS} THEN 1 ELSE c.total / {CUSTOMERS} END) = 0 LIMIT {CUSTOMERS}"""
_COUNT = """SELECT count(*) FROM credit_notes AS n JOIN credit_note_lines AS l ON l.credit_note_id = n.id
    WHERE n.external_id LIKE '{}%'"""
_WRITTEN = "(SELECT id FROM credit_notes WHERE external_id LIKE 'M-%')"
_CREDITED = "(SELECT coalesce(sum(n.total), 0) FROM credit_notes AS n WHERE n.customer_id = s.customer_id)"
_CLEAN = (
    "UPDATE event_heads SET seq = seq",  # keeps the product from numbering events meanwhile
    "DELETE FROM events",
    "DELETE FROM audit_entries",
    f"DELETE FROM timeline_entries WHERE id IN {_WRITTEN}",
    f"DELETE FROM credit_note_lines WHERE credit_note_id IN {_WRITTEN}",
    "DELETE FROM credit_notes WHERE external_id LIKE 'M-%'",
    f"UPDATE customer_spendings AS s SET credited = {_CREDITED} WHERE credited <> {_CREDITED}",
    "UPDATE customer_spendings SET net = ordered - credited WHERE net <> ordered - credited",
    """UPDATE customers AS c SET net_spent = s.net FROM customer_spendings AS s
        WHERE s.customer_id = c.id AND s.net <> c.net_spent""",
)
_TABLES = (
    "events", "audit_entries", "timeline_entries", "credit_note_lines", "credit_notes", "customer_spendings",
    "customers",
)  # fmt: skip


async def pairs(url: str) -> list[Pair]:
    """Return a thousand customers from the whole range, each with their newest order."""
    (rows,) = await _run(url, [_PAIRS])
    return [Pair(*(each if isinstance(each, UUID) else UUID(str(each)) for each in row)) for row in rows]


async def count_written(url: str, name: str) -> int:
    """Return how many credit notes with one line a run has written, once none comes any more."""
    found = -1
    while True:
        ((row,),) = await _run(url, [_COUNT.format(f"M-{name}")])
        if row[0] == found:
            return found
        found = int(row[0])
        await asyncio.sleep(SETTLING_S)


async def clean(url: str) -> None:
    """Take away what was written, so that each run meets the same rows."""
    await _run(url, ["BEGIN", *_CLEAN, "COMMIT"])
    if not url.startswith("sqlite"):
        await _run(url, [f"VACUUM ANALYZE {table}" for table in _TABLES])


async def _run(url: str, statements: Sequence[str]) -> list[Sequence[Any]]:
    """Return the rows of each statement, run one after the other on one connection."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_path(url), isolation_level=None, timeout=30)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint=0")  # the product's writer does that
            return [connection.execute(statement).fetchall() for statement in statements]
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        return [await connection.fetch(statement) for statement in statements]
    finally:
        await connection.close()
