"""What all open streams share: how many there are, who is still let in, and the end of them all.

A stream is a WebSocket or an answer that goes on. One task looks after all of them: it tells each what time it is,
and asks every second whether their tokens still open the door (`api/access.py` remembers that for at most two).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.access import Access, InvalidToken
from api.operations import Operations, Prepared
from api.requests import Answer, RequestRefused
from api.settings import Settings
from api.streams.groups import Groups, Ready, Send
from domain.base.actors import Actor
from domain.base.identifiers import new_id
from domain.base.networks import network_of
from domain.base.work import Works
from domain.interactions.actions.presence import keep_present
from schema.base.context import Context
from schema.base.errors import TopLevelCode

LOOK_EVERY_S = 0.5
CHECK_EVERY = timedelta(seconds=1)
"""With the two seconds that an actor is remembered, a revoked token is noticed well within five."""

SEND_WITHIN = timedelta(seconds=10)
"""How long a client may leave unread what is sent to it: then it is gone, and comes back with a cursor."""

CLOSE_WITHIN_S = 3.0
"""Seconds that streams are given to say good-bye when the server stops."""

_log = structlog.get_logger("api.streams")


_PASSING = frozenset({TopLevelCode.INTERNAL, TopLevelCode.TIMEOUT, TopLevelCode.STORAGE_FULL})


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a stream ends: the code that a WebSocket is closed with, and the words."""

    code: int
    reason: str


GONE = Ending(1000, "The client is gone")
STUCK = Ending(1001, "The client does not read")
RESTARTING = Ending(1012, "Service restart")
TOKEN_INVALID = Ending(4403, "Forbidden")
FAILED = Ending(1011, "Internal error")


class Stream(Protocol):
    """One open stream, as it is looked after."""

    address: str | None
    authorization: str | None
    """What the client came in with, once it is known to open the door; None for nobody in particular."""

    def look(self, now: datetime) -> None:
        """See what is due: a heartbeat, or the end."""

    def recognise(self, actor: Actor) -> None:
        """Learn what the client may do now."""

    def end(self, ending: Ending) -> None:
        """End, unless it has ended."""


class StreamRefused(Exception):  # noqa: N818  reads as what it is
    """There are too many streams of this address, or the server is about to stop."""

    def __init__(self, message: str, *, is_stopping: bool = False) -> None:
        """Say what to do."""
        super().__init__(message)
        self.message, self.is_stopping = message, is_stopping


@dataclass(slots=True, eq=False)
class Streams:
    """All open streams, and the doors that they lead to."""

    operations: Operations
    works: Works
    access: Access
    settings: Settings
    look_every_s: float = LOOK_EVERY_S
    groups: Groups = field(init=False)
    _open: set[Stream] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)
    _keeper: asyncio.Task[None] | None = None
    _checking: asyncio.Task[None] | None = None
    _is_closing: bool = False
    _is_empty: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Begin with nobody who follows anything."""
        self.groups = Groups(self.operations, self.works, failure_answer)

    @property
    def count(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def now(self) -> datetime:
        """Return the present instant."""
        return self.works.clock.now()

    def new_context(self, actor: Actor, *, client_address: str | None, request_id: str | None = None) -> Context:
        """Return the context of one operation."""
        request_id = request_id or new_id().hex
        return Context(self.works, actor=actor, request_id=request_id, client_address=client_address)

    @contextmanager
    def admit(self, stream: Stream) -> Iterator[None]:
        """Count and look after a stream while it is open. Raises `StreamRefused`."""
        place = network_of(stream.address)
        if self._is_closing:
            message = "The server is about to stop; connect again in a moment."
            raise StreamRefused(message, is_stopping=True)
        if self._counts[place] >= self.settings.streams_per_address:
            message = f"There are {self.settings.streams_per_address} streams from your address; close one first."
            raise StreamRefused(message)
        self._counts[place] += 1
        self._open.add(stream)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self._open.discard(stream)
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]
            if not self._open:
                self._rest()

    async def close(self) -> None:
        """End every stream and let nobody in any more, because the server stops."""
        self._is_closing = True
        for stream in tuple(self._open):
            stream.end(RESTARTING)
        if self._open:
            self._is_empty.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), CLOSE_WITHIN_S)

    def _rest(self) -> None:
        """Look after nothing while nothing is open."""
        self._is_empty.set()
        for task in (self._keeper, self._checking):
            if task is not None:
                task.cancel()
        self._keeper = self._checking = None

    async def _keep(self) -> None:
        check_at = self.now()
        while True:
            await asyncio.sleep(self.look_every_s)
            now = self.now()
            for stream in tuple(self._open):
                stream.look(now)
            if now >= check_at and (self._checking is None or self._checking.done()):
                check_at = now + CHECK_EVERY
                self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        """Ask for each token whether it still opens the door, and for what."""
        streams: dict[str, list[Stream]] = defaultdict(list)
        for stream in self._open:
            if stream.authorization is not None:
                streams[stream.authorization].append(stream)
        for authorization, holders in streams.items():
            try:
                actor = await self.access.actor(authorization)
            except InvalidToken:
                for stream in holders:
                    stream.end(TOKEN_INVALID)
                continue
            except (SQLAlchemyError, OSError):
                # Nothing can be read meanwhile, so nothing is sent either: the next look asks again.
                _log.exception("tokens of open streams could not be looked up")
                return
            keep_present(self.works.signals, actor=actor)
            for stream in holders:
                stream.recognise(actor)


async def list_answers(
    streams: Streams, prepared: Prepared, context: Context, *, send: Send | None = None
) -> AsyncGenerator[Ready]:
    """Yield the answers of an operation: one, or those of a subscription; whatever fails is told as an answer.

    `send` takes answers of a subscription at once, where it can: those are not yielded.
    """
    try:
        if prepared.kind != "subscription":
            yield await streams.operations.execute(prepared, context)
            return
        async with aclosing(streams.groups.answers(prepared, context, send=send)) as answers:
            async for answer in answers:
                yield answer
    except Exception:  # noqa: BLE001  the client gets an answer that it can read
        _log.exception("operation failed", request_id=context.request_id)
        yield failure_answer(context.request_id)


def is_passing(answer: Ready) -> bool:
    """Tell whether a stream ends with this answer because of something here that may be over in a moment."""
    if not isinstance(answer, dict) or "data" in answer:
        return False
    return any(error["extensions"]["code"] in _PASSING for error in answer["errors"])


def failure_answer(request_id: str) -> Answer:
    """Return what is said where something went wrong here."""
    message = "Something went wrong here. Quote the requestId when you report it."
    return RequestRefused(500, TopLevelCode.INTERNAL, message).answer(request_id)
