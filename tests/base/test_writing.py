"""Writing past SQLAlchemy: what waits is written in time, in order, and all of it or nothing."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy.exc import DBAPIError

from domain.base.database import Database, Session, is_race
from domain.base.errors import Invalid, StorageFull
from domain.base.model import IdempotencyKey
from domain.base.repository.rows import insert_rows, update_rows, upsert_rows
from domain.base.statements import prepared
from domain.base.writing import WritingLane, facts_of, write, writing_lane_of
from tests.base.samples import Sample, store
from tests.conftest import NOW
from tests.statements import hearing
from tests.waiting import until

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"], indirect=False)
POSTGRESQL_ONLY = pytest.mark.parametrize("kind", ["postgresql"], indirect=False)
SAMPLES: Any = Sample
FULL: dict[str, Any] = {
    "id": 1,
    "whole": -(2**53),
    "text": 'it\'s "quoted" \\u0000 ü',
    "word": "quixo",
    "flag": False,
    "key": UUID(int=2**127),
    "instant": datetime(2026, 11, 22, 12, 30, 1, 2, tzinfo=UTC),
    "day": date(2026, 2, 28),
    "amount": Decimal("-12.3456"),
    "document": {"a": [1, "two", None], "b": True},
}
EMPTY = dict.fromkeys(FULL) | {"id": 2}
FIRST = EMPTY | {"id": 3, "instant": datetime.min.replace(tzinfo=UTC), "day": date.min}
LAST = EMPTY | {"id": 4, "instant": datetime.max.replace(tzinfo=UTC), "day": date.max, "whole": 2**63 - 1}


def key(name: str) -> dict[str, Any]:
    """Return a row of another table."""
    return {"scope": "s", "key": name, "input_hash": "h", "answer_id": None, "created_at": NOW}


async def rows(database: Database) -> list[dict[str, Any]]:
    """Return what everybody sees of the samples."""
    async with database.reading() as session:
        found = await session.execute(select(*Sample.__table__.c).order_by(Sample.id))
        return [dict(row._mapping) for row in found]


async def remove(session: Session, number: int) -> None:
    """Let the removal of a sample wait."""
    await write(
        session,
        ("remove sample",),
        lambda: delete(Sample).where(Sample.id == bindparam("number", type_=Sample.id.type)),
        table=SAMPLES.__table__,
        values={"number": number},
    )


async def count_samples(session: Session) -> int:
    """Count the samples past SQLAlchemy."""
    (row,) = await prepared(
        session, ("count samples",), lambda: select(func.count().label("size")).select_from(Sample)
    ).rows(session)
    return int(row.size)


@pytest.mark.parametrize("put", [insert_rows, upsert_rows])
async def test_rows_are_written_as_sqlalchemy_reads_them(database: Database, put: Any) -> None:  # noqa: ANN401
    """Every type of column, full and empty, the ends of time, and signs that mean something in JSON."""
    async with database.writing() as session:
        await put(session, SAMPLES, [FULL, EMPTY, FIRST, LAST])
        await session.commit()
    assert await rows(database) == [FULL, EMPTY, FIRST, LAST]


async def test_rows_take_the_place_of_others(database: Database) -> None:
    """An upsert leaves what it has no column for; an update changes what is there, and nothing else."""
    await store(database, Sample(id=1, word="a", whole=1), Sample(id=2, word="b", whole=2))
    async with database.writing() as session:
        await upsert_rows(session, SAMPLES, [{"id": 2, "word": "c"}, {"id": 3, "word": "d"}])
        await update_rows(session, SAMPLES, [{"whole": 7, "id": 1}, {"whole": 8, "id": 9}])
        await session.commit()
    assert [(row["id"], row["word"], row["whole"]) for row in await rows(database)] == [
        (1, "a", 7),
        (2, "c", 2),
        (3, "d", None),
    ]


async def test_what_waits_goes_together(database: Database) -> None:
    """Nothing is sent before it must be; then it is one statement on PostgreSQL, whatever it is about."""
    async with database.writing() as session:
        with hearing() as heard:
            await insert_rows(session, SAMPLES, [EMPTY])
            await insert_rows(session, IdempotencyKey, [key("a")])
            await insert_rows(session, SAMPLES, [])
            await insert_rows(session, SAMPLES, [FULL])
            assert heard == []
            assert await count_samples(session) == 2
        assert len(heard) == (3 if database.is_sqlite else 2)
        await session.commit()
    assert await rows(database) == [FULL, EMPTY]


async def test_many_rows_are_one_parameter(database: Database) -> None:
    """However many they are: one statement, and all are there."""
    async with database.writing() as session:
        with hearing() as heard:
            await insert_rows(session, SAMPLES, [EMPTY | {"id": number} for number in range(5_000)])
            assert await count_samples(session) == 5_000
        assert len(heard) == 2


async def test_what_is_about_the_same_rows_keeps_its_order(database: Database) -> None:
    """What was told later is written later."""
    async with database.writing() as session:
        await insert_rows(session, SAMPLES, [FULL])
        await update_rows(session, SAMPLES, [{"id": 1, "word": "new"}])
        await insert_rows(session, SAMPLES, [EMPTY])
        await remove(session, 1)
        await insert_rows(session, SAMPLES, [FULL | {"word": "again"}])
        await upsert_rows(session, SAMPLES, [{"id": 2, "word": "once"}])
        await upsert_rows(session, SAMPLES, [{"id": 2, "word": "twice"}])
        await session.commit()
    assert [(row["id"], row["word"]) for row in await rows(database)] == [(1, "again"), (2, "twice")]


async def test_sqlalchemy_sees_what_waits(database: Database) -> None:
    """Whichever way it reads: by a query, by a key, on its connection."""
    async with database.writing() as session:
        await insert_rows(session, SAMPLES, [EMPTY | {"id": 10}])
        assert (await session.scalars(select(Sample.id))).all() == [10]
        await insert_rows(session, SAMPLES, [EMPTY | {"id": 11}])
        assert (await session.get_one(Sample, 11)).id == 11
        await insert_rows(session, SAMPLES, [EMPTY | {"id": 12}])
        connection = await session.connection()
        assert len((await connection.execute(text("SELECT id FROM samples"))).all()) == 3


async def test_objects_and_rows_are_written_as_they_were_told(database: Database) -> None:
    """An object that was told before goes in before; one that was told after goes in after."""
    async with database.writing() as session:
        session.add(Sample(id=1, word="object"))
        await update_rows(session, SAMPLES, [{"id": 1, "word": "row"}])
        await insert_rows(session, SAMPLES, [EMPTY])
        found = await session.get_one(Sample, 2)
        found.word = "changed"
        await update_rows(session, SAMPLES, [{"id": 2, "whole": 5}])
        found.flag = True
        assert await count_samples(session) == 2
        session.add(Sample(id=3, word="last"))
        await session.commit()
    assert [(row["id"], row["word"], row["whole"], row["flag"]) for row in await rows(database)] == [
        (1, "row", None, None),
        (2, "changed", 5, True),
        (3, "last", None, None),
    ]


async def test_what_is_not_committed_is_gone(database: Database) -> None:
    """Whether it was written, waited, or was an object; and whoever comes next finds nothing of it."""
    async with database.writing() as session:
        await insert_rows(session, SAMPLES, [FULL])
        assert await count_samples(session) == 1
        await insert_rows(session, SAMPLES, [EMPTY])
        session.add(Sample(id=3))
        lane = writing_lane_of(session)
        lane.known["held"] = facts_of(session)["fact"] = True
    async with database.writing() as session:
        assert writing_lane_of(session) is lane
        assert (lane.waiting, lane.known, lane.facts) == ([], {}, {})
        assert not session.new
        facts_of(session)["fact"] = True
        await session.commit()
    assert await rows(database) == []
    async with database.writing() as session:
        assert facts_of(session) == {"fact": True}
    async with database.reading() as session:
        assert facts_of(session) == {}


async def test_what_fails_in_the_middle_leaves_nothing(database: Database) -> None:
    """A value that somebody has already is a race; what went in before it is gone with it."""
    await store(database, Sample(id=1))

    async def fail() -> None:
        async with database.writing() as session:
            await insert_rows(session, IdempotencyKey, [key("a")])
            await insert_rows(session, SAMPLES, [EMPTY, EMPTY | {"id": 1}])
            await session.commit()

    with pytest.raises(DBAPIError) as met:
        await fail()
    assert is_race(met.value)
    assert [row["id"] for row in await rows(database)] == [1]
    async with database.reading() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == []
    assert database.writers.busy == 0


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"instant": datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001  that is what is wrong
        ({"amount": Decimal("0.00001")}, ValueError),
        ({"word": object()}, Exception),
    ],
)
@pytest.mark.parametrize("others", [[], [EMPTY | {"id": 7}]])
async def test_what_no_column_holds_is_refused(
    database: Database, wrong: dict[str, Any], error: type[Exception], others: list[dict[str, Any]]
) -> None:
    """An instant that nobody knows, a fraction that would be lost, what is no value at all; alone and among others."""

    async def fail() -> None:
        async with database.writing() as session:
            await insert_rows(session, SAMPLES, [EMPTY | wrong, *others])
            await session.commit()

    with pytest.raises(error):
        await fail()
    assert await rows(database) == []


@POSTGRESQL_ONLY
@pytest.mark.parametrize("wrong", [{"text": "a\0b"}, {"document": {"a": "\0"}}])
async def test_text_that_postgresql_cannot_hold_is_refused(database: Database, wrong: dict[str, Any]) -> None:
    """NUL is the caller's mistake, wherever it stands."""

    async def fail() -> None:
        async with database.writing() as session:
            await insert_rows(session, SAMPLES, [EMPTY | wrong])
            await session.commit()

    with pytest.raises(Invalid, match="remove them"):
        await fail()


