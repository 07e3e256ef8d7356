"""The feed: the event log, in its order, to whoever listens; nothing is lost, and nothing is told twice."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from domain.base import feed as feeds
from domain.base.errors import Invalid, Taken
from domain.base.events import Event
from domain.base.feed import Committed, Feed, Listener, Place, ResyncNeeded, ResyncReason, find_end
from domain.base.following import Following
from domain.base.model import EventHead, EventRecord
from domain.base.work import Work, Works
from domain.base.writing import WritingSession
from domain.identity.events import StoreChanged
from tests.base.stories import APP, opening


def everything(_event: Event) -> bool:
    """Want every event."""
    return True


async def write(works: Works, *names: str) -> list[Event]:
    """Commit an event for each name, one after the other, and return them."""
    return [StoreChanged(store_id=await works.perform(opening(name), actor=APP, action="open")) for name in names]


async def take(listener: Listener, count: int) -> list[Committed]:
    """Take so many, which are there or about to come."""
    return [await asyncio.wait_for(listener.take(), 5) for _ in range(count)]


async def resync_of(listener: Listener) -> ResyncReason:
    """Return why the listener must read anew."""
    with pytest.raises(ResyncNeeded) as needed:
        await asyncio.wait_for(listener.take(), 5)
    return needed.value.reason


async def end_of(works: Works) -> Place:
    """Return the end of the log, behind all that was committed."""
    await works.feed.settle()
    async with works.database.reading() as session:
        return await find_end(session)


async def is_silent(listener: Listener) -> bool:
    """Tell whether nothing comes, also after the feed has looked by itself."""
    waiting = asyncio.ensure_future(listener.take())
    await asyncio.wait([waiting], timeout=0.1)
    is_waiting = not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    return is_waiting


async def test_a_listener_takes_what_comes_in_its_order(works: Works) -> None:
    """Nothing from before, everything from then on, once each, with the number that it has in the log."""
    await write(works, "a", "b")
    async with works.feed.listen(everything) as listener:
        begin = listener.place
        events = await write(works, "c", "d", "e")
        found = await take(listener, 3)
        assert [each.event for each in found] == events
        assert [each.place.seq for each in found] == [begin.seq + 1, begin.seq + 2, begin.seq + 3]
        assert found[0].occurred_at == works.clock.now()
        assert await is_silent(listener)
    assert await end_of(works) == found[-1].place


async def test_who_waits_is_woken(works: Works) -> None:
    """A listener that found nothing gets what is committed later, by whoever follows the same log."""
    other = Feed(works.database)
    async with works.feed.listen(everything) as listener, other.listen(everything) as stranger:
        waiting = [asyncio.create_task(each.take()) for each in (listener, stranger)]
        await asyncio.sleep(0.05)
        (event,) = await write(works, "a")
        assert [(await asyncio.wait_for(task, 5)).event for task in waiting] == [event] * 2


async def test_only_what_is_wanted_waits(works: Works) -> None:
    """What a listener does not want takes no place in its queue."""
    wanted: list[UUID] = []
    async with works.feed.listen(lambda event: getattr(event, "store_id", None) in wanted) as listener:
        await write(works, "a", "b")

        async def story(work: Work) -> UUID:
            key: UUID = await opening("c")(work)
            wanted.append(key)
            return key

        key = await works.perform(story, actor=APP, action="open")
        assert [each.event for each in await take(listener, 1)] == [StoreChanged(store_id=key)]


async def test_what_one_write_says_twice_is_told_once(works: Works) -> None:
    """The log has each fact of a write once."""

    async def twice(work: Work) -> UUID:
        key: UUID = await opening("a")(work)
        work.record(StoreChanged(store_id=key))
        return key

    async with works.feed.listen(everything) as listener:
        await works.perform(twice, actor=APP, action="open")
        await write(works, "b")
        first, second = await take(listener, 2)
    assert first.event != second.event


async def test_a_listener_that_falls_behind_is_told_so(works: Works) -> None:
    """Its queue is bounded: it learns that something is missing, and others are not hindered."""
    small = Feed(works.database, waiting_max=2, look_every_s=0.02)
    async with small.listen(everything) as slow, works.feed.listen(everything) as quick:
        waiting = asyncio.ensure_future(slow.take())
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        await write(works, "a", "b", "c", "d")
        assert len(await take(quick, 4)) == 4
        await asyncio.sleep(0.1)
        assert await resync_of(slow) is ResyncReason.FELL_BEHIND
        assert await resync_of(slow) is ResyncReason.FELL_BEHIND


@pytest.mark.parametrize("page", [1, 2, 500])
async def test_a_cursor_is_where_to_resume(works: Works, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Everything after it comes first, from the log, then what is new; whatever is read at once."""
    monkeypatch.setattr(feeds, "PAGE", page)
    begin = (await end_of(works)).cursor
    events = await write(works, "a", "b", "c")
    async with works.feed.listen(everything, after=begin) as listener:
        found = await take(listener, 2)
        events += await write(works, "d", "e")
        found += await take(listener, 3)
        assert await is_silent(listener)
    assert [each.event for each in found] == events
    async with works.feed.listen(everything, after=found[2].cursor) as listener:
        assert [each.event for each in await take(listener, 2)] == events[3:]


