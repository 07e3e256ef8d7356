"""Connections for reading: bounded, in a row, and none is lost."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from domain.base import lanes as lanes_of
from domain.base.database import Database
from domain.base.lanes import Lane
from domain.base.sight import Sight
from tests.base.samples import Sample, store
from tests.waiting import until

POSTGRESQL_ONLY = pytest.mark.parametrize("kind", ["postgresql"], indirect=False)
SIZE = 8


async def read(database: Database) -> int:
    """Read something by SQLAlchemy."""
    async with database.reading() as session:
        return (await session.execute(select(func.count()).select_from(Sample))).scalar_one()


async def turns(count: int = 3) -> None:
    """Let everybody else run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_comes_late_waits_in_a_row(database: Database) -> None:
    """There are so many lanes and no more; the first who waits is the first who reads."""
    taken = [await database.lanes.take(begun=False) for _ in range(SIZE)]
    order: list[int] = []

    async def wait(number: int) -> None:
        lane = await database.lanes.take(begun=False)
        order.append(number)
        await database.lanes.give_back(lane)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await turns()
    assert order == []
    for lane in taken:
        await database.lanes.give_back(lane)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert database.lanes.busy == 0


async def test_who_gives_up_waiting_takes_no_place(database: Database) -> None:
    """Neither before their turn nor in the very moment of it."""
    taken = [await database.lanes.take(begun=False) for _ in range(SIZE)]
    early, late, next_one = (asyncio.create_task(database.lanes.take(begun=False)) for _ in range(3))
    await turns()
    early.cancel()
    await turns()
    await database.lanes.give_back(taken.pop())  # the turn of `late`, who has not noticed yet
    late.cancel()
    lane = await next_one
    for each in (lane, *taken):
        await database.lanes.give_back(each)
    assert late.cancelled()
    assert database.lanes.busy == 0
    assert await read(database) == 0


async def test_nobody_waits_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no lane gets free in time, that is an error, and nothing is left behind."""
    taken = [await database.lanes.take(begun=False) for _ in range(SIZE)]
    monkeypatch.setattr(lanes_of, "_PATIENCE_S", 0.01)
    with pytest.raises(TimeoutError):
        await database.lanes.take(begun=False)
    for lane in taken:
        await database.lanes.give_back(lane)
    assert await read(database) == 0


async def test_a_lane_reads_what_is_there_now(database: Database) -> None:
    """The same connection, taken again, sees what was committed meanwhile; within one taking nothing changes."""
    lane = await database.lanes.take(begun=True)
    assert (await lane.session.execute(select(func.count()).select_from(Sample))).scalar_one() == 0
    await store(database, Sample(id=1))
    assert (await lane.session.execute(select(func.count()).select_from(Sample))).scalar_one() == 0
    await database.lanes.give_back(lane)
    again = await database.lanes.take(begun=True)
    assert again is lane
    assert (await again.session.execute(select(func.count()).select_from(Sample))).scalar_one() == 1
    await database.lanes.give_back(again)


async def test_what_was_cut_off_is_closed(database: Database) -> None:
    """A lane in which something was given up in the middle is not used again."""
    lane = await database.lanes.take(begun=True)
    await database.lanes.give_back(lane, is_sound=False)
    assert lane.connection.closed
    assert await read(database) == 0
    assert database.lanes.busy == 0


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_writer_that_was_cut_off_lets_go_of_the_file(database: Database) -> None:
    """Also where somebody holds on to what it had begun to read: the next one writes at once."""
    lane = await database.writers.take(begun=True)
    held = await lane.driver.execute("SELECT 1 UNION ALL SELECT 2")
    await database.writers.give_back(lane, is_sound=False)
    async with asyncio.timeout(3):  # without it the next one waits for five seconds, and fails
        await store(database, Sample(id=1))
    assert await read(database) == 1
    assert held


async def test_whoever_gives_up_twice_leaves_nothing_open(database: Database) -> None:
    """What was cut off is closed to the end, and only then is it said that somebody gave up."""
    lane = await database.writers.take(begun=True)
    closing = asyncio.create_task(database.writers.give_back(lane, is_sound=False))
    for _ in range(2):
        await asyncio.sleep(0)
        closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert lane.connection.closed
    assert database.writers.busy == 0
    await store(database, Sample(id=1))
    assert await read(database) == 1


async def test_a_lane_that_cannot_end_is_closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is told, the connection is gone, and its place is free."""
    lane = await database.lanes.take(begun=True)

    async def broken(_lane: Lane) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Lane, "end", broken)
        with pytest.raises(ZeroDivisionError):
            await database.lanes.give_back(lane)
    assert lane.connection.closed
    assert database.lanes.busy == 0
    assert await read(database) == 0


