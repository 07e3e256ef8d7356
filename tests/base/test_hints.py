"""Hints from one process to another over PostgreSQL: quick where they are heard, and not missed where they are not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text

from domain.base import hints
from domain.base.database import Database
from domain.base.events import Event
from domain.base.feed import Feed, Listener
from domain.base.hints import APPLICATION, PostgresHints
from domain.base.work import Works
from tests.base.stories import APP, opening
from tests.waiting import until

pytestmark = pytest.mark.parametrize("kind", ["postgresql"])
NEVER_S = 60.0
"""How often the other process looks by itself in these tests: what it finds it was told of."""


def everything(_event: Event) -> bool:
    """Want every event."""
    return True


@asynccontextmanager
async def another_process(
    works: Works, *, probe_every_s: float = NEVER_S
) -> AsyncIterator[tuple[Listener, PostgresHints]]:
    """Yield a listener of a feed with a database of its own, and what gives it hints."""
    database = Database(works.database.url, pool_size=4)
    feed = Feed(database, look_every_s=NEVER_S)
    heard = PostgresHints(database.url, feed.wake, probe_every_s=probe_every_s)
    task = asyncio.create_task(heard.run())
    try:
        await until(heard.is_heard.is_set)
        async with feed.listen(everything) as listener:
            waiting = asyncio.ensure_future(listener.take())
            await until(lambda: feed.listener_count == 1)
            waiting.cancel()
            await asyncio.wait([waiting])
            yield listener, heard
    finally:
        task.cancel()
        await asyncio.wait([task])
        await database.dispose()


async def take(listener: Listener, count: int) -> list[int]:
    """Take so many, well before anybody would look by themselves; return their numbers."""
    return [(await asyncio.wait_for(listener.take(), 5)).place.seq for _ in range(count)]


async def write(works: Works, *names: str) -> None:
    """Commit an event for each name."""
    for name in names:
        await works.perform(opening(name), actor=APP, action="open")


async def end_listening(works: Works) -> int:
    """End every connection that listens; return how many there were."""
    ended = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
      WHERE application_name = :name AND datname = current_database()"""
    async with works.database.writing() as session:
        return int((await session.execute(text(ended), {"name": APPLICATION})).scalar_one())


async def test_another_process_is_told_at_once(works: Works) -> None:
    """One that numbers says so, and one that listens looks."""
    async with works.feed.running(), another_process(works) as (listener, _):
        await write(works, "a", "b")
        first, second = await take(listener, 2)
        assert second == first + 1


async def test_a_lost_connection_is_replaced_and_nothing_is_missed(works: Works) -> None:
    """What was committed while nobody heard stands in the log."""
    async with works.feed.running(), another_process(works) as (listener, heard):
        assert await end_listening(works) == 1
        await until(lambda: not heard.is_heard.is_set())
        await write(works, "a", "b")
        assert len(await take(listener, 2)) == 2
        await until(heard.is_heard.is_set)
        await write(works, "c")
        assert len(await take(listener, 1)) == 1


async def test_a_server_that_is_frozen_is_left(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing, and ends nothing: whoever does not answer in time is not listened to any more."""
    execute = asyncpg.Connection.execute

    async def hang(connection: object, query: str, *arguments: object, **options: object) -> object:
        if query == "SELECT 1":  # what everybody else asks is answered: the feed that numbers would hang as well
            await asyncio.sleep(NEVER_S)
        return await execute(connection, query, *arguments, **options)

    async with works.feed.running(), another_process(works, probe_every_s=0.1) as (listener, heard):
        with monkeypatch.context() as patch:
            # Only while nothing is answered: a machine that is busy is slower than that without being frozen.
            patch.setattr(hints, "PROBE_WITHIN_S", 0.05)
            patch.setattr(asyncpg.Connection, "execute", hang)
            await until(lambda: not heard.is_heard.is_set())
        await write(works, "a")
        assert len(await take(listener, 1)) == 1
        await until(heard.is_heard.is_set)


async def test_a_server_that_is_away_is_asked_again(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pauses that grow."""
    connect = asyncpg.connect
    attempts: list[int] = []

    async def refuse(**arguments: object) -> object:
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionRefusedError
        return await connect(**arguments)

    monkeypatch.setattr(asyncpg, "connect", refuse)
    heard = PostgresHints(works.database.url, works.feed.wake)
    task = asyncio.create_task(heard.run())
    await until(heard.is_heard.is_set)
    assert len(attempts) == 3
    task.cancel()
    await asyncio.wait([task])


async def test_several_who_number_at_once_leave_no_hole_and_number_nothing_twice(works: Works) -> None:
    """Three processes race for the same events while others write."""
    others = [Database(works.database.url, pool_size=4) for _ in range(2)]
    feeds = [works.feed, *(Feed(database) for database in others)]
    is_over = False

    async def number(feed: Feed) -> None:
        while not is_over:
            await feed.settle()

    async with works.feed.listen(everything) as listener:
        begin = listener.place.seq
        numbering = [asyncio.create_task(number(feed)) for feed in feeds]
        stories = [opening(f"s{name}", event_count=2) for name in range(60)]
        await asyncio.gather(*(works.perform(story, actor=APP, action="open") for story in stories))
        is_over = True
        await asyncio.gather(*numbering)
        await works.feed.settle()
        assert await take(listener, 120) == list(range(begin + 1, begin + 121))
    for database in others:
        await database.dispose()
