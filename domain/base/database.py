"""The two databases behind one pair of doors: `reading()` and `writing()`.

SQLite has one writer connection behind an asyncio lock, which begins with BEGIN IMMEDIATE and does
every checkpoint; its readers are read-only (docs/architecture.md, "Two databases"). PostgreSQL has
one pool; READ COMMITTED is pinned for writes, because conditional updates rest on it, and every
read sees one snapshot on both.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from domain.base.errors import Invalid, StorageBusy, StorageFull
from domain.base.lanes import STATEMENTS_ON_A_CONNECTION, Lane, Lanes, driver_errors
from domain.base.sight import WHOLE, Sight, look
from domain.base.writing import WritingLane

Session: TypeAlias = AsyncSession

POOL_SIZE = 16
NARROWED_ROLE = "sportello_narrowed"
"""PostgreSQL's role for who sees a part only: it reads what row-level security leaves (migration `row_security`)."""

STATEMENT_TIMEOUT_S = 8
LOCK_TIMEOUT_S = 4
REWRITTEN_BYTES_MAX = 8 * 1024 * 1024
"""A table with its indexes of so many bytes is written anew in some tenths of a second."""

_STATISTICS = "pg_catalog.pg_statistic"
_BUSY_TIMEOUT_MS = 5_000
_PATIENCE_MS = 500
"""How long scrubbing waits for whoever reads: everybody else waits behind it."""

_LOCK_NOT_AVAILABLE = "55P03"
_UNIQUE_VIOLATION = "23505"
_RETRIED_STATES = {_UNIQUE_VIOLATION, "23503", "40001", "40P01", _LOCK_NOT_AVAILABLE}
"""Unique violation, a row that refers to one that was just removed, serialization failure, deadlock, a lock held too
long: two writers met. Run again, one of them sees the other."""
_DISK_FULL_STATES = {"53100"}
_NO_SUCH_CHARACTER_STATES = {"22021", "22P05"}
"""NUL, as it is and as JSON writes it."""


class Database:
    """One database, whichever of the two it is."""

    def __init__(self, url: str | URL, *, pool_size: int = POOL_SIZE) -> None:
        """Prepare the connections; none is opened before it is needed."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.is_full = False
        """Whether the last write found the disk full."""
        self._write_lock = asyncio.Lock()
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, pool_size=1, is_writer=True)
            self._reader = _sqlite_engine(self.url, pool_size=pool_size, is_writer=False)
        else:
            self._writer = _postgresql_engine(self.url, pool_size=pool_size + 1)  # one more for upkeep, whoever writes
            self._reader = _postgresql_engine(self.url, pool_size=pool_size, is_writer=False)
        self.lanes = Lanes(self._reader, size=pool_size, is_sqlite=self.is_sqlite)
        writer_count = 1 if self.is_sqlite else pool_size
        self.writers = Lanes(self._writer, size=writer_count, is_sqlite=self.is_sqlite, kind=WritingLane)

    @asynccontextmanager
    async def reading(self, sight: Sight = WHOLE) -> AsyncIterator[AsyncSession]:
        """Yield a session that sees one snapshot, so much of it as `sight` says, and cannot write."""
        with typed_errors():
            lane = await self.take_lane(sight)
            async with _given_back(self.lanes, lane):
                yield lane.session

    async def take_lane(self, sight: Sight, *, is_single: bool = False) -> Lane:
        """Return a connection for reading, which is to be given back: `reading` without its block.

        `is_single`: for one statement only, which needs no transaction around it to see one snapshot.
        """
        is_whole = sight.is_whole
        lane = await self.lanes.take(begun=not (is_single and is_whole))
        try:
            look(lane.session, sight)
            if not is_whole:
                await _fence(lane, sight)
        except BaseException:
            await self.lanes.give_back(lane, is_sound=False)
            raise
        return lane

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Yield a session in a transaction of its own; whoever asked for it commits or rolls back.

        Raises `StorageFull` where the disk is.
        """
        async with self._write_lock if self.is_sqlite else nullcontext():
            try:
                async with _taken(self.writers) as lane:
                    yield lane.session
            except StorageFull:
                self.is_full = True
                raise
            self.is_full = False

    async def scrub(self, tables: Sequence[str]) -> None:
        """Let the database's files hold nothing any more of what was deleted from these tables.

        SQLite overwrites what is deleted at once, but older pages stand in the log until it is emptied. PostgreSQL
        keeps deleted rows until VACUUM, and their bytes until something else takes their place or the table is
        written anew; a table of more than `REWRITTEN_BYTES_MAX` is not, as nobody could read it meanwhile.

        Raises `StorageBusy` where somebody still reads what was before: try again.
        """
        await (self._empty_log() if self.is_sqlite else self._vacuum(tables))

    async def _empty_log(self) -> None:
        async with self._write_lock, _taken(self.writers, begun=False) as lane:
            await lane.run(f"PRAGMA busy_timeout={_PATIENCE_MS}")
            ((is_busy, *_),) = await lane.driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            await lane.run(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        if is_busy:
            raise StorageBusy

    async def _vacuum(self, tables: Sequence[str]) -> None:
        is_busy = False
        async with self._writer.connect() as connection:
            await connection.execute(text("SET statement_timeout = 0"))
            await connection.execute(text(f"SET lock_timeout = {_PATIENCE_MS}"))
            try:
                # The planner keeps samples of what stands in the tables: new ones take their place.
                for table in (*tables, _STATISTICS):
                    is_busy = not await _vacuum_one(connection, table) or is_busy
            finally:
                await connection.execute(text("RESET statement_timeout"))
                await connection.execute(text("RESET lock_timeout"))
        if is_busy:
            raise StorageBusy

    async def dispose(self) -> None:
        """Close every connection, on SQLite the writer last, so that it is the one that checkpoints."""
        await self.lanes.close()
        await self._reader.dispose()
        await self.writers.close()
        await self._writer.dispose()


async def _fence(lane: Lane, sight: Sight) -> None:
    """Let the database itself keep from this transaction what is beyond its sight, where it can."""
    if lane.is_sqlite:
        return
    settings = {"role": NARROWED_ROLE, **dict(sight.settings)}
    chosen = ", ".join(f"set_config('{name}', ${place}, true)" for place, name in enumerate(settings, start=1))
    with driver_errors(chosen):
        await lane.driver.fetch(f"SELECT {chosen}", *settings.values())


def is_race(error: DBAPIError) -> bool:
    """Tell whether two writers met, so that running the loser again settles it; so does a table that was migrated."""
    if isinstance(error.orig, asyncpg.InvalidCachedStatementError):
        return True
    if getattr(error.orig, "sqlstate", None) in _RETRIED_STATES:
        return True
    return isinstance(error.orig, sqlite3.IntegrityError) and "UNIQUE" in str(error.orig)


def _sqlite_engine(url: URL, *, pool_size: int, is_writer: bool) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_timeout=30, hide_parameters=True)
    pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"]
    # What is deleted is overwritten: an erased person's data are not to be found in the file either.
    pragmas += ["secure_delete=ON"] if is_writer else ["wal_autocheckpoint=0", "query_only=ON"]

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own type
        # Without this the driver begins transactions by itself, and not before reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA foreign_keys")
        if tuple(cursor.fetchone()) != (1,):
            message = "this SQLite was built without foreign keys"
            raise RuntimeError(message)
        cursor.close()

    return engine


