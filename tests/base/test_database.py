"""The two doors to the two databases."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from domain.base.database import Database, Session, is_race
from domain.base.errors import Invalid, StorageFull
from domain.base.work import Works
from tests.base.samples import Sample, store

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"], indirect=False)
POSTGRESQL_ONLY = pytest.mark.parametrize("kind", ["postgresql"], indirect=False)


async def pragma(session: Session, name: str) -> object:
    """Return a setting of the session's SQLite connection."""
    return (await session.execute(text(f"PRAGMA {name}"))).scalar_one()


async def count(database: Database) -> int:
    """Return how many samples a new reader sees."""
    async with database.reading() as session:
        return (await session.execute(select(func.count()).select_from(Sample))).scalar_one()


@SQLITE_ONLY
async def test_connections_of_sqlite_are_set_up(database: Database) -> None:
    """The writer keeps every commit through a power cut; readers cannot write and never checkpoint."""
    async with database.writing() as session:
        assert await pragma(session, "journal_mode") == "wal"
        assert await pragma(session, "synchronous") == 2
        assert await pragma(session, "foreign_keys") == 1
        assert await pragma(session, "query_only") == 0
        assert await pragma(session, "wal_autocheckpoint") == 1_000
    async with database.reading() as session:
        assert await pragma(session, "foreign_keys") == 1
        assert await pragma(session, "query_only") == 1
        assert await pragma(session, "wal_autocheckpoint") == 0


@SQLITE_ONLY
async def test_a_sqlite_without_foreign_keys_is_refused(database: Database) -> None:
    """A library that ignores the setting is noticed on the first connection."""

    class Cursor:
        def execute(self, statement: str) -> None:
            assert statement.startswith("PRAGMA")

        def fetchone(self) -> tuple[int]:
            return (0,)

    class Connection:
        isolation_level = ""

        def cursor(self) -> Cursor:
            return Cursor()

    listeners: Any = database._writer.sync_engine.pool.dispatch.connect
    (prepare,) = [each for each in listeners if each.__module__ == "domain.base.database"]
    with pytest.raises(RuntimeError, match="without foreign keys"):
        prepare(Connection(), None)


@POSTGRESQL_ONLY
async def test_connections_of_postgresql_are_set_up(database: Database) -> None:
    """Nothing waits for ever, instants are shown in UTC, and the isolation is the one that the writes rest on."""
    async with database.writing() as session:
        found = [
            (await session.execute(text(f"SHOW {name}"))).scalar_one()
            for name in ("statement_timeout", "lock_timeout", "timezone", "transaction_isolation")
        ]
    assert found == ["8s", "4s", "UTC", "read committed"]
    async with database.reading() as session:
        assert (await session.execute(text("SHOW transaction_isolation"))).scalar_one() == "repeatable read"
        assert (await session.execute(text("SHOW transaction_read_only"))).scalar_one() == "on"


async def test_a_reader_cannot_write(database: Database) -> None:
    """Reading changes nothing, whatever the code tries."""
    async with database.reading() as session:
        with pytest.raises(DBAPIError, match=r"readonly|read-only"):
            await session.execute(text("INSERT INTO samples (id) VALUES (1)"))
    assert await count(database) == 0


async def test_a_reader_sees_one_snapshot(database: Database) -> None:
    """What is committed meanwhile is seen by the next session, not by this one."""
    counting = select(func.count()).select_from(Sample)
    async with database.reading() as session:
        before = (await session.execute(counting)).scalar_one()
        await store(database, Sample(id=1))
        assert (await session.execute(counting)).scalar_one() == before == 0
    assert await count(database) == 1


async def test_what_is_not_committed_is_gone(database: Database) -> None:
    """Leaving the door without a commit leaves nothing, with or without an error."""
    async with database.writing() as session:
        session.add(Sample(id=1))
        await session.flush()

    async def fail() -> None:
        async with database.writing() as session:
            session.add(Sample(id=2))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 0


