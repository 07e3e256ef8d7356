"""How fast the import is, against the least that any import could do: the same rows in one bare `executemany`."""

import asyncio
import csv
import gzip
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from api.imports.run import import_file
from benchmarks.databases import KINDS, Place, open_works, sqlite_path
from benchmarks.machine import connect_arguments

COLUMNS = "invoice text, sku text, title text, quantity integer, at text, price text, customer text, country text"
REPETITIONS = 3

Rows = Sequence[tuple[str, str, str, int, str, str, str, str]]


def measure(place: Place, path: Path, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return rows a second of the import and of the floor, on each database: medians of interleaved repetitions."""
    rows = _read(path)
    results = []
    for kind in KINDS:
        seconds: dict[str, list[float]] = {"floor": [], "import": []}
        for repetition in range(REPETITIONS):
            tell(f"import, {kind}, {repetition + 1} of {REPETITIONS}")
            with place.empty(kind) as url:
                seconds["floor"].append(_floor(kind, url, rows))
            with place.migrated(kind) as url:
                seconds["import"].append(asyncio.run(_import(url, path, place.folder)))
        floor, product = (statistics.median(seconds[name]) for name in ("floor", "import"))
        results.append(
            {
                "database": kind,
                "file": path.name,
                "rows": len(rows),
                "floor_rows_per_s": round(len(rows) / floor),
                "import_rows_per_s": round(len(rows) / product),
                "ratio": round(floor / product, 4),
                "seconds": seconds,
            }
        )
    return results


def _read(path: Path) -> Rows:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        return [
            (invoice, sku, title, int(quantity), at, price, customer, country)
            for invoice, sku, title, quantity, at, price, customer, country in reader
        ]


def _floor(kind: str, url: str, rows: Rows) -> float:
    return _sqlite_floor(url, rows) if kind == "sqlite" else asyncio.run(_postgresql_floor(url, rows))


def _sqlite_floor(url: str, rows: Rows) -> float:
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"CREATE TABLE plain ({COLUMNS}) STRICT")
        start = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO plain VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        return time.perf_counter() - start


async def _postgresql_floor(url: str, rows: Rows) -> float:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        await connection.execute(f"CREATE TABLE plain ({COLUMNS})")
        start = time.perf_counter()
        async with connection.transaction():
            await connection.executemany("INSERT INTO plain VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", rows)
        return time.perf_counter() - start
    finally:
        await connection.close()


async def _import(url: str, path: Path, folder: Path) -> float:
    works = open_works(url)
    start = time.perf_counter()
    summary = await import_file(works, path, format_name="online-retail", report_folder=folder)
    seconds = time.perf_counter() - start
    await works.database.dispose()
    if not summary.is_clean:
        message = f"the import refused something: see {summary.report}"
        raise RuntimeError(message)
    return seconds
