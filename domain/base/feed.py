"""The feed: the event log as it grows, for whoever listens in this process.

A write wakes the feed when it is committed, in this process or, by a hint, in another one; a hint may get lost, so it
looks by itself as well. What it finds it reads once, and tells all listeners. A listener that comes back with a cursor
first reads what it missed from the log, and joins the others where it has caught up: nothing is lost, and nothing is
told twice, as the numbers of the log have no holes. Its queue is bounded: whoever reads too slowly learns that they
missed something, and nobody waits for them.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import structlog

from domain.base.audience import Audience, Topics
from domain.base.database import Database, Session
from domain.base.errors import Invalid
from domain.base.events import Event
from domain.base.hints import Hints, PostgresHints
from domain.base.repository.events import Head, find_head, has_fresh_events, list_logged, number_events
from domain.base.signals import Signals
from domain.base.valkey_hints import ValkeyHints

WAITING_MAX = 1_000
"""Events that may wait for one listener."""

PAGE = 500
"""Events that are read from the log at once."""

LOOK_EVERY_S = 0.25
"""How often the feed looks by itself, should nobody wake it."""

ANSWER_WITHIN_S = 10.0
"""How long the database may take for one step: one that is frozen would hold it for ever, also when it is back."""

_CURSOR = re.compile(r"(?P<epoch>[0-9a-f]{16})-(?P<seq>[0-9]{1,18})")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the event log: behind the event with this number, in a life of the database."""

    epoch: str
    """Another one from the moment at which the database was restored from a backup."""
    seq: int

    @property
    def cursor(self) -> str:
        """Return what clients know it by."""
        return f"{self.epoch}-{self.seq}"


