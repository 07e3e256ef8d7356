"""The filled tables while servers are measured: whom requests are about, what was written, and taking it away again."""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.databases import sqlite_path
from benchmarks.machine import connect_arguments
from benchmarks.peers.check import Pair

CUSTOMERS = 1_000
SETTLING_S = 0.1
SQL = Path(__file__).parent / "sql"
_ARGUMENTS = {
    "lock_buyer": ("write_credit_note.order_id",),
    "write_note": (
        "note_id", "write_credit_note.external_id", "buyer.customer_id", "write_credit_note.order_id",
        "write_credit_note.issued_at", "write_credit_note.currency_code",
        "(write_credit_note.quantity * write_credit_note.unit_price)", "now()", "gen_random_uuid()",
        "write_credit_note.sku", "write_credit_note.title", "write_credit_note.quantity",
        "write_credit_note.unit_price", "buyer.store_id", "audit_id", "'00000000-0000-0000-0000-000000000000'::uuid",
        "gen_random_uuid()::text", "gen_random_uuid()",
        "jsonb_build_object('credit_note_id', note_id, 'customer_id', buyer.customer_id)",
    ),
}  # fmt: skip
"""What the statements' parameters are inside the function."""

_PAIRS = f"""SELECT c.id, (SELECT id FROM orders WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT 1)
    FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS place, count(*) OVER () AS total FROM customers) AS c
    WHERE c.place % (CASE WHEN c.total < {CUSTOMERS} THEN 1 ELSE c.total / {CUSTOMERS} END) = 0 LIMIT {CUSTOMERS}"""
_NOTES = """SELECT count(*) FROM credit_notes AS n JOIN credit_note_lines AS l ON l.credit_note_id = n.id
    JOIN timeline_entries AS t ON t.id = n.id AND t.customer_id = n.customer_id WHERE n.external_id LIKE '{}%'"""
_EVENTS = """SELECT count(*) FROM events AS e JOIN audit_entries AS a ON a.id = e.audit_id
    WHERE e.type = 'CreditNoteChanged' AND a.action = 'creditNoteUpsert'"""
_WRITTEN = "(SELECT id FROM credit_notes WHERE external_id LIKE 'M-%')"
_CREDITED = "(SELECT coalesce(sum(n.total), 0) FROM credit_notes AS n WHERE n.customer_id = s.customer_id)"
_WRONG_SUMS = f"""SELECT count(*) FROM customer_spendings AS s JOIN customers AS c ON c.id = s.customer_id
    WHERE s.customer_id IN (SELECT customer_id FROM credit_notes WHERE external_id LIKE 'M-%')
        AND (s.credited <> {_CREDITED} OR s.net <> s.ordered - s.credited OR c.net_spent <> s.net)"""
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


async def prepare(url: str) -> None:
    """Add what PostGraphile writes with, made of the statements that all others write with."""
    if url.startswith("sqlite"):
        return
    function = _text("postgraphile")
    for name, arguments in _ARGUMENTS.items():
        function = function.replace(f"@{name}@", _inlined(_text(name), arguments))
    for statement in function.split(";\n", 1):
        await _run(url, [statement])


def _text(name: str) -> str:
    lines = (SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def _inlined(statement: str, arguments: Sequence[str]) -> str:
    """Return a statement with expressions instead of its parameters."""
    return re.sub(r"\$(\d+)", lambda found: arguments[int(found[1]) - 1], statement)


async def pairs(url: str) -> list[Pair]:
    """Return a thousand customers from the whole range, each with their newest order."""
    (rows,) = await _run(url, [_PAIRS])
    return [Pair(*(each if isinstance(each, UUID) else UUID(str(each)) for each in row)) for row in rows]


async def count_written(url: str, name: str) -> int:
    """Return how many credit notes a run has written, once none comes any more.

    Raises `RuntimeError` where what belongs to them was not written with each, or sums are wrong.
    """
    found = -1
    while True:
        answers = await _run(url, [_NOTES.format(f"M-{name}-"), _EVENTS, _WRONG_SUMS])
        notes, events, wrong = (int(rows[0][0]) for rows in answers)
        if notes == found:
            break
        found = notes
        await asyncio.sleep(SETTLING_S)
    if events != notes or wrong:
        message = f"{notes} credit notes were written, but {events} events, and {wrong} sums are wrong"
        raise RuntimeError(message)
    return notes


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
