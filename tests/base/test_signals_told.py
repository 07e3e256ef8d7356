"""Signals from one process to another, over a real PostgreSQL and a real Valkey: soon, and never in anybody's way."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from domain.base import signals as modules
from domain.base.database import Database
from domain.base.feed import Feed
from domain.base.hints import SIGNALS_CHANNEL
from domain.base.signal_words import HEARD_CHARACTERS_MAX, LASTS_MAX
from domain.base.signals import HELD_LASTS, Signal, SignalKind, Signals
from domain.base.work import Works
from tests.base.test_hints import end_listening
from tests.base.test_signals import everything, is_silent, new_signals, take, typing
from tests.broker import Broker, running_broker
from tests.conftest import StandingClock
from tests.waiting import until

SHORT = timedelta(seconds=6)
POSTGRESQL_ONLY = pytest.mark.parametrize("kind", ["postgresql"])
Tell = Callable[[str], Awaitable[Any]]


@pytest.fixture(params=["postgresql", "valkey"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker | None]:
    """Return a running broker; none where PostgreSQL carries the signals."""
    if request.param == "postgresql":
        yield None
        return
    with running_broker() as running:
        yield running


@asynccontextmanager
async def process(works: Works, broker: Broker | None) -> AsyncIterator[Works]:
    """Yield the works of another process with the same database and clock, which hears the others."""
    url = None if broker is None else broker.url
    database = Database(works.database.url, pool_size=4)
    another = Works(database=database, reactions=works.reactions, clock=works.clock, hints_url=url)
    try:
        async with another.feed.hearing():
            await until(another.feed._hints.is_heard.is_set)
            yield another
    finally:
        await database.dispose()


@pytest.fixture
async def pair(works: Works, broker: Broker | None) -> AsyncIterator[tuple[Signals, Signals]]:
    """Return the signals of two processes that know each other."""
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(process(works, broker)) for _ in range(2)]
        yield one.signals, two.signals


@POSTGRESQL_ONLY
async def test_who_types_in_one_process_is_seen_in_another(pair: tuple[Signals, Signals]) -> None:
    """Soon; so is the end of it, wherever it is said."""
    one, two = pair
    signal, other = typing(), typing()
    async with two.follow(everything) as follower:
        one.put(signal, "EVERYBODY", lasts=SHORT)
        assert await take(follower) == (signal, "EVERYBODY")
        one.put(signal, "STAFF", lasts=SHORT)
        assert await take(follower) == (signal, "STAFF")
        two.end(signal)
        await until(lambda: one.find(signal) is None)
        assert await take(follower) == (signal, None)
        with one.held(other):
            assert await take(follower) == (other, "")
        assert await take(follower) == (other, None)


@POSTGRESQL_ONLY
async def test_who_comes_later_is_told_all(works: Works, broker: Broker | None) -> None:
    """By everybody, as soon as they say that they are there; in as many texts as it takes."""
    known = [typing() for _ in range(200)]
    async with process(works, broker) as one:
        for signal in known:
            one.signals.put(signal, "EVERYBODY", lasts=SHORT)
        async with process(works, broker) as two:
            await until(lambda: all(two.signals.find(signal) == "EVERYBODY" for signal in known))


@POSTGRESQL_ONLY
async def test_what_a_process_that_vanished_knew_ends_by_itself(
    works: Works, broker: Broker | None, clock: StandingClock
) -> None:
    """Nobody says so: it is not renewed."""
    viewing = Signal(SignalKind.VIEWING, uuid4(), "STAFF", uuid4())
    async with process(works, broker) as one, one.signals.follow(everything) as follower:
        async with process(works, broker) as two:
            holding = two.signals.held(viewing)
            holding.__enter__()
            assert await take(follower) == (viewing, "")
        clock.advance(HELD_LASTS)
        assert await take(follower) == (viewing, None)


@POSTGRESQL_ONLY
@pytest.mark.parametrize("broker", ["postgresql"], indirect=True)
async def test_a_lost_connection_is_replaced_and_all_is_told_again(works: Works, pair: tuple[Signals, Signals]) -> None:
    """What was signalled meanwhile, too; and nobody who signals waits for it."""
    one, two = pair
    early, late = typing(), typing()
    one.put(early, "EVERYBODY", lasts=SHORT)
    await until(lambda: two.find(early))
    assert await end_listening(works) == 2
    await until(lambda: not one._is_relayed)
    one.put(late, "EVERYBODY", lasts=SHORT)
    two.end(early)  # nobody hears it: it would end by itself
    await until(lambda: two.find(late))
    assert one.find(early) == two.find(early) == "EVERYBODY"


@POSTGRESQL_ONLY
@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
async def test_a_broker_that_is_killed_takes_nothing_with_it(broker: Broker, pair: tuple[Signals, Signals]) -> None:
    """Each process knows what its own clients signal; when the broker is back, the others do, too."""
    one, two = pair
    signal = typing()
    broker.kill()
    await until(lambda: not one._is_relayed)
    one.put(signal, "EVERYBODY", lasts=SHORT)
    assert one.find(signal) == "EVERYBODY"
    broker.start()
    await until(lambda: two.find(signal))


@asynccontextmanager
async def outsider(works: Works, broker: Broker | None) -> AsyncIterator[Tell]:
    """Yield what tells all processes anything."""
    if broker is not None:
        async with Redis.from_url(broker.url.replace("valkey", "redis")) as client:
            yield lambda said: client.publish(SIGNALS_CHANNEL, said)
        return

    async def notify(said: str) -> None:
        async with works.database.writing() as session:
            await session.execute(text("SELECT pg_notify(:channel, :said)"), {"channel": SIGNALS_CHANNEL, "said": said})
            await session.commit()

    yield notify


@POSTGRESQL_ONLY
async def test_nonsense_from_outside_is_dropped(
    works: Works, broker: Broker | None, pair: tuple[Signals, Signals]
) -> None:
    """It is noted once, and what makes sense is heard on."""
    _, two = pair
    signal = typing()
    structlog.reset_defaults()
    with capture_logs() as said:
        async with outsider(works, broker) as tell:
            for nonsense in ("hush-hush", "[1]", '{"a": 1}', "x" * (7_900 if broker is None else 500_000)):
                await tell(nonsense)
            stranger = Signals(works.clock)
            with stranger.relayed():
                stranger.put(signal, "EVERYBODY", lasts=SHORT)
                (word,) = stranger.take_outgoing(length_max=1_000)
            await tell(f"[]\n{word}\n[]")
        await until(lambda: two.find(signal))
    noted = [each for each in said if "no signal" in each["event"]]
    assert len(noted) == 2  # each process notes it once
    assert "hush-hush" not in repr(said)


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_one_process_alone_tells_nobody(works: Works) -> None:
    """A SQLite file has one."""
    async with works.feed.hearing():
        works.signals.put(typing(), "EVERYBODY", lasts=SHORT)
        assert not works.signals.has_outgoing.is_set()


SOUND: list[Any] = ["PUT", "0" * 32, "TYPING", str(uuid4()), "STAFF", str(uuid4()), "STAFF", 1_000_000, 1_000_000]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "SHOUT"),
        (0, "HELLO"),
        (0, None),
        (1, "0" * 31),
        (1, 7),
        (2, "DANCING"),
        (2, ["TYPING"]),
        (3, "0" * 36),
        (3, None),
        (4, "STAFF; DROP"),
        (4, "X" * 41),
        (5, 5),
        (6, "<b>"),
        (6, None),
        (6, {"a": 1}),
        (7, -1),
        (7, True),
        (7, 1.5),
        (7, LASTS_MAX // timedelta(microseconds=1) + 1),
        (8, 10**17 + 1),
        (8, 10**400),
        (8, "0"),
    ],
)
def test_a_word_is_checked(place: int, value: object) -> None:
    """Every part of it, before anything is learned of it."""
    assert heard(SOUND) == 1
    assert heard([value if number == place else part for number, part in enumerate(SOUND)]) == 0


@pytest.mark.parametrize("said", [[], SOUND[:-1], [*SOUND, 1], SOUND[:2], "PUT", 5, None, {}, [[[]]], [SOUND]])
def test_a_word_has_its_parts(said: object) -> None:
    """No more and no less."""
    assert heard(said) == 0


def heard(said: object) -> int:
    """Return how many signals are known after something was said."""
    signals = new_signals(StandingClock())
    signals.hear(json.dumps(said))
    return len(signals._holdings)


def test_what_is_too_long_is_not_even_looked_at() -> None:
    """However sound its first lines are."""
    signals = new_signals(StandingClock())
    signals.hear("\n".join([json.dumps(SOUND)] * (HEARD_CHARACTERS_MAX // 100)))
    assert not signals._holdings


def test_nobody_has_the_last_word_for_ever() -> None:
    """A clock that is ahead counts as the present."""
    clock = StandingClock()
    signals = new_signals(clock)
    signal = Signal(SignalKind.TYPING, UUID(SOUND[3]), "STAFF", UUID(SOUND[5]))
    signals.hear(json.dumps([*SOUND[:8], 10**16]))
    assert signals.find(signal) == "STAFF"
    clock.advance(timedelta(milliseconds=1))
    signals.put(signal, "EVERYBODY", lasts=SHORT)
    assert signals.find(signal) == "EVERYBODY"


def test_a_flood_to_the_others_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest give way."""
    monkeypatch.setattr(modules, "_OUTGOING_MAX", 10)
    one, two = (new_signals(StandingClock()) for _ in range(2))
    known = [typing() for _ in range(20)]
    with one.relayed():
        for signal in known:
            one.put(signal, "A", lasts=SHORT)
        for said in one.take_outgoing(length_max=1_000):
            two.hear(said)
    assert [two.find(signal) for signal in known] == [None] * 10 + ["A"] * 10