def check_cursor(cursor: str) -> Place:
    """Return the place that a cursor names. Raises `Invalid` for what is none."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        message = "This is no cursor of a stream; send one back exactly as it came."
        raise Invalid(message)
    return Place(found["epoch"], int(found["seq"]))


class ResyncReason(StrEnum):
    """Why a listener must read everything anew."""

    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    FELL_BEHIND = "FELL_BEHIND"
    RESTORED = "RESTORED"


class ResyncNeeded(Exception):  # noqa: N818  reads as what it is
    """Something was missed: what is known may be old."""

    def __init__(self, reason: ResyncReason) -> None:
        """Carry why."""
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Committed:
    """An event, with its place in the log."""

    place: Place
    event: Event
    occurred_at: datetime

    @property
    def cursor(self) -> str:
        """Return where to resume behind it."""
        return self.place.cursor


Wants: TypeAlias = Callable[[Event], bool]


class CaughtUp(Exception):  # noqa: N818  reads as what it is
    """Whoever only reads what they missed has read it all."""


class Listener:
    """One who listens: takes what was committed, in its order."""

    def __init__(
        self,
        feed: "Feed",
        wants: Wants,
        place: Place,
        *,
        waiting_max: int,
        topics: Topics | None = None,
        is_ending: bool = False,
    ) -> None:
        """Begin behind a place; `is_ending`: and end where everything is read, instead of waiting for more."""
        self.place = place
        """Behind the newest event that was looked at, wanted or not."""
        self.taken = place
        """Behind the newest event that was taken."""
        self.topics = topics
        """None: every event is looked at."""
        self._is_ending = is_ending
        self._is_at_end = False
        self._feed = feed
        self._wants = wants
        self._waiting_max = waiting_max
        self._waiting: deque[Committed] = deque()
        self._news = asyncio.Event()
        self._end: ResyncReason | None = None

    def tell(self, committed: Committed) -> None:
        """Let this wait to be taken, if it is news and wanted."""
        if self._end is not None or committed.place.seq <= self.place.seq:
            return
        self.place = committed.place
        if not self._wants(committed.event):
            return
        if len(self._waiting) >= self._waiting_max:
            self.give_up(ResyncReason.FELL_BEHIND)
            return
        self._waiting.append(committed)
        self._news.set()

    def give_up(self, reason: ResyncReason) -> None:
        """Tell nothing any more: something is missing from here on."""
        self._end = reason
        self._waiting.clear()
        self._news.set()

    def turn_to(self, topics: Topics | None) -> None:
        """Look at what is about these topics from now on; None: at everything."""
        self._feed.turn(self, topics)

    async def take(self) -> Committed:
        """Return the next one, as soon as there is one. Raises `ResyncNeeded`, `CaughtUp`."""
        while not self._waiting:
            if self._end is not None:
                raise ResyncNeeded(self._end)
            if self._is_at_end:
                self.taken = self.place
                raise CaughtUp
            if not self._feed.has_joined(self):
                await self._read_on()
                continue
            self._news.clear()
            await self._news.wait()
        committed = self._waiting.popleft()
        self.taken = committed.place
        return committed

    async def _read_on(self) -> None:
        """Read what was missed, as much as is read at once, and join the others behind the end of it."""
        missed = await self._feed.read_after(self.place)
        for committed in missed:
            self.tell(committed)
        if len(missed) == PAGE:
            return
        self._is_at_end = self._is_ending
        if not self._is_ending:
            self._feed.join(self)


class Feed:
    """The event log of one database, as this process follows it."""

    def __init__(
        self,
        database: Database,
        *,
        hints_url: str | None = None,
        signals: Signals | None = None,
        waiting_max: int = WAITING_MAX,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Follow nothing yet. `hints_url`: the broker that hints, and signals, go over, instead of PostgreSQL."""
        self._database = database
        self._hints: Hints = (
            PostgresHints(database.url, self.wake, signals=signals)
            if hints_url is None
            else ValkeyHints(hints_url, self.wake, signals=signals)
        )
        self._notifies = hints_url is None
        self._waiting_max = waiting_max
        self._look_every_s = look_every_s
        self._place: Place | None = None
        """Behind the newest event that all listeners were told; None where nobody was told anything."""
        self._listeners: Audience[Listener] = Audience()
        self._news = asyncio.Event()
        self._keepers = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def listener_count(self) -> int:
        """Return how many listen and have caught up."""
        return len(self._listeners)

    def wake(self) -> None:
        """Look at once: something was committed."""
        self._news.set()

    @asynccontextmanager
    async def hearing(self) -> AsyncIterator[None]:
        """Follow the log while the block lasts, with hints and signals of other processes, where there may be any."""
        async with self.running():
            if self._database.is_sqlite:
                yield
                return
            task = asyncio.create_task(self._hints.run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the log while the block lasts; on PostgreSQL this is what numbers the events."""
        self._keepers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._keepers -= 1
            if not self._keepers:
                task, self._task, self._place = self._task, None, None  # whoever comes meanwhile begins anew
                task.cancel()
                await asyncio.wait([task])  # whoever is cancelled meanwhile must be, too

    @asynccontextmanager
    async def listen(
        self, wants: Wants, *, after: str | None = None, topics: Topics | None = None, is_ending: bool = False
    ) -> AsyncIterator[Listener]:
        """Yield a listener to what is wanted: first to what came after the cursor, then to what comes.

        `wants` is asked for each event that is about one of the topics, so it looks at the event and at nothing else.
        `is_ending`: only to what came after the cursor until now.

        Raises `ResyncNeeded` where not everything after the cursor is kept, `Invalid` for what is no cursor.
        """
        place = None if after is None else check_cursor(after)
        begin = await self.end() if place is None else await self._begin(place)
        listener = Listener(self, wants, begin, waiting_max=self._waiting_max, topics=topics, is_ending=is_ending)
        async with self.running():
            try:
                yield listener
            finally:
                self._listeners.discard(listener)

    async def end(self) -> Place:
        """Return the end of the log: what was committed before is not what is to come."""
        await self.settle()
        async with self._database.reading() as session:
            return await find_end(session)

    async def _begin(self, place: Place) -> Place:
        async with self._database.reading() as session:
            return _kept(place, await find_head(session))

    def has_joined(self, listener: Listener) -> bool:
        """Tell whether a listener is told what comes."""
        return listener in self._listeners

    def join(self, listener: Listener) -> None:
        """Tell a listener what comes from now on, if it has read as far as the others were told."""
        if not self._listeners:
            self._place = listener.place
        if self._place is not None and listener.place.seq >= self._place.seq:
            self._listeners.add(listener)
            self.wake()  # what came before anybody listened

    def turn(self, listener: Listener, topics: Topics | None) -> None:
        """Let a listener look at what is about other topics."""
        is_member = listener in self._listeners
        self._listeners.discard(listener)
        listener.topics = topics
        if is_member:
            self._listeners.add(listener)

    async def read_after(self, place: Place) -> Sequence[Committed]:
        """Return what stands behind a place in the log, a page of it. Raises `ResyncNeeded`."""
        async with asyncio.timeout(ANSWER_WITHIN_S), self._database.reading() as session:
            _kept(place, await find_head(session))
            rows = await list_logged(session, after=place.seq, limit=PAGE)
        return [_committed(place.epoch, row) for row in rows]

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every_s):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001  whatever it is, the next look may succeed, and nobody else looks
                _log.warning("the event log cannot be followed at the moment", reason=repr(error))
                await asyncio.sleep(self._look_every_s)

    async def _look(self) -> None:
        """Number what is new, and tell it."""
        await self.settle()
        while self._listeners and self._place is not None:
            try:
                news = await self.read_after(self._place)
            except ResyncNeeded as needed:
                self._give_up(needed.reason)
                return
            for committed in news:
                self._place = committed.place
                for listener in self._listeners.of(committed.event):
                    listener.tell(committed)
            if len(news) < PAGE:
                return

    async def settle(self) -> None:
        """Give the events that were committed their numbers; SQLite's only writer does so itself."""
        if self._database.is_sqlite:
            return
        async with asyncio.timeout(ANSWER_WITHIN_S), self._database.reading() as session:
            if not await has_fresh_events(session):
                return
        is_more = True
        while is_more:
            async with asyncio.timeout(ANSWER_WITHIN_S), self._database.writing() as session:
                is_more = await number_events(session, limit=PAGE, notifies=self._notifies) == PAGE
                await session.commit()
            self._hints.give()

    def _give_up(self, reason: ResyncReason) -> None:
        for listener in self._listeners.everybody():
            listener.give_up(reason)
            self._listeners.discard(listener)


async def find_end(session: Session) -> Place:
    """Return the end of the log, as the session sees it: all that stands behind it, the session does not see."""
    head = await find_head(session)
    return Place(head.epoch, head.seq)


def _kept(place: Place, head: Head) -> Place:
    """Return the place, where everything behind it is kept. Raises `ResyncNeeded`."""
    if place.epoch != head.epoch or place.seq > head.seq:
        raise ResyncNeeded(ResyncReason.RESTORED)
    if place.seq + 1 < head.kept_from:
        raise ResyncNeeded(ResyncReason.CURSOR_EXPIRED)
    return place


def _committed(epoch: str, row: Any) -> Committed:  # noqa: ANN401
    """Return what a row of the log tells; of a kind that only a newer release knows nothing but its place."""
    kind = Event.registry.get(row.type, Event)
    subjects: dict[str, Any] = {field.name: None for field in fields(kind)}
    subjects |= {name: UUID(hex=value) for name, value in row.subjects.items() if name in subjects}
    return Committed(place=Place(epoch, row.seq), event=kind(**subjects), occurred_at=row.occurred_at)
