"""Customers by the million, written straight into the tables: many of them equal in what lists are ordered by."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.databases import NOW, open_works, sqlite_path
from benchmarks.machine import connect_arguments
from domain.base.actors import SYSTEM
from domain.base.columns import to_micros
from domain.customers.actions.spending import refresh_ranking
from domain.identity.actions import upsert_store
from domain.identity.rules import StoreDetails

STORE = StoreDetails(
    code="uk", name="United Kingdom", country="GB", locale="en-GB", currency_code="GBP", time_zone="Europe/London"
)
CUSTOMER_COLUMNS = (
    "id", "external_id", "given_name", "family_name", "country", "sort_name", "rank_key", "version", "created_at",
    "updated_at", "order_count", "net_spent", "first_order_at", "last_order_at", "last_order_key",
)  # fmt: skip
SPENDING_COLUMNS = ("customer_id", "currency_code", "order_count", "ordered", "credited", "net")
START = datetime(2020, 1, 1, tzinfo=UTC)
CHUNK = 50_000
GIVEN_NAMES, FAMILY_NAMES = 400, 3_000

Row = tuple[Any, ...]


def fill(kind: str, url: str, count: int) -> None:
    """Put a store and so many customers with what they spent into an empty database."""
    asyncio.run(_add_store(url))
    asyncio.run(rank(url))  # as a shop's first ranking is made while it is small
    if kind == "sqlite":
        _fill_sqlite(url, count)
    else:
        asyncio.run(_fill_postgresql(url, count))


async def rank(url: str) -> None:
    """Rank all customers by their value, as an import does at its end."""
    works = open_works(url)
    await works.perform(lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh")
    await works.database.dispose()


async def _add_store(url: str) -> None:
    works = open_works(url)
    await works.perform(lambda work: upsert_store(work, details=STORE), actor=SYSTEM, action="storeUpsert")
    await works.database.dispose()


def _made(count: int, instant: Callable[[datetime], Any], key: Callable[[UUID], Any]) -> Iterator[tuple[Row, Row]]:
    """Yield each customer and what they spent.

    A fifth never ordered; half ordered once; prices are those of a shop, so sums repeat; imports and
    nightly jobs give thousands the same instants; names are as frequent as names are.
    """
    chance = Random(2026)  # noqa: S311  the same customers each time
    for number in range(count):
        made_at = START + timedelta(days=chance.randrange(2_000)) * (chance.random() < 0.5)
        # A UUID of version 7: its first 48 bits are the milliseconds.
        millis = to_micros(START) // 1_000 + number
        identifier = UUID(int=millis << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))
        orders = 0 if chance.random() < 0.2 else min(int(chance.paretovariate(1.2)), 400)
        spent = sum(chance.choice((1_995, 2_550, 4_900, 9_995, 12_000)) for _ in range(min(orders, 12))) * 100
        last = START + timedelta(days=chance.randrange(2_500), minutes=10 * chance.randrange(60)) if orders else None
        given = f"Given{int(chance.random() ** 2 * GIVEN_NAMES)}"
        family = f"Family{int(chance.random() ** 2 * FAMILY_NAMES)}"
        external_id = str(10_000 + number)
        yield (
            (
                key(identifier), external_id, given, family, "GB", f"{given} {family}".lower(), external_id, 1,
                instant(made_at), instant(min(made_at + timedelta(days=100), NOW)), orders, spent,
                None if last is None else instant(last), None if last is None else instant(last),
                0 if last is None else to_micros(last),
            ),
            (key(identifier), "GBP", orders, spent, 0, spent),
        )  # fmt: skip


def _chunks(made: Iterator[tuple[Row, Row]]) -> Iterator[tuple[list[Row], list[Row]]]:
    customers: list[Row] = []
    spendings: list[Row] = []
    for customer, spending in made:
        customers.append(customer)
        spendings.append(spending)
        if len(customers) == CHUNK:
            yield customers, spendings
            customers, spendings = [], []
    yield customers, spendings


def _fill_sqlite(url: str, count: int) -> None:
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # only here: nothing is measured yet
        connection.execute("PRAGMA cache_size=-1000000")
        connection.execute("BEGIN")
        for customers, spendings in _chunks(_made(count, to_micros, lambda key: key.hex)):
            connection.executemany(_insert("customers", CUSTOMER_COLUMNS), customers)
            connection.executemany(_insert("customer_spendings", SPENDING_COLUMNS), spendings)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


async def _fill_postgresql(url: str, count: int) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        for customers, spendings in _chunks(_made(count, lambda at: at, lambda key: key)):
            await connection.copy_records_to_table("customers", records=customers, columns=CUSTOMER_COLUMNS)
            await connection.copy_records_to_table("customer_spendings", records=spendings, columns=SPENDING_COLUMNS)
        # What autovacuum does by itself some time later.
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
