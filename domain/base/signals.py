"""Signals: what holds for a moment and is kept nowhere. Who is typing, who looks at what, who is at their desk.

A signal holds until it ends or is not renewed in time, so that of somebody who vanished nothing stays. Each process
tells the others what its own clients signal, and all again from time to time; none of it stands in the event log, and
losing it costs a moment.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from domain.base.clock import Clock
from domain.base.identifiers import new_id
from domain.base.signal_words import Signal as Signal
from domain.base.signal_words import SignalKind as SignalKind
from domain.base.signal_words import Word, WordKind, read_words, write_words

HELD_LASTS = timedelta(seconds=30)
"""How long a signal that is held outlives the process that held it, should that one be killed."""

LOOK_EVERY_S = 0.25

_HELD = ""
"""The value of what is held: that it is says all."""

_SOURCES_MAX = 100_000
"""Signals that are known at once; who floods them loses the oldest."""

_OUTGOING_MAX = 10_000
"""Signals that wait to be told to other processes; who floods them loses the oldest."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Holding:
    """What a process knows its clients to signal."""

    value: str
    until: datetime
    since: datetime
    """When it was said: the newest word counts, whichever process heard it."""


class Follower:
    """One who follows signals: learns the newest value of each, however slowly they take it."""

    def __init__(self, wants: Callable[[Signal], bool]) -> None:
        """Follow what is wanted."""
        self._wants = wants
        self._pending: dict[Signal, str | None] = {}
        self._news = asyncio.Event()

    def tell(self, signal: Signal, value: str | None) -> None:
        """Let this wait to be taken, in the place of what was said before."""
        if self._wants(signal):
            self._pending[signal] = value
            self._news.set()

    async def take(self) -> tuple[Signal, str | None]:
        """Return a signal with its value, as soon as there is news; None: it holds no more."""
        while not self._pending:
            self._news.clear()
            await self._news.wait()
        signal = next(iter(self._pending))
        return signal, self._pending.pop(signal)


