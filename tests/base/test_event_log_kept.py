"""For how long events are kept: what is removed is the beginning of the log, and whoever needs it is told so."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from domain.base import upkeep
from domain.base.actors import SYSTEM
from domain.base.feed import Committed, Place, ResyncNeeded, ResyncReason
from domain.base.model import AuditEntry, EventHead, EventRecord, IdempotencyKey
from domain.base.repository import events
from domain.base.upkeep import TrimEventLog, renew_event_log, trim_event_log
from domain.base.work import Once, Works
from domain.identity.model import Store
from tests.base.stories import APP, count, opening
from tests.base.test_feed import end_of, everything, resync_of, take, write
from tests.conftest import StandingClock

DAY = timedelta(days=1)


async def trim(works: Works) -> None:
    """Run the job."""
    await works.feed.settle()
    await trim_event_log(works, TrimEventLog())


async def numbers_kept(works: Works) -> list[int]:
    """Return the numbers that are in the log, which begins where the head says and has no hole."""
    async with works.database.reading() as session:
        found = list((await session.scalars(select(EventRecord.seq).order_by(EventRecord.seq))).all())
        head = (await session.execute(select(EventHead.kept_from, EventHead.seq))).one()
    assert found == list(range(head.kept_from, head.seq + 1))
    return [number for number in found if number is not None]


async def read_behind(works: Works, place: Place) -> Sequence[Committed]:
    """Return everything behind a place, as a listener reads it."""
    found: list[Committed] = []
    async with works.feed.listen(everything, after=place.cursor) as listener:
        end = await end_of(works)
        while not found or found[-1].place.seq < end.seq:
            found += await take(listener, 1)
    return found


async def test_what_is_old_goes_and_its_cursors_expire(works: Works, clock: StandingClock) -> None:
    """After seven days; what is younger can be followed from where the log begins, and nothing is skipped."""
    await write(works, "a", "b")
    old = await end_of(works)
    clock.advance(timedelta(days=3))
    young = await write(works, "c", "d")
    await trim(works)
    assert len(await numbers_kept(works)) == old.seq + 2
    clock.advance(timedelta(days=4, seconds=1))
    await trim(works)
    assert await numbers_kept(works) == [old.seq + 1, old.seq + 2]
    assert [each.event for each in await read_behind(works, old)] == young
    with pytest.raises(ResyncNeeded) as needed:
        await works.feed.read_after(Place(old.epoch, old.seq - 1))
    assert needed.value.reason is ResyncReason.CURSOR_EXPIRED
    clock.advance(7 * DAY)
    await trim(works)
    assert await numbers_kept(works) == []
    (fresh,) = await write(works, "e")
    assert [each.event for each in await read_behind(works, Place(old.epoch, old.seq + 2))] == [fresh]


async def test_what_events_led_to_stays(works: Works, clock: StandingClock) -> None:
    """Who did what, the answers to repeated keys, and the things themselves."""
    key = await works.perform_once(opening("a"), once=Once("k", "hash"), actor=APP, action="open")
    before = [await count(works.database, table) for table in (AuditEntry, IdempotencyKey, Store)]
    clock.advance(timedelta(days=7, seconds=-1))
    await write(works, "b")
    clock.advance(timedelta(seconds=2))
    await trim(works)
    assert len(await numbers_kept(works)) == 1
    after = [await count(works.database, table) for table in (AuditEntry, IdempotencyKey, Store)]
    assert after == [before[0] + 1, before[1], before[2] + 1]
    clock.advance(timedelta(seconds=-2))
    assert await works.perform_once(opening("a"), once=Once("k", "hash"), actor=APP, action="open") == key


async def test_days_are_the_organisations(works: Works, clock: StandingClock) -> None:
    """The setting decides."""
    organisation = type(works.organisation)(events_kept=30 * DAY)
    patient = Works(database=works.database, reactions=works.reactions, clock=works.clock, organisation=organisation)
    await write(works, "a")
    end = (await end_of(works)).seq
    clock.advance(29 * DAY)
    await trim(patient)
    assert len(await numbers_kept(works)) == end
    clock.advance(2 * DAY)
    await trim(patient)
    assert await numbers_kept(works) == []


async def test_an_old_event_behind_a_young_one_waits_for_it(works: Works, clock: StandingClock) -> None:
    """What began first may be committed last: nothing is taken out of the middle."""
    await write(works, "a", "b", "c")
    end = (await end_of(works)).seq
    async with works.database.writing() as session:
        await session.execute(
            update(EventRecord).where(EventRecord.seq == end - 1).values(occurred_at=clock.now() + 5 * DAY)
        )
        await session.commit()
    clock.advance(8 * DAY)
    await trim(works)
    assert await numbers_kept(works) == [end - 1, end]
    clock.advance(5 * DAY)
    await trim(works)
    assert await numbers_kept(works) == []


async def test_a_crash_in_the_middle_leaves_a_whole_log(
    works: Works, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was removed until then is told as removed, the rest can be followed, and the next run goes on."""
    monkeypatch.setattr(upkeep, "REMOVED_AT_ONCE", 2)
    first = (await end_of(works)).seq + 1
    await write(works, *"abcdefg"[first - 1 :])  # seven in all
    clock.advance(8 * DAY)
    remove = events.remove_old_events
    calls: list[int] = []

    async def crash(*arguments: object, **options: object) -> int:
        removed: int = await remove(*arguments, **options)  # type: ignore[arg-type]
        calls.append(removed)
        if len(calls) == 3:
            raise ConnectionError
        return removed

    with monkeypatch.context() as patch:
        patch.setattr(events, "remove_old_events", crash)
        with pytest.raises(ConnectionError):
            await trim(works)
    assert calls == [2, 2, 2]
    assert await numbers_kept(works) == [5, 6, 7]
    await trim(works)
    assert await numbers_kept(works) == []


