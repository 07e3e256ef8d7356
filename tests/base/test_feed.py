"""The feed: what was committed, in its order, to whoever listens; whoever missed something is told so."""

import asyncio
from uuid import UUID

import pytest

from domain.base.errors import Invalid, Taken
from domain.base.events import Event
from domain.base.feed import Committed, Feed, Listener, ResyncNeeded, ResyncReason
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.base.writing import WritingSession
from domain.identity.events import StoreChanged
from tests.base.stories import APP, opening
from tests.conftest import NOW


def everything(_event: Event) -> bool:
    """Want every event."""
    return True


def publish(feed: Feed, count: int) -> list[Event]:
    """Publish so many events, one by one, and return them."""
    events: list[Event] = [StoreChanged(store_id=new_id()) for _ in range(count)]
    for event in events:
        feed.publish([event], occurred_at=NOW)
    return events


async def take(listener: Listener, count: int) -> list[Committed]:
    """Take so many, which are there."""
    return [await asyncio.wait_for(listener.take(), 1) for _ in range(count)]


async def resync_of(listener: Listener) -> ResyncReason:
    """Return why the listener must read anew."""
    with pytest.raises(ResyncNeeded) as needed:
        await asyncio.wait_for(listener.take(), 1)
    return needed.value.reason


async def test_a_listener_takes_what_comes_in_its_order() -> None:
    """Nothing from before, everything from then on, once each."""
    feed = Feed()
    publish(feed, 3)
    with feed.listen(everything) as listener:
        events = publish(feed, 3)
        found = await take(listener, 3)
        assert [each.event for each in found] == events
        assert len({each.cursor for each in found}) == 3
        assert found[-1].cursor == feed.cursor
        assert found[0].occurred_at == NOW


async def test_who_waits_is_woken() -> None:
    """A listener that found nothing gets what is published later."""
    feed = Feed()
    with feed.listen(everything) as listener:
        waiting = asyncio.create_task(listener.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        (event,) = publish(feed, 1)
        assert (await asyncio.wait_for(waiting, 1)).event == event


async def test_only_what_is_wanted_waits() -> None:
    """What others do does not fill a listener's queue."""
    feed = Feed(waiting_max=2)
    wanted = StoreChanged(store_id=new_id())
    with feed.listen(lambda event: event == wanted) as listener:
        publish(feed, 10)
        feed.publish([wanted], occurred_at=NOW)
        assert [each.event for each in await take(listener, 1)] == [wanted]


async def test_what_one_write_says_twice_is_told_once() -> None:
    """A work may record the same fact in several places."""
    feed = Feed()
    event, other = StoreChanged(store_id=new_id()), StoreChanged(store_id=new_id())
    with feed.listen(everything) as listener:
        feed.publish([event, other, event], occurred_at=NOW)
        feed.publish([event], occurred_at=NOW)
        assert [each.event for each in await take(listener, 3)] == [event, other, event]


async def test_a_listener_that_falls_behind_is_told_so() -> None:
    """A full queue is given up: the others go on, and nobody waits for anybody."""
    feed = Feed(waiting_max=5)
    with feed.listen(everything) as slow, feed.listen(everything) as quick:
        for _ in range(6):
            publish(feed, 1)
            await take(quick, 1)
        assert await resync_of(slow) is ResyncReason.FELL_BEHIND
        publish(feed, 1)
        assert await resync_of(slow) is ResyncReason.FELL_BEHIND
        await take(quick, 1)


async def test_a_cursor_is_where_to_resume() -> None:
    """Everything after it comes first, then what is committed from then on."""
    feed = Feed()
    cursor = feed.cursor
    before = publish(feed, 4)
    with feed.listen(everything, after=cursor) as listener:
        after = publish(feed, 1)
        found = await take(listener, 5)
    assert [each.event for each in found] == before + after
    with feed.listen(everything, after=found[2].cursor) as listener:
        assert [each.event for each in await take(listener, 2)] == before[3:] + after


async def test_everything_that_is_kept_can_be_resumed() -> None:
    """The last cursor that resumes is the one before the oldest event that is kept; the one before is expired."""
    feed = Feed(kept_max=3, waiting_max=3)
    too_old = feed.cursor
    publish(feed, 1)
    oldest = feed.cursor
    events = publish(feed, 3)
    with feed.listen(everything, after=oldest) as listener:
        assert [each.event for each in await take(listener, 3)] == events
    with pytest.raises(ResyncNeeded) as needed, feed.listen(everything, after=too_old):
        pass
    assert needed.value.reason is ResyncReason.CURSOR_EXPIRED
    assert feed.listener_count == 0


@pytest.mark.parametrize("from_other", [True, False])
async def test_a_cursor_from_elsewhere_is_expired(*, from_other: bool) -> None:
    """One of another process, and one that was not given out yet."""
    feed = Feed()
    publish(feed, 1)
    cursor = Feed().cursor if from_other else feed.cursor.replace("-1", "-2")
    with pytest.raises(ResyncNeeded), feed.listen(everything, after=cursor):
        pass


@pytest.mark.parametrize("cursor", ["", "1", "x" * 10_000, "0123456789abcdef-", "0123456789abcdef--1", "é-1", "\0"])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """The client sent something that it never got."""
    with pytest.raises(Invalid), Feed().listen(everything, after=cursor):
        pass


async def test_leaving_leaves_nothing() -> None:
    """A listener that is gone is told nothing any more, however it left."""
    feed = Feed()
    listening = feed.listen(everything)
    listener = listening.__enter__()
    assert feed.listener_count == 1
    assert not listening.__exit__(None, None, None)
    assert feed.listener_count == 0
    with pytest.raises(KeyError), feed.listen(everything):
        raise KeyError
    assert feed.listener_count == 0
    publish(feed, 1)
    assert not listener._waiting


async def test_a_work_tells_what_it_committed(works: Works) -> None:
    """After the commit, with the ids and the instant; a refused work tells nothing."""

    async def refused(work: Work) -> None:
        await opening("refused")(work)
        message = "no"
        raise Taken(message)

    with works.feed.listen(everything) as listener:
        with pytest.raises(Taken):
            await works.perform(refused, actor=APP, action="open")
        store_id: UUID = await works.perform(opening("one"), actor=APP, action="open")
        (found,) = await take(listener, 1)
    assert found.event == StoreChanged(store_id=store_id)
    assert found.occurred_at == works.clock.now()


async def test_many_at_once_are_all_told(works: Works) -> None:
    """Each event of each work once."""
    with works.feed.listen(everything) as listener:
        async with asyncio.TaskGroup() as tasks:
            for number in range(12):
                tasks.create_task(works.perform(opening(f"s{number}"), actor=APP, action="open"))
        assert len({each.event for each in await take(listener, 12)}) == 12


async def test_a_commit_that_was_given_up_makes_everyone_read_anew(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is cancelled while the database commits does not know whether it did; silence would be a lie."""
    commit = WritingSession.commit

    async def cancelled(session: WritingSession) -> None:
        await commit(session)
        raise asyncio.CancelledError

    cursor = works.feed.cursor
    with works.feed.listen(everything) as listener:
        monkeypatch.setattr(WritingSession, "commit", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await works.perform(opening("one"), actor=APP, action="open")
        assert await resync_of(listener) is ResyncReason.FELL_BEHIND
    with pytest.raises(ResyncNeeded), works.feed.listen(everything, after=cursor):
        pass
    with works.feed.listen(everything) as listener:
        with pytest.raises(asyncio.CancelledError):
            await works.perform(opening("two", event_count=0), actor=APP, action="open")
        assert listener._waiting_max
        waiting = asyncio.create_task(listener.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