@SQLITE_ONLY
async def test_a_full_disk_is_told_apart(database: Database) -> None:
    """What does not fit is `StorageFull`, nothing of it is there, and writing goes on once there is room."""

    async def fill() -> None:
        async with database.writing() as session:
            many = [EMPTY | {"id": number, "text": "x" * 100_000} for number in range(10)]
            await insert_rows(session, SAMPLES, many)
            await session.commit()

    async with database.writing() as session:
        await session.execute(text("PRAGMA max_page_count = 1"))  # SQLite takes the present size where that is more
    with pytest.raises(StorageFull):
        await fill()
    was_full = database.is_full
    assert await rows(database) == []
    async with database.writing() as session:
        await session.execute(text("PRAGMA max_page_count = 1000000"))
    await fill()
    assert (was_full, database.is_full) == (True, False)
    assert len(await rows(database)) == 10


@POSTGRESQL_ONLY
async def test_two_at_once_write_at_once(database: Database) -> None:
    """Each has a connection; none sees what the other has not committed."""
    async with database.writing() as one, database.writing() as other:
        await insert_rows(one, SAMPLES, [FULL])
        await insert_rows(other, SAMPLES, [EMPTY])
        assert (await count_samples(one), await count_samples(other)) == (1, 1)
        await one.commit()
        assert await count_samples(other) == 2
    assert await rows(database) == [FULL]


