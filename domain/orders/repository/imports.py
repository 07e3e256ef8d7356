"""How far each file was imported."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import upsert
from domain.orders.model import (
    ImportRun,
)


async def find_import_run(session: AsyncSession, *, file_hash: str, format: str) -> Row[Any] | None:  # noqa: A002
    """Return how far the file was imported."""
    statement = select(*ImportRun.__table__.c).where(ImportRun.file_hash == file_hash, ImportRun.format == format)
    return (await session.execute(statement)).one_or_none()


async def store_import_progress(
    session: AsyncSession,
    *,
    file_hash: str,
    format: str,  # noqa: A002
    rows_done: int,
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """Write how far the file has come."""
    progress = {"rows_done": rows_done, "counts": dict(counts), "finished_at": None}
    statement = upsert(session, ImportRun).values(file_hash=file_hash, format=format, started_at=now, **progress)
    await session.execute(statement.on_conflict_do_update(index_elements=["file_hash", "format"], set_=progress))


async def set_import_finished(session: AsyncSession, *, file_hash: str, format: str, now: datetime) -> None:  # noqa: A002
    """Write that the file is done."""
    statement = update(ImportRun).where(ImportRun.file_hash == file_hash, ImportRun.format == format)
    await session.execute(statement.values(finished_at=now))


async def delete_import_run(session: AsyncSession, *, file_hash: str, format: str) -> None:  # noqa: A002
    """Remove what is known of the file's import."""
    await session.execute(delete(ImportRun).where(ImportRun.file_hash == file_hash, ImportRun.format == format))
