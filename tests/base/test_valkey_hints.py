"""Hints over Valkey, on a real server: quick where they are heard, and nothing is missed where the broker is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from domain.base import hints
from domain.base.database import Database
from domain.base.feed import Feed, Listener
from domain.base.valkey_hints import ValkeyHints
from domain.base.work import Works
from tests.base.stories import APP, opening
from tests.base.test_hints import NEVER_S, everything, take
from tests.broker import Broker, running_broker
from tests.waiting import until

pytestmark = pytest.mark.parametrize("kind", ["postgresql"])


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Return a running broker."""
    with running_broker() as running:
        yield running


@pytest.fixture
async def speaking(works: Works, broker: Broker) -> AsyncIterator[Works]:
    """Return where writes are performed by a process that gives its hints to the broker."""
    told = Works(database=works.database, reactions=works.reactions, clock=works.clock, hints_url=f"{broker.url}/0")
    async with told.feed.hearing():
        await until(told.feed._hints.is_heard.is_set)
        yield told


@asynccontextmanager
async def another_process(works: Works, *, probe_every_s: float = NEVER_S) -> AsyncIterator[tuple[Listener, Feed]]:
    """Yield a listener of a feed with a database of its own, which finds only what it was told of."""
    database = Database(works.database.url, pool_size=4)
    feed = Feed(database, hints_url=works.hints_url, look_every_s=NEVER_S)
    feed._hints._probe_every_s = probe_every_s
    async with feed.hearing():
        await until(feed._hints.is_heard.is_set)
        async with feed.listen(everything) as listener:
            waiting = asyncio.ensure_future(listener.take())
            await until(lambda: feed.listener_count == 1)
            waiting.cancel()
            await asyncio.wait([waiting])
            yield listener, feed
    await database.dispose()


async def write(works: Works, *names: str) -> None:
    """Commit an event for each name."""
    for name in names:
        await works.perform(opening(name), actor=APP, action="open")


async def test_another_process_is_told_at_once(speaking: Works) -> None:
    """Who numbers says so, without PostgreSQL's own hints."""
    async with another_process(speaking) as (listener, _):
        await write(speaking, "a", "b")
        first, second = await take(listener, 2)
        assert second == first + 1


async def test_a_broker_that_is_killed_loses_nothing(speaking: Works, broker: Broker) -> None:
    """No write fails or waits while it is away; what was committed meanwhile is told when it is back."""
    async with another_process(speaking) as (listener, feed):
        broker.kill()
        await until(lambda: not feed._hints.is_heard.is_set())
        await asyncio.wait_for(write(speaking, "a", "b"), 2)
        await until(lambda: not speaking.feed._hints._news.is_set())  # type: ignore[attr-defined]
        broker.start()
        assert len(await take(listener, 2)) == 2
        await until(feed._hints.is_heard.is_set)
        for name in "cde":  # whatever the pause before the broker is spoken to again
            await write(speaking, name)
        assert len(await take(listener, 3)) == 3


async def test_a_broker_that_is_frozen_is_left(
    speaking: Works, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing, and ends nothing: whoever does not answer in time is not listened to any more."""
    monkeypatch.setattr(hints, "PROBE_WITHIN_S", 0.05)
    async with another_process(speaking, probe_every_s=0.05) as (listener, feed):
        with broker.frozen():
            await until(lambda: not feed._hints.is_heard.is_set())
            await asyncio.wait_for(write(speaking, "a"), 2)
        monkeypatch.undo()
        assert len(await take(listener, 1)) == 1
        await until(feed._hints.is_heard.is_set)


async def test_a_silent_broker_is_asked_and_kept(speaking: Works) -> None:
    """One that answers is listened to for as long as it does."""
    heard = speaking.feed._hints
    quick = ValkeyHints(str(speaking.hints_url), speaking.feed.wake, probe_every_s=0.01)
    task = asyncio.create_task(quick.run())
    await until(quick.is_heard.is_set)
    await asyncio.sleep(0.2)
    assert quick.is_heard.is_set()
    assert heard.is_heard.is_set()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