async def test_who_joins_while_others_write_misses_nothing(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listeners come and go, each from where it left, while many write at once."""
    monkeypatch.setattr(feeds, "PAGE", 3)
    count = 40
    begin = await end_of(works)

    async def follow(stop_after: int) -> list[int]:
        found: list[int] = []
        cursor = begin.cursor
        while len(found) < count:
            async with works.feed.listen(everything, after=cursor) as listener:
                for each in await take(listener, min(stop_after, count - len(found))):
                    found.append(each.place.seq)
                    cursor = each.cursor
        return found

    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(follow(each)) for each in (1, 4, 7, count)]
        for number in range(count):
            tasks.create_task(works.perform(opening(f"s{number}"), actor=APP, action="open"))
    expected = [begin.seq + number for number in range(1, count + 1)]
    assert [task.result() for task in followers] == [expected] * len(followers)


async def test_what_is_not_kept_any_more_cannot_be_resumed(works: Works) -> None:
    """Neither from the start, nor where it is removed while somebody reads."""
    begin = await end_of(works)
    await write(works, "a", "b", "c")
    async with works.feed.listen(everything):  # on PostgreSQL this is what numbers them
        pass
    async with works.feed.listen(everything, after=begin.cursor) as listener:
        async with works.database.writing() as session:
            await session.execute(delete(EventRecord).where(EventRecord.seq <= begin.seq + 2))
            await session.execute(update(EventHead).values(kept_from=begin.seq + 3))
            await session.commit()
        assert await resync_of(listener) is ResyncReason.CURSOR_EXPIRED
    with pytest.raises(ResyncNeeded) as needed:
        async with works.feed.listen(everything, after=Place(begin.epoch, begin.seq + 1).cursor):
            pass
    assert needed.value.reason is ResyncReason.CURSOR_EXPIRED
    async with works.feed.listen(everything, after=Place(begin.epoch, begin.seq + 2).cursor) as listener:
        assert len(await take(listener, 1)) == 1


@pytest.mark.parametrize("is_later", [True, False])
async def test_a_database_that_was_restored_is_another_one(works: Works, *, is_later: bool) -> None:
    """Cursors of its former life, and who listens meanwhile, begin anew."""
    end = await end_of(works)
    former = Place(end.epoch, end.seq + 100) if is_later else Place("0" * 16, end.seq)
    with pytest.raises(ResyncNeeded) as needed:
        async with works.feed.listen(everything, after=former.cursor):
            pass
    assert needed.value.reason is ResyncReason.RESTORED
    async with works.feed.listen(everything) as listener:
        await write(works, "a")
        await take(listener, 1)
        async with works.database.writing() as session:
            changed = {"seq": 0} if is_later else {"epoch": "1" * 16}
            await session.execute(update(EventHead).values(**changed))
            await session.commit()
        works.feed.wake()
        assert await resync_of(listener) is ResyncReason.RESTORED


async def test_an_event_of_a_newer_release_is_passed_over(works: Works) -> None:
    """This release does not know its kind: nothing is told of it, and nothing is missed behind it."""
    begin = await end_of(works)
    await write(works, "a", "b")
    async with works.database.writing() as session:
        await session.execute(update(EventRecord).values(type="Unheard"))
        await session.commit()
    await write(works, "c")
    kinds = []
    async with works.feed.listen(everything, after=begin.cursor) as listener:
        kinds = [type(each.event) for each in await take(listener, 3)]
    assert kinds == [Event, Event, StoreChanged]


@pytest.mark.parametrize("cursor", ["", "7", "0123456789abcdef", "0123456789abcdef-", "0123456789abcdeg-1", "x" * 999])
async def test_what_is_no_cursor_is_refused(works: Works, cursor: str) -> None:
    """The client sent something that it never got."""
    with pytest.raises(Invalid):
        async with works.feed.listen(everything, after=cursor):
            pass


async def test_leaving_leaves_nothing(works: Works) -> None:
    """A listener that is gone is told nothing any more, however it left; nothing runs for nobody."""
    async with works.feed.listen(everything) as listener:
        await write(works, "a")
        await take(listener, 1)
        assert works.feed.listener_count == 1
    with pytest.raises(KeyError):
        async with works.feed.listen(everything):
            raise KeyError
    assert works.feed.listener_count == 0
    await write(works, "b")
    assert not listener._waiting
    assert works.feed._task is None


async def test_a_work_tells_what_it_committed(works: Works) -> None:
    """After the commit, with the ids and the instant; a refused work tells nothing."""

    async def refused(work: Work) -> None:
        await opening("refused")(work)
        message = "no"
        raise Taken(message)

    async with works.feed.listen(everything) as listener:
        with pytest.raises(Taken):
            await works.perform(refused, actor=APP, action="open")
        (event,) = await write(works, "one")
        (found,) = await take(listener, 1)
    assert found.event == event


async def test_a_commit_that_was_given_up_is_told_if_it_was_one(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is cancelled while the database commits does not know whether it did; the log does."""
    commit = WritingSession.commit

    async def cancelled(session: WritingSession) -> None:
        await commit(session)
        raise asyncio.CancelledError

    async with works.feed.listen(everything) as listener:
        with monkeypatch.context() as patch:
            patch.setattr(WritingSession, "commit", cancelled)
            with pytest.raises(asyncio.CancelledError):
                await works.perform(opening("one"), actor=APP, action="open")
        assert len(await take(listener, 1)) == 1


async def test_a_database_that_does_not_answer_is_followed_again(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away nothing is told; then everything is."""
    read = Feed.read_after
    failures = iter([OSError("gone")] * 2)

    async def failing(feed: Feed, place: Place) -> object:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await read(feed, place)

    async with works.feed.listen(everything) as listener:
        assert await is_silent(listener)  # it has joined
        monkeypatch.setattr(Feed, "read_after", failing)
        events = await write(works, "a", "b")
        assert [each.event for each in await take(listener, 2)] == events


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_the_last_one_who_is_cancelled_while_leaving_is_gone(works: Works) -> None:
    """They wait for what they have cancelled themselves; that both are at once is no reason to stay."""

    async def follow(running: Callable[[], AbstractAsyncContextManager[None]], leaves: asyncio.Event) -> None:
        async with running():
            await leaves.wait()

    for running in (works.feed.running, works.signals.running):
        leaves = asyncio.Event()
        task = asyncio.create_task(follow(running, leaves))
        await asyncio.sleep(0)
        leaves.set()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_whoever_has_read_less_than_the_others_were_told_does_not_join_them(works: Works) -> None:
    """It reads on by itself first."""
    feed = Feed(works.database)
    ahead, behind = (Listener(feed, lambda _event: True, Place("e", seq), waiting_max=1) for seq in (5, 3))
    feed.join(ahead)
    feed.join(behind)
    assert (feed.has_joined(ahead), feed.has_joined(behind)) == (True, False)


async def test_a_stream_that_is_over_follows_nothing(works: Works) -> None:
    """It says why."""
    following = Following(Feed(works.database), resync=ResyncReason.FELL_BEHIND)
    assert following.is_resync
    with pytest.raises(ResyncNeeded) as needed:
        async with following.listen(lambda _event: True):
            pass
    assert needed.value.reason is ResyncReason.FELL_BEHIND