def test_an_end_counts_for_what_was_said_before_it() -> None:
    """Whoever says something anew while word of an end is on its way is not ended by it."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    with one.relayed(), two.relayed():
        one.put(signal, "early", lasts=SHORT)
        tell(one, two)
        one.end(signal)
        clock.advance(timedelta(milliseconds=1))
        two.put(signal, "late", lasts=SHORT)
        tell(one, two)
        assert two.find(signal) == "late"
        tell(two, one)
        assert one.find(signal) == "late"


def test_what_one_of_several_drops_the_others_hold_on() -> None:
    """Without a moment in which anybody is told that it ended."""
    clock = StandingClock()
    one, two, three, signal = new_signals(clock), new_signals(clock), new_signals(clock), typing()
    with one.relayed(), two.relayed():
        with one.held(signal):
            with two.held(signal):
                tell(one, two, three)
                tell(two, one, three)
            tell(two, one, three)
            assert (one.find(signal), two.find(signal), three.find(signal)) == ("", "", "")
        tell(one, two, three)
        assert (one.find(signal), two.find(signal), three.find(signal)) == (None, None, None)


def test_what_is_held_outlives_an_end_that_somebody_else_says() -> None:
    """It holds, whoever thinks that it does not."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    with one.relayed(), two.relayed(), one.held(signal):
        tell(one, two)
        two.end(signal)
        tell(two, one)
        assert one.find(signal) == ""
        tell(one, two)
        assert two.find(signal) == ""


