"""The portable column types: what is written comes back, to the last digit, from both databases."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from domain.base.columns import Amount, Document, from_micros, to_micros
from domain.base.database import Database
from tests.base.samples import Sample, store

LARGEST = 2**63 - 1

VALUES: dict[str, list[Any]] = {
    "whole": [0, -1, LARGEST, -LARGEST - 1],
    "text": ["", "Ω≈ç√", "🧾 👩‍👩‍👧", "שלום", "quote ' and \\ and %", "x" * 100_000],
    "word": ["", "é", "🧾"],
    "flag": [True, False],
    "key": [UUID(int=0), UUID(int=2**128 - 1), UUID("0197e4c2-7d1e-7bbb-8000-00000000000a")],
    "instant": [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    "day": [date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31)],
    "amount": [
        Decimal(0),
        Decimal("0.0001"),
        Decimal("-0.0001"),
        Decimal("90071992547409.9301"),
        Decimal("922337203685477.5807"),
        Decimal("-922337203685477.5808"),
    ],
    "document": [{}, [], {"a": [1, -2.5, True, None, "é 🧾 \" ' \\"], "b": {"c": {}}}, "text", 0, False],
}


@pytest.mark.parametrize("name", VALUES)
async def test_every_value_comes_back(database: Database, name: str) -> None:
    """What is written comes back equal and of its type, the extremes included."""
    wanted = VALUES[name]
    await store(database, *(Sample(id=index, **{name: value}) for index, value in enumerate(wanted)))
    column = getattr(Sample, name)
    async with database.reading() as session:
        found = list(await session.scalars(select(column).order_by(Sample.id)))
        equal = [
            await session.scalar(select(Sample.id).where(column == value)) for value in wanted if name != "document"
        ]
    assert found == wanted
    assert all(isinstance(value, type(sent)) for value, sent in zip(found, wanted, strict=True))
    assert equal == (list(range(len(wanted))) if name != "document" else [])


async def test_nothing_comes_back_as_nothing(database: Database) -> None:
    """NULL is NULL for every type, also for the databases' own eyes."""
    await store(database, Sample(id=1, **dict.fromkeys(VALUES)))
    async with database.reading() as session:
        for name in VALUES:
            column = getattr(Sample, name)
            assert (await session.execute(select(column))).scalar_one() is None
            assert await session.scalar(select(func.count()).where(column.is_(None))) == 1, name


async def test_an_instant_is_one_whatever_its_offset(database: Database) -> None:
    """The same instant in another zone is stored, found and compared as the same one, and comes back in UTC."""
    rome = datetime(2026, 11, 22, 13, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))
    await store(database, Sample(id=1, instant=rome))
    async with database.reading() as session:
        found = await session.scalar(select(Sample.instant))
        assert found == rome
        assert found.tzinfo is UTC
        kathmandu = rome.astimezone(timezone(timedelta(hours=5, minutes=45)))
        assert await session.scalar(select(func.count()).where(Sample.instant == kathmandu)) == 1
        assert await session.scalar(select(func.count()).where(Sample.instant < kathmandu)) == 0


async def test_a_naive_instant_is_refused(database: Database) -> None:
    """Without a time zone nobody knows which instant it is: nothing is stored and nothing is found by it."""
    naive = datetime(2026, 11, 22, 12, 0)  # noqa: DTZ001  what is refused
    with pytest.raises(StatementError, match="needs a time zone"):
        await store(database, Sample(id=1, instant=naive))
    async with database.reading() as session:
        with pytest.raises(StatementError, match="needs a time zone"):
            await session.scalar(select(Sample.id).where(Sample.instant == naive))
        assert await session.scalar(select(func.count()).select_from(Sample)) == 0


async def test_a_fifth_decimal_is_refused(database: Database) -> None:
    """Money is never rounded on its way into the database."""
    with pytest.raises(StatementError, match="more than four decimals"):
        await store(database, Sample(id=1, amount=Decimal("0.00001")))


async def test_sums_of_money_are_exact(database: Database) -> None:
    """The databases add integers: no cent is lost over many rows, and the sum is a decimal again."""
    await store(database, *(Sample(id=index, amount=Decimal("0.1001")) for index in range(1_000)))
    async with database.reading() as session:
        found = await session.scalar(select(func.sum(Sample.amount, type_=Amount())))
    assert found == Decimal("100.1000")


async def test_sorted_text_is_ordered_byte_by_byte(database: Database) -> None:
    """Both databases have the same order, whatever the server's locale: that of the code points."""
    words = ["", " ", "A", "B", "Z", "a", "ab", "b", "z", "Ä", "é", "\u20ac", "\uffee", "🧾"]
    shuffled = [*words[1::2], *words[::2]]
    await store(database, *(Sample(id=index, word=word) for index, word in enumerate(shuffled)))
    async with database.reading() as session:
        found = list(await session.scalars(select(Sample.word).order_by(Sample.word)))
    assert found == words == sorted(words)


@given(st.datetimes(timezones=st.timezones()))
def test_microseconds_are_exact(instant: datetime) -> None:
    """The count of microseconds names the instant, to the last one."""
    try:
        wanted = instant.astimezone(UTC)
    except OverflowError:  # an instant of year 1 or 9999 that UTC puts outside
        wanted = None
    if wanted is not None:
        assert from_micros(to_micros(instant)) == wanted


def test_types_know_their_python_type() -> None:
    """Cursors ask a column which kind of value it holds."""
    assert Amount().python_type is Decimal
    assert Document().python_type is object
