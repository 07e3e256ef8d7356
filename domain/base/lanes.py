"""Connections for reading, kept open: each with its driver's own connection, for statements that were compiled before.

What SQLAlchemy's pool does for each reading (a connection of its own making, a transaction, a reset) costs more than
a small statement. A lane is taken, begun in one round trip and given back in another one.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from domain.base.kept import Kept

STATEMENTS_ON_A_CONNECTION = 300
"""Prepared statements that a connection of PostgreSQL keeps: each takes some ten kilobytes there."""

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.Error,
    OSError,
)
"""What a driver raises that is no fault of ours."""

_LANE = "lane"
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said that it ends, and the end is not seen yet
    asyncpg.AdminShutdownError,
    OSError,
)
_PATIENCE_S = 30


class Lane:
    """One connection for reading, and a session of SQLAlchemy on it."""

    __slots__ = ("connection", "driver", "is_begun", "is_sqlite", "session", "statements")

    def __init__(self, connection: AsyncConnection, driver: Any, *, is_sqlite: bool) -> None:  # noqa: ANN401
        """Take an open connection that begins no transactions by itself."""
        self.connection = connection
        self.driver = driver
        self.is_sqlite = is_sqlite
        self.is_begun = False
        self.statements: Kept[Any] = Kept(STATEMENTS_ON_A_CONNECTION)
        """What is prepared on PostgreSQL's connection, by the statement that it was made of."""
        self.session = self.open_session()
        self.session.info[_LANE] = self

    def open_session(self) -> AsyncSession:
        """Return a session of SQLAlchemy on the connection."""
        return AsyncSession(self.connection, autoflush=False)

    async def begin(self) -> None:
        """Begin a transaction: from its first statement on it sees one snapshot."""
        self.is_begun = True
        await self.run("BEGIN")

    async def end(self) -> None:
        """End the transaction, and forget what was read."""
        if self.session.in_transaction():
            await self.session.close()
        if self.is_begun:
            self.is_begun = False
            if not self.is_sqlite or self.driver.in_transaction:  # SQLAlchemy may have ended it on SQLite
                await self.run("ROLLBACK")

    async def settle(self) -> None:
        """Write what waits to be written (`domain/base/writing.py`): nothing, where one only reads."""

    def forget(self) -> None:
        """Prepare everything anew."""
        self.statements = Kept(STATEMENTS_ON_A_CONNECTION)

    async def run(self, statement: str) -> None:
        """Run a statement that answers nothing."""
        with driver_errors(statement):
            await self.driver.execute(statement)

    async def cut_off(self) -> None:
        """Let go of what still runs: on SQLite a thread would go on with it, and keep the file."""
        if self.is_sqlite:
            with suppress(ValueError):  # SQLAlchemy closed it already
                await self.driver.interrupt()

    @property
    def is_lost(self) -> bool:
        """Tell whether the other side closed the connection."""
        return not self.is_sqlite and self.driver.is_closed()


class Lanes:
    """At most so many connections for reading; who comes when all are taken waits in a row."""

    def __init__(self, engine: AsyncEngine, *, size: int, is_sqlite: bool, kind: type[Lane] = Lane) -> None:
        """Take where connections come from; none is opened before it is needed."""
        self.busy = 0
        """How many are taken."""
        self._engine = engine
        self._size = size
        self._is_sqlite = is_sqlite
        self._kind = kind
        self._idle: list[Lane] = []
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, *, begun: bool) -> Lane:
        """Return a lane, in a transaction where it is wanted `begun`; raises `TimeoutError` where none gets free."""
        if self.busy < self._size:
            self.busy += 1
        else:
            await self._wait()
        try:
            return await self._ready(begun=begun)
        except BaseException:
            self._free()
            raise

    async def give_back(self, lane: Lane, *, is_sound: bool = True) -> None:
        """Take a lane back; one in which something was cut off in the middle is closed instead."""
        try:
            await (self._keep(lane) if is_sound and not lane.is_lost else _to_the_end(_discard(lane)))
        finally:
            self._free()

    async def _keep(self, lane: Lane) -> None:
        """Let a lane wait for whoever comes next; one that cannot end is closed."""
        try:
            await lane.end()
            self._idle.append(lane)
        except DBAPIError:
            await _close(lane.connection)  # lost at the very end: what was read was read
        except BaseException:
            await _close(lane.connection)
            raise

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            await _close(self._idle.pop().connection)

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._free()  # it came too late for us: it is the next one's
            raise

    def _free(self) -> None:
        """Hand a place to who waits for longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1

    async def _ready(self, *, begun: bool) -> Lane:
        """Return an idle lane that still works, else a new one."""
        while self._idle:
            lane = self._idle.pop()
            if lane.is_lost:
                await _close(lane.connection)
                continue
            try:
                return await _begun(lane) if begun else lane
            except DBAPIError as error:
                if not isinstance(error.orig, _LOST):
                    raise
        lane = await self._open()
        return await _begun(lane) if begun else lane

    async def _open(self) -> Lane:
        connection = await self._engine.connect()
        try:
            driver = (await connection.get_raw_connection()).driver_connection
        except BaseException:
            await _close(connection)
            raise
        return self._kind(connection, driver, is_sqlite=self._is_sqlite)


async def _begun(lane: Lane) -> Lane:
    """Return the lane in a transaction; one that cannot begin, or not in time, is closed."""
    try:
        await lane.begin()
    except BaseException:
        await _close(lane.connection)
        raise
    return lane


async def _discard(lane: Lane) -> None:
    """Close a lane in which something was cut off."""
    try:
        await lane.cut_off()
    finally:
        await _close(lane.connection)


async def _to_the_end(story: Coroutine[Any, Any, None]) -> None:
    """Await this to its end, however often whoever awaits it is told to give up meanwhile: they do so afterwards."""
    task = asyncio.create_task(story)
    given_up: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            given_up = error
    if given_up is not None:
        raise given_up


async def _close(connection: AsyncConnection) -> None:
    """Close a connection for good, whatever state it is in."""
    await connection.invalidate()
    await connection.close()


def lane_of(session: AsyncSession | Session) -> Lane:
    """Return the lane that a session is on."""
    found: Lane = session.info[_LANE]
    return found


class driver_errors:  # noqa: N801  reads as the verb that it is
    """Turn what a driver raises into what SQLAlchemy would, so that nobody need know who ran the statement."""

    __slots__ = ("_statement",)

    def __init__(self, statement: str) -> None:
        """Take what is run."""
        self._statement = statement

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Wrap what went wrong."""
        if isinstance(error, DRIVER_ERRORS) and not isinstance(error, TimeoutError):
            raise as_database_error(self._statement, error) from error


def as_database_error(statement: str, error: Exception) -> Exception:
    """Return what SQLAlchemy would raise for what a driver raised."""
    return DBAPIError(statement, None, error, hide_parameters=True)