async def test_a_connection_that_is_lost_at_the_end_costs_nobody_an_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read was read: the connection is closed, its place is free, and nothing is raised."""
    lane = await database.lanes.take(begun=True)

    async def lost(ended: Lane) -> None:
        raise DBAPIError(str(ended), None, ConnectionResetError())

    with monkeypatch.context() as patched:
        patched.setattr(Lane, "end", lost)
        await database.lanes.give_back(lane)
    assert lane.connection.closed
    assert database.lanes.busy == 0
    assert await read(database) == 0


@pytest.mark.parametrize("error", [DBAPIError("BEGIN", None, ValueError("no")), asyncio.CancelledError()])
async def test_a_lane_that_cannot_begin_is_closed(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """An idle one as a new one, whatever the reason."""

    async def broken(_lane: Lane) -> None:
        raise error

    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(Lane, "begin", broken)
            with pytest.raises(type(error)):
                await database.lanes.take(begun=True)
        assert database.lanes.busy == 0
        assert await read(database) == 0


async def test_a_connection_that_is_no_lane_yet_is_closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is cut off while it is opened leaves nothing open."""
    opened: list[Any] = []
    connect = database._reader.connect

    def watched() -> Any:  # noqa: ANN401
        opened.append(connect())
        return opened[-1]

    async def broken(_connection: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("sqlalchemy.ext.asyncio.AsyncEngine.connect", lambda _engine: watched())
        patched.setattr("sqlalchemy.ext.asyncio.AsyncConnection.get_raw_connection", broken)
        with pytest.raises(asyncio.CancelledError):
            await database.lanes.take(begun=False)
    assert [connection.closed for connection in opened] == [True]
    assert await read(database) == 0


@POSTGRESQL_ONLY
@pytest.mark.parametrize("is_noticed", [True, False])
async def test_a_connection_that_the_server_closed_is_replaced(database: Database, *, is_noticed: bool) -> None:
    """A server that was restarted costs nobody a request."""
    lane = await database.lanes.take(begun=True)
    (row,) = await lane.driver.fetch("SELECT pg_backend_pid() AS pid")
    await database.lanes.give_back(lane)
    async with database.writing() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": row["pid"]})
        if is_noticed:
            await until(lambda: lane.is_lost)
    assert await read(database) == 0
    fresh = await database.lanes.take(begun=True)
    assert fresh is not lane
    await database.lanes.give_back(fresh)


@POSTGRESQL_ONLY
async def test_a_lane_that_was_lost_while_it_was_used(database: Database) -> None:
    """Who reads hears of it; whoever comes next has another one."""
    lane = await database.lanes.take(begun=True)
    lane.driver.terminate()
    await turns()
    await database.lanes.give_back(lane)
    assert lane.connection.closed
    assert await read(database) == 0


async def test_a_cancelled_reading_leaves_nothing(database: Database) -> None:
    """A client that goes away in the middle of a statement takes no connection with it."""
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
        if database.is_sqlite
        else "SELECT pg_sleep(5)"
    )

    async def reading() -> None:
        async with database.reading() as session:
            await session.execute(text(slow))

    for _ in range(3):
        task = asyncio.create_task(reading())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert database.lanes.busy == 0
        assert await read(database) == 0


async def test_a_connection_that_turns_out_to_be_lost_is_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noticed only by the first word is made good as well."""
    lane = await database.lanes.take(begun=True)
    await database.lanes.give_back(lane)
    begin = Lane.begin

    async def lost(taken: Lane) -> None:
        if taken is lane:
            raise DBAPIError(str(taken), None, ConnectionResetError())
        await begin(taken)

    monkeypatch.setattr(Lane, "begin", lost)
    fresh = await database.lanes.take(begun=True)
    assert fresh is not lane
    assert lane.connection.closed
    await database.lanes.give_back(fresh)
    assert database.lanes.busy == 0


@POSTGRESQL_ONLY
async def test_a_lane_that_cannot_be_fenced_is_closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads in a transaction that sees more than they may."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("domain.base.database._fence", broken)
        with pytest.raises(ZeroDivisionError):
            await database.take_lane(Sight(customer_id=UUID(int=1)))
    assert database.lanes.busy == 0
    assert await read(database) == 0
