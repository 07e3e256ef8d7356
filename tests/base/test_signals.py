"""Signals: what holds for a moment, for whoever follows it, in however many processes."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.base import signals as modules
from domain.base.signals import HELD_LASTS, Follower, Signal, SignalKind, Signals
from tests.conftest import StandingClock
from tests.waiting import until

SECOND = timedelta(seconds=1)
SHORT = 6 * SECOND


def everything(_signal: Signal) -> bool:
    """Want every signal."""
    return True


def typing() -> Signal:
    """Return a signal of nobody else."""
    return Signal(SignalKind.TYPING, uuid4(), "STAFF", uuid4())


def new_signals(clock: StandingClock) -> Signals:
    """Return the signals of one process."""
    return Signals(clock, look_every_s=0.001)


async def take(follower: Follower) -> tuple[Signal, str | None]:
    """Take what comes in a moment."""
    return await asyncio.wait_for(follower.take(), 5)


async def is_silent(follower: Follower) -> bool:
    """Tell whether nothing comes."""
    waiting = asyncio.ensure_future(follower.take())
    await asyncio.wait([waiting], timeout=0.05)
    is_waiting = not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    return is_waiting


def exchange(*processes: Signals, length_max: int = 1_000) -> int:
    """Let processes tell each other what they have to tell; return how many texts that took."""
    texts = [text for each in processes for text in each.take_outgoing(length_max=length_max)]
    for text in texts:
        for each in processes:
            each.hear(text)
    return len(texts)


async def test_a_signal_holds_until_it_ends_or_is_not_renewed() -> None:
    """Whoever vanishes signals nothing any more."""
    clock = StandingClock()
    signals, signal = new_signals(clock), typing()
    async with signals.follow(everything) as follower:
        signals.put(signal, "A", lasts=SHORT)
        assert await take(follower) == (signal, "A")
        clock.advance(5 * SECOND)
        signals.put(signal, "A", lasts=SHORT)
        clock.advance(5 * SECOND)
        assert await is_silent(follower)  # it was renewed, and says nothing new
        clock.advance(1 * SECOND)
        assert await take(follower) == (signal, None)
        signals.put(signal, "B", lasts=SHORT)
        signals.end(signal)
        assert await take(follower) == (signal, None)  # only the newest value is told
        signals.end(signal)
        assert await is_silent(follower)
    assert signals.find(signal) is None


async def test_who_follows_learns_first_what_holds() -> None:
    """And nothing that is not wanted."""
    signals, wanted, other = new_signals(StandingClock()), typing(), typing()
    signals.put(wanted, "A", lasts=SHORT)
    signals.put(other, "A", lasts=SHORT)
    async with signals.follow(lambda signal: signal == wanted) as follower:
        assert await take(follower) == (wanted, "A")
        assert await is_silent(follower)
        assert signals.list_about(SignalKind.TYPING, wanted.subject_id) == [(wanted, "A")]
        assert signals.list_about(SignalKind.VIEWING, wanted.subject_id) == []


async def test_renewing_keeps_the_value_and_wakes_nothing() -> None:
    """What does not hold is not renewed, and what was said just now need not be."""
    clock = StandingClock()
    signals, signal = new_signals(clock), typing()
    signals.renew(signal, lasts=SHORT)
    assert signals.find(signal) is None
    signals.put(signal, "AWAY", lasts=SHORT)
    signals.renew(signal, lasts=SHORT)
    clock.advance(4 * SECOND)
    signals.renew(signal, lasts=SHORT)
    clock.advance(5 * SECOND)
    assert signals.find(signal) == "AWAY"
    clock.advance(1 * SECOND)
    assert signals.find(signal) is None


async def test_what_is_held_holds_as_long_as_anybody_holds_it() -> None:
    """However long that is; then it ends at once."""
    clock = StandingClock()
    signals, signal = new_signals(clock), typing()
    async with signals.follow(everything) as follower:
        with signals.held(signal):
            assert await take(follower) == (signal, "")
            with signals.held(signal):
                clock.advance(HELD_LASTS - SECOND)
                await asyncio.sleep(0.05)
            clock.advance(HELD_LASTS - SECOND)
            assert signals.find(signal) == ""
            # A machine that slept longer: it holds again at the next look.
            clock.advance(HELD_LASTS + SECOND)
            assert signals.find(signal) is None
            await until(lambda: signals.find(signal) == "")
        assert signals.find(signal) is None
        assert await take(follower) == (signal, None)


async def test_processes_know_each_other_s_signals() -> None:
    """What one is told, the other tells its own followers; what ends in one ends in both."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    one.put(signal, "early", lasts=SHORT)
    with one.relayed(), two.relayed():
        async with two.follow(everything) as follower:
            exchange(one, two)
            assert await take(follower) == (signal, "early")
            two.end(signal)
            assert await take(follower) == (signal, None)
            exchange(one, two)
            assert one.find(signal) is None
            one.put(signal, "again", lasts=SHORT)
            exchange(one, two)
            assert await take(follower) == (signal, "again")
            clock.advance(7 * SECOND)  # the process was killed
            assert await take(follower) == (signal, None)


async def test_the_newest_word_counts_whichever_process_heard_it() -> None:
    """Streams that are open elsewhere renew what was said last, not what they heard before."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    with one.relayed(), two.relayed():
        one.put(signal, "ONLINE", lasts=SHORT)
        exchange(one, two)
        clock.advance(1 * SECOND)
        two.put(signal, "AWAY", lasts=SHORT)
        exchange(one, two)
        assert (one.find(signal), two.find(signal)) == ("AWAY", "AWAY")
        clock.advance(4 * SECOND)
        one.renew(signal, lasts=SHORT)
        exchange(one, two)
        clock.advance(5 * SECOND)
        assert (one.find(signal), two.find(signal)) == ("AWAY", "AWAY")


async def test_what_several_processes_hold_ends_with_the_last() -> None:
    """Whoever still holds it says so again."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    with one.relayed(), two.relayed(), one.held(signal):
        with two.held(signal):
            exchange(one, two)
        assert two.find(signal) == ""
        exchange(one, two)
        exchange(one, two)
        assert (one.find(signal), two.find(signal)) == ("", "")
    assert one.find(signal) is None


async def test_a_process_that_comes_later_is_told_all() -> None:
    """In texts that are not longer than they may be."""
    one, two = new_signals(StandingClock()), new_signals(StandingClock())
    known = [typing() for _ in range(20)]
    for signal in known:
        one.put(signal, "A", lasts=SHORT)
    assert not one.has_outgoing.is_set()  # nobody was there
    with one.relayed():
        assert one.has_outgoing.is_set()
        assert exchange(one, two) > 1
        assert not one.has_outgoing.is_set()
    assert all(two.find(signal) == "A" for signal in known)


async def test_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest give way."""
    monkeypatch.setattr(modules, "_SOURCES_MAX", 10)
    signals, first = new_signals(StandingClock()), typing()
    signals.put(first, "A", lasts=SHORT)
    for _ in range(10):
        newest = typing()
        signals.put(newest, "A", lasts=SHORT)
    assert (signals.find(first), signals.find(newest)) == (None, "A")
    # Said again and again, the same one does not push the others out for long.
    for _ in range(30):
        signals.put(first, "A", lasts=SHORT)
    assert signals.find(first) == "A"
