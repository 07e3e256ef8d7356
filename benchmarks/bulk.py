"""Rows by the million, written straight into the tables of either database."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.databases import sqlite_path
from benchmarks.machine import connect_arguments
from domain.base.columns import to_micros
from domain.base.model import Base

Values = tuple[Any, ...]

_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
    "postgresql": """SELECT indexname, indexdef FROM pg_indexes
        WHERE tablename = $1 AND indexname NOT IN (SELECT conname FROM pg_constraint)""",
}


@dataclass(frozen=True)
class Form:
    """How a database keeps what the drivers do not write by themselves."""

    instant: Callable[[datetime], Any]
    key: Callable[[UUID], Any]


FORMS = {"sqlite": Form(to_micros, lambda key: key.hex), "postgresql": Form(lambda at: at, lambda key: key)}


@dataclass(frozen=True)
class Bulk:
    """An open database: `write` adds rows to a table, its columns being those named."""

    form: Form
    write: Callable[[type[Base], Sequence[str], Sequence[Values]], Awaitable[None]]


@asynccontextmanager
async def writing(kind: str, url: str, *, emptied: Iterable[type[Base]] = ()) -> AsyncIterator[Bulk]:
    """Yield where to write. The indexes of the tables `emptied` are made at the end, all at once, which is quicker."""
    names = [table.__tablename__ for table in emptied]
    opened = _on_sqlite(url, names) if kind == "sqlite" else _on_postgresql(url, names)
    async with opened as write:
        yield Bulk(FORMS[kind], write)


@asynccontextmanager
async def _on_sqlite(url: str, names: Sequence[str]) -> AsyncIterator[Any]:
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):  # nothing is measured yet
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        indexes = [index for name in names for index in connection.execute(_INDEXES["sqlite"], [name]).fetchall()]
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")

        async def write(table: type[Base], columns: Sequence[str], rows: Sequence[Values]) -> None:
            places = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({places})"
            connection.executemany(statement, rows)

        yield write
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


@asynccontextmanager
async def _on_postgresql(url: str, names: Sequence[str]) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        with suppress(asyncpg.InsufficientPrivilegeError):  # rows that are made to fit are not looked up one by one
            await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = [index for name in names for index in await connection.fetch(_INDEXES["postgresql"], name)]
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")

        async def write(table: type[Base], columns: Sequence[str], rows: Sequence[Values]) -> None:
            await connection.copy_records_to_table(table.__tablename__, records=rows, columns=columns)

        yield write
        for _, definition in indexes:
            await connection.execute(definition)
        # What autovacuum does by itself some time later.
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