async def test_while_others_write_follow_and_trim(works: Works, clock: StandingClock) -> None:
    """The log stays dense; a listener gets everything that is young, in its order, or is told that it missed some."""
    await write(works, *(f"old{number}" for number in range(9)))
    behind = await end_of(works)
    clock.advance(8 * DAY)
    async with works.feed.listen(everything, after=behind.cursor) as listener:
        writing = (works.perform(opening(f"s{number}"), actor=APP, action="open") for number in range(30))
        trimming = (trim(works) for _ in range(6))
        await asyncio.gather(*(next(writing) if number % 6 else next(trimming) for number in range(36)))
        found = await take(listener, 30)
    assert [each.place.seq for each in found] == list(range(behind.seq + 1, behind.seq + 31))
    await trim(works)
    assert await numbers_kept(works) == [each.place.seq for each in found]


async def test_whoever_reads_what_is_removed_is_told(works: Works, clock: StandingClock) -> None:
    """A listener in the middle of old events learns that some are gone; there is no hole in what it got."""
    begin = await end_of(works)
    await write(works, "a", "b", "c")
    await works.feed.settle()
    async with works.feed.listen(everything, after=begin.cursor) as listener:
        clock.advance(8 * DAY)
        await trim(works)
        assert await resync_of(listener) is ResyncReason.CURSOR_EXPIRED


async def test_after_a_restore_every_cursor_leads_nowhere(works: Works) -> None:
    """The same numbers are given again to other events: nobody is told half of them."""
    await write(works, "a")
    before = await end_of(works)
    async with works.feed.listen(everything) as listener:
        await works.perform(renew_event_log, actor=SYSTEM, action="eventLogRenew")
        assert await resync_of(listener) is ResyncReason.RESTORED
    with pytest.raises(ResyncNeeded) as needed:
        await works.feed.read_after(before)
    assert needed.value.reason is ResyncReason.RESTORED
    after = await end_of(works)
    assert (after.seq, after.epoch == before.epoch) == (before.seq, False)
    (event,) = await write(works, "b")
    assert [each.event for each in await read_behind(works, after)] == [event]