@SQLITE_ONLY
async def test_one_writes_at_a_time_on_sqlite(database: Database) -> None:
    """The second writer enters when the first has left; a reader does not wait for either."""
    entered: list[int] = []
    is_inside, release = asyncio.Event(), asyncio.Event()

    async def write(number: int) -> None:
        async with database.writing() as session:
            entered.append(number)
            is_inside.set()
            session.add(Sample(id=number))
            await session.flush()
            await release.wait()
            await session.commit()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write(1))
        await is_inside.wait()
        tasks.create_task(write(2))
        assert await count(database) == 0  # a reader goes through, and the second writer had its chance
        assert entered == [1]
        release.set()
    assert entered == [1, 2]
    assert await count(database) == 2


@SQLITE_ONLY
async def test_a_full_disk_is_told_apart_on_sqlite(database: Database) -> None:
    """A full disk is `StorageFull`; nothing was written, reading goes on, and so does writing once there is room."""
    async with database.writing() as session:
        await session.execute(text("PRAGMA max_page_count = 1"))  # SQLite takes the present size where that is more
    with pytest.raises(StorageFull, match="Free some space"):
        await store(database, *(Sample(id=number, text="x" * 100_000) for number in range(10)))
    assert await count(database) == 0
    async with database.writing() as session:
        await session.execute(text("PRAGMA max_page_count = 1000000"))
    await store(database, Sample(id=1, text="x" * 100_000))
    assert await count(database) == 1


class DriverError(Exception):
    """What a driver of PostgreSQL raises."""

    def __init__(self, sqlstate: str) -> None:
        """Carry PostgreSQL's word for it."""
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(("sqlstate", "wanted"), [("53100", StorageFull), ("53200", DBAPIError)])
async def test_a_full_disk_is_told_apart_on_postgresql(
    database: Database, sqlstate: str, wanted: type[Exception]
) -> None:
    """PostgreSQL's own word for a full disk is `StorageFull`; other troubles stay what they are."""
    error = DBAPIError("INSERT", {}, DriverError(sqlstate))
    with pytest.raises(wanted) as raised:
        async with database.writing():
            raise error
    assert type(raised.value) is wanted


async def test_a_unique_value_is_a_race_and_a_missing_one_is_not(database: Database) -> None:
    """Two writers of one unique value met; a broken constraint of another kind will not mend by itself."""
    await store(database, Sample(id=1))
    with pytest.raises(IntegrityError) as met:
        await store(database, Sample(id=1))
    assert is_race(met.value)
    with pytest.raises(IntegrityError) as broken:
        async with database.writing() as session:
            await session.execute(text("INSERT INTO events (id) VALUES (NULL)"))
    assert not is_race(broken.value)


@pytest.mark.parametrize(
    ("sqlstate", "wanted"), [("23505", True), ("40001", True), ("40P01", True), ("23503", True), ("57014", False)]
)
def test_races_of_postgresql(sqlstate: str, *, wanted: bool) -> None:
    """Unique violation, serialisation failure, deadlock, what was just removed: settled by running the loser again."""
    assert is_race(DBAPIError("UPDATE", {}, DriverError(sqlstate))) is wanted


@POSTGRESQL_ONLY
async def test_text_that_postgresql_cannot_hold_is_refused(database: Database) -> None:
    """Asking for a text with NUL is the caller's mistake, no fault of the server."""
    with pytest.raises(Invalid, match="remove them"):
        async with database.reading() as session:
            await session.scalar(select(Sample.id).where(Sample.text == "a\0b"))


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_table_that_cannot_be_vacuumed_is_no_table_that_is_in_use(works: Works) -> None:
    """Only a lock is waited for: any other error is told."""
    with pytest.raises(DBAPIError, match="does not exist"):
        await works.database.scrub(["nothing_at_all"])


def test_a_table_that_was_migrated_meanwhile_is_looked_at_anew() -> None:
    """What was prepared before a migration does not fit any more; run again, it is prepared anew."""
    assert is_race(DBAPIError("SELECT", {}, asyncpg.InvalidCachedStatementError()))