def test_what_was_held_too_long_ago_is_not_dropped_again() -> None:
    """On a machine that slept, it has ended by itself before."""
    clock = StandingClock()
    signals, signal = new_signals(clock), typing()
    with signals.relayed():
        with signals.held(signal):
            clock.advance(HELD_LASTS)
            signals.put(typing(), "EVERYBODY", lasts=SHORT)
            assert len(list(signals.take_outgoing(length_max=10_000))) == 1
        assert not signals.has_outgoing.is_set()


def test_what_has_ended_is_not_told() -> None:
    """Though nobody has swept it away."""
    clock = StandingClock()
    signals = new_signals(clock)
    signals.put(typing(), "EVERYBODY", lasts=SHORT)
    clock.advance(SHORT)
    with signals.relayed():
        (said,) = signals.take_outgoing(length_max=10_000)
        assert said.startswith('["HELLO",')


async def test_who_follows_hears_nothing_of_the_end_of_one_of_several() -> None:
    """It holds as before; nor of what had ended before they came."""
    clock = StandingClock()
    one, two, signal = new_signals(clock), new_signals(clock), typing()
    with two.relayed():
        two.put(signal, "EVERYBODY", lasts=SHORT)
        tell(two, one)
    one.put(typing(), "EVERYBODY", lasts=SHORT / 2)
    one.put(signal, "EVERYBODY", lasts=SHORT * 1.5)
    clock.advance(SHORT / 2)
    async with one.follow(everything) as first, one.follow(everything) as second:
        assert await take(first) == await take(second) == (signal, "EVERYBODY")
        clock.advance(SHORT / 2)
        assert await is_silent(first)
        clock.advance(SHORT / 2)
        assert await take(first) == (signal, None)


@POSTGRESQL_ONLY
@pytest.mark.parametrize("broker", ["postgresql", "valkey"], indirect=True)
async def test_who_knows_no_signals_hears_none(works: Works, broker: Broker | None) -> None:
    """What only follows the log tells nobody that it is there."""
    feed = Feed(works.database, hints_url=None if broker is None else broker.url)
    async with feed.hearing(), process(works, broker) as one:
        await until(feed._hints.is_heard.is_set)
        one.signals.put(typing(), "EVERYBODY", lasts=SHORT)
        await until(lambda: not one.signals.has_outgoing.is_set())
        await asyncio.sleep(0.2)
        assert feed._hints.is_heard.is_set()


def tell(teller: Signals, *listeners: Signals) -> None:
    """Let one tell others what it has to."""
    for said in teller.take_outgoing(length_max=1_000):
        for listener in listeners:
            listener.hear(said)
