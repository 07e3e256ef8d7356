"""What a database holds, whole, so that a test can say that nothing changed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, select

from domain.base.model import Base
from domain.base.work import Works

Snapshot = dict[str, list[str]]


async def snapshot(works: Works, *, without: Iterable[str] = ()) -> Snapshot:
    """Return every row of every table, whatever order the database gives them in; when a key was used left out."""
    found: Snapshot = {}
    async with works.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            if table.name not in without:
                rows = await session.execute(select(*(c for c in table.c if c.key != "last_used_at")))
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


async def content(works: Works) -> dict[str, list[dict[str, Any]]]:
    """Return what two databases have in common that were filled alike: all but generated ids and instants.

    References to other rows are followed to the external id behind them.
    """
    async with works.database.reading() as session:
        rows = {
            table.name: [dict(row._mapping) for row in await session.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }
    names = {
        row["id"]: f"{table} {row.get('external_id') or row.get('code')}"
        for table in ("stores", "customers", "orders", "credit_notes")
        for row in rows[table]
    }
    return {
        table.name: sorted((_plain(table, row, names) for row in rows[table.name]), key=repr)
        for table in Base.metadata.sorted_tables
        if table.name not in {"audit_entries", "events", "event_heads", "value_rankings", "import_runs", "api_keys"}
    }


def _plain(table: Table, row: dict[str, Any], names: dict[Any, str]) -> dict[str, Any]:
    kept = {}
    for column in table.columns:
        value = row[column.key]
        if column.key == "id" or column.key in {"created_at", "updated_at", "first_seen_at", "last_seen_at"}:
            continue
        kept[column.key] = (
            names.get(value, value) if column.foreign_keys or column.key in {"subject_id", "store_id"} else value
        )
    return kept