async def _vacuum_one(connection: AsyncConnection, table: str) -> bool:
    """Vacuum a table, written anew where it is small; False where somebody kept it from that."""
    size = text("SELECT coalesce(pg_total_relation_size(to_regclass(:name)), 0)")
    is_small = (await connection.execute(size, {"name": table})).scalar_one() <= REWRITTEN_BYTES_MAX
    options = ", ".join((*(["FULL"] if is_small else []), *([] if table == _STATISTICS else ["ANALYZE"])))
    try:
        await connection.execute(text(f"VACUUM ({options}) {table}" if options else f"VACUUM {table}"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _postgresql_engine(url: URL, *, pool_size: int, is_writer: bool = True) -> AsyncEngine:
    settings = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
        "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
        "jit": "off",  # compiling a statement takes longer than any of ours may run
        "default_transaction_isolation": "read committed",
        # What is prepared is planned once: looked at anew for each list of ids, planning would cost more than it.
        "plan_cache_mode": "force_generic_plan",
    }
    if not is_writer:
        settings |= {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,  # errors end in the log, and parameters are people's data
        isolation_level="AUTOCOMMIT",  # a lane begins its transactions itself
        connect_args={"server_settings": settings, "statement_cache_size": STATEMENTS_ON_A_CONNECTION},
    )

    @event.listens_for(engine.sync_engine, "begin")
    def plan_anew(connection: Any) -> None:  # noqa: ANN401
        # What SQLAlchemy runs itself is what is not always the same, such as searches: its values decide on the plan.
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = auto")

    return engine


@asynccontextmanager
async def _taken(lanes: Lanes, *, begun: bool = True) -> AsyncIterator[Lane]:
    """Take a lane, and give it back at the end."""
    with typed_errors():
        lane = await lanes.take(begun=begun)
        async with _given_back(lanes, lane):
            yield lane


@asynccontextmanager
async def _given_back(lanes: Lanes, lane: Lane) -> AsyncIterator[None]:
    """Give the lane back at the end, whatever happens."""
    try:
        yield
    except BaseException as error:
        await lanes.give_back(lane, is_sound=isinstance(error, Exception))
        raise
    await lanes.give_back(lane)


@contextmanager
def typed_errors() -> Iterator[None]:
    """Turn the databases' words for a full disk into `StorageFull`, for a text with NUL into `Invalid`."""
    try:
        yield
    except DBAPIError as error:
        typed = typed_error(error)
        if typed is None:
            raise
        raise typed from error


def typed_error(error: DBAPIError) -> Exception | None:
    """Return what a database's error is called here; None where it has no name of its own."""
    cause = error.orig
    driver_error = getattr(cause, "driver_exception", cause)
    if getattr(cause, "sqlstate", None) in _DISK_FULL_STATES or (
        isinstance(driver_error, sqlite3.Error)
        and getattr(driver_error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    ):
        return StorageFull("The disk that holds the database is full; nothing was written. Free some space.")
    if getattr(cause, "sqlstate", None) in _NO_SUCH_CHARACTER_STATES:
        return Invalid("Control characters are not allowed here; remove them.")
    return None