class Signals:
    """All signals that this process knows of."""

    def __init__(self, clock: Clock, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Know of none."""
        self._clock = clock
        self._look_every_s = look_every_s
        self._own_id = new_id().hex
        self._holdings: dict[Signal, dict[str, _Holding]] = {}
        self._ends: list[tuple[datetime, int, Signal, str, _Holding]] = []
        self._end_count = 0
        self._held: Counter[Signal] = Counter()
        self._followers: set[Follower] = set()
        self._users = 0
        self._task: asyncio.Task[None] | None = None
        self._outgoing: dict[Signal | None, Word] = {}
        self._is_relayed = False
        self._was_told_nonsense = False
        self.has_outgoing = asyncio.Event()
        """Set while there is something that other processes do not know."""

    def put(self, signal: Signal, value: str, *, lasts: timedelta) -> None:
        """Signal something, for so long unless it is signalled again."""
        now = self._clock.now()
        self._note(signal, self._own_id, _Holding(value, now + lasts, now))

    def end(self, signal: Signal) -> None:
        """Signal something no more, whichever process knows it to be signalled."""
        if self.find(signal) is not None:
            now = self._clock.now()
            self._send(Word(WordKind.END, self._own_id, signal, at=now))
            self._forget(signal, until=now)

    def renew(self, signal: Signal, *, lasts: timedelta) -> None:
        """Let a signal last longer, where it holds: with the value that was said last."""
        now = self._clock.now()
        newest = self._newest(signal, now)
        # Half of the time is enough: the others need not be told with every look.
        if newest is not None and newest.until - now < lasts / 2:
            self._note(signal, self._own_id, _Holding(newest.value, now + lasts, newest.since))

    @contextmanager
    def held(self, signal: Signal) -> Iterator[None]:
        """Signal something while the block lasts; several blocks hold it together."""
        self._held[signal] += 1
        self.put(signal, _HELD, lasts=HELD_LASTS)
        try:
            yield
        finally:
            self._held[signal] -= 1
            if not self._held[signal]:
                del self._held[signal]
                self._drop(signal)

    def find(self, signal: Signal) -> str | None:
        """Return the value of a signal; None where it does not hold."""
        newest = self._newest(signal, self._clock.now())
        return None if newest is None else newest.value

    def list_about(self, kind: SignalKind, subject_id: UUID) -> list[tuple[Signal, str]]:
        """Return what is signalled about a subject, the longest signalled first."""
        now = self._clock.now()
        found = [
            (newest.since, signal, newest.value)
            for signal in self._holdings
            if signal.kind is kind and signal.subject_id == subject_id
            if (newest := self._newest(signal, now)) is not None
        ]
        return [(signal, value) for _, signal, value in sorted(found, key=lambda each: (each[0], each[1].author_id))]

    @asynccontextmanager
    async def follow(self, wants: Callable[[Signal], bool]) -> AsyncIterator[Follower]:
        """Yield what learns of the signals that are wanted: first of those that hold."""
        follower = Follower(wants)
        async with self.running():
            self._sweep()
            for signal in self._holdings:
                follower.tell(signal, self.find(signal))
            self._followers.add(follower)
            try:
                yield follower
            finally:
                self._followers.discard(follower)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after what is signalled while the block lasts: what ends by itself is told."""
        self._users += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.wait([task])  # whoever is cancelled meanwhile must be, too

    @contextmanager
    def relayed(self) -> Iterator[None]:
        """Keep what other processes have to be told while the block lasts; first that this one is there, and all."""
        self._is_relayed = True
        self._send(Word(WordKind.HELLO, self._own_id))
        self.announce()
        try:
            yield
        finally:
            self._is_relayed = False
            self._outgoing.clear()

    def announce(self) -> None:
        """Tell the other processes all that this one knows of its own clients."""
        for signal, sources in self._holdings.items():
            if (own := sources.get(self._own_id)) is not None:
                self._send_holding(signal, own)

    def take_outgoing(self, *, length_max: int) -> Iterable[str]:
        """Return what other processes are to be told, as texts of at most so many bytes."""
        outgoing, self._outgoing = self._outgoing, {}
        self.has_outgoing.clear()
        return write_words(outgoing.values(), length_max=length_max)

    def hear(self, text: str) -> None:
        """Learn what another process told. Own words come back, too; they are known."""
        for word in read_words(text, now=self._clock.now()):
            if word is None:
                self._refuse()
            elif word.source != self._own_id:
                self._learn(word)

    def _refuse(self) -> None:
        """Note once that somebody tells what cannot be understood: a later release, or who should tell nothing."""
        if not self._was_told_nonsense:
            self._was_told_nonsense = True
            _log.warning("something that is no signal came from outside and is dropped, as will be all like it")

    def _learn(self, word: Word) -> None:
        if word.signal is None:
            self.announce()
        elif word.kind is WordKind.PUT:
            self._note(word.signal, word.source, _Holding(word.value, self._clock.now() + word.lasts, word.at))
        elif word.kind is WordKind.DROP:
            self._lose(word.signal, word.source)
        else:
            self._forget(word.signal, until=word.at)

    def _send_holding(self, signal: Signal, holding: _Holding) -> None:
        lasts = holding.until - self._clock.now()
        if lasts > timedelta():
            self._send(Word(WordKind.PUT, self._own_id, signal, holding.value, lasts, holding.since))

    def _send(self, word: Word) -> None:
        if not self._is_relayed:
            return
        self._outgoing[word.signal] = word
        self.has_outgoing.set()
        if len(self._outgoing) > _OUTGOING_MAX:
            del self._outgoing[next(iter(self._outgoing))]

    def _note(self, signal: Signal, source: str, holding: _Holding) -> None:
        """Keep what a process knows; tell those who follow where that is news."""
        self._sweep()
        before = self.find(signal)
        self._holdings.setdefault(signal, {})[source] = holding
        self._end_count += 1
        heapq.heappush(self._ends, (holding.until, self._end_count, signal, source, holding))
        if source == self._own_id:
            self._send_holding(signal, holding)
        self._tell(signal, before)
        while len(self._ends) > _SOURCES_MAX:
            self._pop_end()

    def _drop(self, signal: Signal) -> None:
        """Signal something no more in this process; another one may."""
        if self._lose(signal, self._own_id):
            self._send(Word(WordKind.DROP, self._own_id, signal))

    def _lose(self, signal: Signal, source: str) -> bool:
        """Forget what one process knows; tell whether it knew anything."""
        before = self.find(signal)
        sources = self._holdings.get(signal, {})
        if sources.pop(source, None) is None:
            return False
        if not sources:
            del self._holdings[signal]
        self._tell(signal, before)
        return True

    def _forget(self, signal: Signal, *, until: datetime) -> None:
        """Forget what was said until then, whichever process knows it; what is held here holds on."""
        before = self.find(signal)
        newer = {source: each for source, each in self._holdings.pop(signal, {}).items() if each.since > until}
        if newer:
            self._holdings[signal] = newer
        if signal in self._held and self._own_id not in newer:
            self.put(signal, _HELD, lasts=HELD_LASTS)
        self._tell(signal, before)

    def _tell(self, signal: Signal, before: str | None) -> None:
        value = self.find(signal)
        if value != before:
            for follower in self._followers:
                follower.tell(signal, value)

    def _newest(self, signal: Signal, now: datetime) -> _Holding | None:
        holdings = [each for each in self._holdings.get(signal, {}).values() if each.until > now]
        return max(holdings, key=lambda each: each.since, default=None)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            for signal in self._held:
                if self.find(signal) is None:
                    self.put(signal, _HELD, lasts=HELD_LASTS)
                self.renew(signal, lasts=HELD_LASTS)
            self._sweep()

    def _sweep(self) -> None:
        """Forget what was not renewed in time."""
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            self._pop_end()

    def _pop_end(self) -> None:
        _, _, signal, source, holding = heapq.heappop(self._ends)
        sources = self._holdings.get(signal, {})
        if sources.get(source) is not holding:
            return  # it was renewed, or has ended
        del sources[source]
        if not sources:
            del self._holdings[signal]
        newest = self._newest(signal, self._clock.now())
        if newest is None or newest.value != holding.value:
            for follower in self._followers:
                follower.tell(signal, None if newest is None else newest.value)
