"""The feed: what was committed, told at once to whoever listens in this process.

`Works` publishes the events of a write after its commit. A listener has a queue of its own, which is
bounded: whoever reads too slowly learns that they missed something, and nobody waits for them. A few
events are kept, so that a client that lost its connection for a moment resumes behind its cursor.
"""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from domain.base.errors import Invalid
from domain.base.events import Event

KEPT_MAX = 1_000
"""Events that are kept for those who come back."""

WAITING_MAX = 1_000
"""Events that may wait for one listener; at least as many as are kept, so that all of those can be resumed."""

_CURSOR = re.compile(r"[0-9a-f]{16}-(?P<position>[0-9]{1,18})")


def check_cursor(cursor: str) -> int:
    """Return the position in a cursor, of whatever feed. Raises `Invalid` for what is none."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        message = "This is no cursor of a stream; send one back exactly as it came."
        raise Invalid(message)
    return int(found["position"])


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
    """An event, with its place in the feed."""

    cursor: str
    event: Event
    occurred_at: datetime


Wants: TypeAlias = Callable[[Event], bool]


class Listener:
    """One who listens: takes what was committed, in its order."""

    def __init__(self, wants: Wants, *, waiting_max: int) -> None:
        """Begin with nothing to take."""
        self._wants = wants
        self._waiting_max = waiting_max
        self._waiting: deque[Committed] = deque()
        self._news = asyncio.Event()
        self._is_behind = False

    def tell(self, committed: Committed) -> None:
        """Let this wait to be taken, if it is wanted."""
        if self._is_behind or not self._wants(committed.event):
            return
        if len(self._waiting) >= self._waiting_max:
            self.give_up()
            return
        self._waiting.append(committed)
        self._news.set()

    def give_up(self) -> None:
        """Tell nothing any more: something is missing from here on."""
        self._is_behind = True
        self._waiting.clear()
        self._news.set()

    async def take(self) -> Committed:
        """Return the next one, as soon as there is one. Raises `ResyncNeeded`."""
        while not self._waiting:
            if self._is_behind:
                raise ResyncNeeded(ResyncReason.FELL_BEHIND)
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class Feed:
    """The events that this process committed since it began."""

    def __init__(self, *, kept_max: int = KEPT_MAX, waiting_max: int = WAITING_MAX) -> None:
        """Begin empty. Cursors of another process, or of an earlier run, are known by the name in them."""
        self._name = secrets.token_hex(8)
        self._position = 0
        self._kept: deque[Committed] = deque(maxlen=kept_max)
        self._waiting_max = waiting_max
        self._listeners: set[Listener] = set()

    @property
    def cursor(self) -> str:
        """Return the place behind everything that was told so far."""
        return self._cursor(self._position)

    @property
    def listener_count(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def publish(self, events: Sequence[Event], *, occurred_at: datetime) -> None:
        """Tell what was committed; what one write says twice is told once."""
        for event in dict.fromkeys(events):
            self._position += 1
            committed = Committed(cursor=self._cursor(self._position), event=event, occurred_at=occurred_at)
            self._kept.append(committed)
            for listener in self._listeners:
                listener.tell(committed)

    def interrupt(self) -> None:
        """Say that something may have been committed of which nobody knows what: everyone reads anew."""
        self._position += 1
        self._kept.clear()
        for listener in self._listeners:
            listener.give_up()

    @contextmanager
    def listen(self, wants: Wants, *, after: str | None = None) -> Iterator[Listener]:
        """Yield a listener to what is wanted: first to what came after the cursor, then to what comes.

        `wants` is asked while a write ends, so it looks at the event and at nothing else.

        Raises `ResyncNeeded` where not everything after the cursor is kept, `Invalid` for what is no cursor.
        """
        listener = Listener(wants, waiting_max=self._waiting_max)
        for committed in () if after is None else self._list_after(after):
            listener.tell(committed)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _list_after(self, cursor: str) -> list[Committed]:
        position = check_cursor(cursor)
        missed = self._position - position
        if cursor != self._cursor(position) or not 0 <= missed <= len(self._kept):
            raise ResyncNeeded(ResyncReason.CURSOR_EXPIRED)
        return list(self._kept)[len(self._kept) - missed :]

    def _cursor(self, position: int) -> str:
        return f"{self._name}-{position}"
