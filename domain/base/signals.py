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
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import orjson

from domain.base.clock import Clock
from domain.base.identifiers import new_id

HELD_LASTS = timedelta(seconds=30)
"""How long a signal that is held outlives the process that held it, should that one be killed."""

LOOK_EVERY_S = 0.25

_HELD = ""
"""The value of what is held: that it is says all."""

_SOURCES_MAX = 100_000
"""Signals that are known at once; who floods them loses the oldest."""


class SignalKind(StrEnum):
    """What is signalled."""

    TYPING = "TYPING"
    VIEWING = "VIEWING"
    PRESENCE = "PRESENCE"


@dataclass(frozen=True, slots=True)
class Signal:
    """Somebody signals something about a subject: a conversation, or themselves."""

    kind: SignalKind
    subject_id: UUID
    author_kind: str
    author_id: UUID


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
        self._outgoing: dict[Signal, _Holding | None] = {}
        self._is_relayed = False
        self.has_outgoing = asyncio.Event()
        """Set while there is something that other processes do not know."""

    def put(self, signal: Signal, value: str, *, lasts: timedelta) -> None:
        """Signal something, for so long unless it is signalled again."""
        now = self._clock.now()
        self._note(signal, self._own_id, _Holding(value, now + lasts, now))

    def end(self, signal: Signal) -> None:
        """Signal something no more, whichever process knows it to be signalled."""
        if self.find(signal) is not None:
            self._send(signal, None)
            self._forget(signal)

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
            for signal in list(self._holdings):
                if (value := self.find(signal)) is not None:
                    follower.tell(signal, value)
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
        """Keep what other processes have to be told while the block lasts; first all of it."""
        self._is_relayed = True
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
                self._send(signal, own)

    def take_outgoing(self, *, length_max: int) -> Iterable[str]:
        """Yield what other processes are to be told, as texts of at most so many bytes."""
        outgoing, self._outgoing = self._outgoing, {}
        self.has_outgoing.clear()
        lines: list[bytes] = []
        size = 0
        for signal, holding in outgoing.items():
            line = orjson.dumps(self._written(signal, holding))
            if lines and size + len(line) + 1 > length_max:
                yield b"\n".join(lines).decode()
                lines, size = [], 0
            lines.append(line)
            size += len(line) + 1
        if lines:
            yield b"\n".join(lines).decode()

    def hear(self, text: str) -> None:
        """Learn what another process told. Own words come back, too; they are known."""
        for line in text.splitlines():
            source, kind, subject_id, author_kind, author_id, value, lasts_ms, since_ms = orjson.loads(line)
            if source == self._own_id:
                continue
            signal = Signal(SignalKind(kind), UUID(subject_id), author_kind, UUID(author_id))
            if value is None:
                self._forget(signal)
                continue
            until = self._clock.now() + timedelta(milliseconds=lasts_ms)
            self._note(signal, source, _Holding(value, until, datetime.fromtimestamp(since_ms / 1_000, UTC)))

    def _written(self, signal: Signal, holding: _Holding | None) -> list[object]:
        about: list[object] = [self._own_id, signal.kind, signal.subject_id, signal.author_kind, signal.author_id]
        if holding is None:
            return [*about, None, 0, 0]
        lasts = holding.until - self._clock.now()
        return [*about, holding.value, lasts // timedelta(milliseconds=1), int(holding.since.timestamp() * 1_000)]

    def _send(self, signal: Signal, holding: _Holding | None) -> None:
        if self._is_relayed:
            self._outgoing[signal] = holding
            self.has_outgoing.set()

    def _note(self, signal: Signal, source: str, holding: _Holding) -> None:
        """Keep what a process knows; tell those who follow where that is news."""
        self._sweep()
        before = self.find(signal)
        self._holdings.setdefault(signal, {})[source] = holding
        self._end_count += 1
        heapq.heappush(self._ends, (holding.until, self._end_count, signal, source, holding))
        if source == self._own_id:
            self._send(signal, holding)
        self._tell(signal, before)
        while len(self._ends) > _SOURCES_MAX:
            self._pop_end()

    def _drop(self, signal: Signal) -> None:
        """Signal something no more in this process; another one may."""
        before = self.find(signal)
        sources = self._holdings.get(signal, {})
        if sources.pop(self._own_id, None) is None:
            return
        if not sources:
            del self._holdings[signal]
        # The others forget it, and whoever still holds it says so again.
        self._send(signal, None)
        self._tell(signal, before)

    def _forget(self, signal: Signal) -> None:
        before = self.find(signal)
        self._holdings.pop(signal, None)
        if signal in self._held:
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