@POSTGRESQL_ONLY
@pytest.mark.parametrize("is_noticed", [True, False])
async def test_a_connection_that_was_lost_while_nobody_wrote_costs_nobody_a_write(
    database: Database, *, is_noticed: bool
) -> None:
    """A server that was restarted: nothing was begun, so another connection begins."""
    async with database.writing() as session:
        lane = writing_lane_of(session)
        (row,) = await lane.driver.fetch("SELECT pg_backend_pid() AS pid")
    async with database.reading() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": row["pid"]})
    if is_noticed:
        await until(lambda: lane.is_lost)
    await store(database, Sample(id=1))
    assert len(await rows(database)) == 1
    assert database.writers.busy == 0


@POSTGRESQL_ONLY
async def test_a_connection_that_is_lost_in_the_middle_is_an_error(database: Database) -> None:
    """Nobody writes the rest elsewhere: nothing of it is there, and whoever comes next has another connection."""

    async def lose() -> None:
        async with database.writing() as session:
            await insert_rows(session, SAMPLES, [FULL])
            await count_samples(session)
            writing_lane_of(session).driver.terminate()
            await insert_rows(session, SAMPLES, [EMPTY])
            await session.commit()

    with pytest.raises(DBAPIError):
        await lose()
    assert await rows(database) == []
    await store(database, Sample(id=5))
    assert database.writers.busy == 0


async def test_who_goes_away_in_the_middle_leaves_nothing(database: Database) -> None:
    """What was cut off is closed, as nobody knows what it still does; the next one writes."""
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"
        if database.is_sqlite
        else "SELECT pg_sleep(5)"
    )
    lanes: list[WritingLane] = []

    async def writing() -> None:
        async with database.writing() as session:
            lanes.append(writing_lane_of(session))
            await insert_rows(session, SAMPLES, [FULL])
            await count_samples(session)
            await writing_lane_of(session).driver.execute(slow)

    for _ in range(2):
        task = asyncio.create_task(writing())
        await until(lambda: bool(lanes))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lanes.pop().connection.closed
        assert database.writers.busy == 0
        assert await rows(database) == []
    await store(database, Sample(id=1))
    assert len(await rows(database)) == 1
