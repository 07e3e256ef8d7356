"""One write: one transaction that holds the change and everything that follows from it.

`Works.perform` is the only way to write. It opens a `Work`, lets an action tell its story on it, runs
the reactions of other areas, adds event log, audit row and idempotency answer, and commits once.
Nothing leaves before that commit; a refusal leaves nothing behind. After it the feed tells those who listen.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.actors import SYSTEM, Actor, ActorKind, Permission
from domain.base.clock import Clock
from domain.base.database import Database, is_race
from domain.base.errors import Checks, Forbidden, IdempotencyMismatch, StorageFull
from domain.base.events import Event
from domain.base.feed import Feed
from domain.base.identifiers import new_id
from domain.base.model import AuditEntry
from domain.base.repository import events, jobs, keys
from domain.base.signals import Signals
from domain.base.texts import clean_required
from domain.base.together import Together

IDEMPOTENCY_KEPT = timedelta(days=7)
IDEMPOTENCY_KEY_LENGTH_MAX = 200
_ATTEMPTS = 6
"""A write that lost a race is run again this often: with each attempt one rival has finished."""

_Answer = TypeVar("_Answer")
_Read: TypeAlias = Callable[[AsyncSession, Iterable[UUID]], Awaitable[dict[UUID, Any]]]


@dataclass(frozen=True, slots=True)
class Organisation:
    """What the whole organisation decided once, in its settings; None: as its first store has it."""

    currency_code: str | None = None
    default_store_code: str | None = None
    merges_automatically: bool = False
    """Whether customers are merged without asking where the same identity is proven for both."""
    relay_domains: frozenset[str] = frozenset()
    """Domains whose addresses stand for anybody, beside those that are known to everyone."""
    token_key: bytes | None = field(default=None, repr=False)
    """32 bytes that access tokens are signed with; None: made once and kept in the database."""
    token_issuer: str = "sportello"  # noqa: S105  a name
    """Who signs them: deployments that share a key tell their tokens apart by this."""
    shopper_session: timedelta = timedelta(days=30)
    """How long a shopper's session lives after it was last refreshed."""
    staff_session: timedelta = timedelta(hours=12)
    """How long a session of staff lives, however busy it is."""
    events_kept: timedelta = timedelta(days=7)
    """For how long a cursor of a stream leads to everything behind it."""
    public_url: str = ""
    """Where clients reach the server, without a slash at the end: for addresses in answers."""


@dataclass(slots=True)
class Work:
    """One transaction, seen from an action."""

    session: AsyncSession
    actor: Actor
    now: datetime
    organisation: Organisation
    _events: list[Event] = field(default_factory=list)
    _jobs: list[Mapping[str, Any]] = field(default_factory=list)
    _kept: dict[UUID, Any] = field(default_factory=dict)
    _made: set[UUID] = field(default_factory=set)

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden` unless the actor has the permission: the first line of every action."""
        if not self.actor.may(permission):
            message = f"This needs the permission {permission}."
            raise Forbidden(message)

    def record(self, event: Event) -> None:
        """Add a fact to the log; it exists once the work is committed."""
        self._events.append(event)

    def defer(self, row: Mapping[str, Any]) -> None:
        """Keep a job with what this work commits (`domain/base/jobs.py:enqueue`)."""
        self._jobs.append(row)

    def keep(self, row: Any, *, is_new: bool = False) -> None:  # noqa: ANN401  of any table
        """Remember a row as this work locked or wrote it, so that what follows need not read it again."""
        self._kept[row.id] = row
        if is_new:
            self._made.add(row.id)

    def made(self, key: UUID) -> bool:
        """Tell whether this work made the row with this id, so that nobody else knew of it."""
        return key in self._made

    async def recall(self, ids: Iterable[UUID], read: _Read) -> dict[UUID, Any]:
        """Return the rows of these ids; those that were not kept are read."""
        wanted = list(dict.fromkeys(ids))
        missing = [key for key in wanted if key not in self._kept]
        found = await read(self.session, missing) if missing else {}
        return {key: self._kept[key] for key in wanted if key in self._kept} | found

    @property
    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """Return the jobs that were asked for so far."""
        return self._jobs

    @property
    def events(self) -> Sequence[Event]:
        """Return what was recorded so far."""
        return self._events


class Reaction(Protocol):
    """What one area does about events of one kind: given all of this work at once."""

    async def __call__(self, work: Work, events: Sequence[Any], /) -> None:
        """Change what the area owns, in the same transaction."""


Reactions: TypeAlias = Mapping[type[Event], Sequence[Reaction]]


@dataclass(frozen=True, slots=True)
class Once:
    """Makes a write happen once: the same key and input get the same answer, however often they come."""

    key: str
    input_hash: str


@dataclass(frozen=True, slots=True)
class Works:
    """Where writes are performed."""

    database: Database
    reactions: Reactions
    clock: Clock
    organisation: Organisation = Organisation()
    hints_url: str | None = None
    """The broker that tells the processes of one another's writes; None: PostgreSQL itself."""
    feed: Feed = field(init=False)
    """Where what was committed is told."""
    signals: Signals = field(init=False)
    """Where what holds for a moment is told."""
    readings: Together[AuditEntry] = field(default_factory=Together)
    """What is to be told to the audit log of who read much."""

    def __post_init__(self) -> None:
        """Follow the database's own log."""
        object.__setattr__(self, "signals", Signals(self.clock))
        object.__setattr__(self, "feed", Feed(self.database, hints_url=self.hints_url, signals=self.signals))

    async def perform(
        self,
        story: Callable[[Work], Awaitable[_Answer]],
        *,
        actor: Actor,
        action: str,
        request_id: str | None = None,
    ) -> _Answer:
        """Run `story` in one transaction and commit it with all that follows from it.

        `action` is the audit row's name for it. Where two writers met on the same row or unique
        value, the loser runs again: it then sees what the other one did, and decides on that.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._attempt(story, actor=actor, action=action, request_id=request_id)
            except DBAPIError as error:
                if attempt == _ATTEMPTS or not is_race(error):
                    raise
            # Rivals that wait for different times do not meet again at once.
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")  # noqa: EM101, TRY003  # pragma: no cover

    async def perform_once(
        self,
        story: Callable[[Work], Awaitable[UUID]],
        *,
        once: Once | None,
        actor: Actor,
        action: str,
        request_id: str | None = None,
    ) -> UUID:
        """Like `perform`, but a repeated key is answered with the id that was committed for it.

        Raises `IdempotencyMismatch` where the key was used for another input, `Refusals` for one that is none.
        """

        async def told_once(work: Work) -> UUID:
            if once is None:
                return await story(work)
            return await _tell_once(work, story, once)

        return await self.perform(told_once, actor=actor, action=action, request_id=request_id)

    async def has_room(self) -> bool:
        """Tell whether the disk takes writes; tried by one only where the last write found it full."""
        if not self.database.is_full:
            return True

        async def probe(work: Work) -> None:
            await keys.write_probe(work.session, work.now)

        try:
            await self.perform(probe, actor=SYSTEM, action="probe")
        except StorageFull:
            return False
        return True

    async def _attempt(
        self, story: Callable[[Work], Awaitable[_Answer]], *, actor: Actor, action: str, request_id: str | None
    ) -> _Answer:
        async with self.database.writing() as session:
            work = Work(session=session, actor=actor, now=self.clock.now(), organisation=self.organisation)
            answer = await story(work)
            await self._react(work)
            # The product's own upkeep, of which nothing is told, is no act that anybody would look for.
            happened = list(dict.fromkeys(work.events))  # what is said twice is told once
            if happened or actor.kind is not ActorKind.SYSTEM:
                audit = {
                    "id": new_id(),
                    "action": action,
                    "actor_kind": actor.kind,
                    "actor_id": actor.id,
                    "request_id": request_id,
                    "occurred_at": work.now,
                    "person_count": None,
                }
                rows = [_row(event, work.now) for event in happened]
                await events.add_events(session, audit=audit, events=rows)
            await jobs.add_jobs(session, work.jobs)
            await session.commit()
        # What was given up in the middle of its commit is in the log or not; who follows looks by themselves as well.
        self.feed.wake()
        return answer

    async def _react(self, work: Work) -> None:
        """Hand every recorded event to the areas that react to it, also those that reactions record."""
        done = 0
        while done < len(work.events):
            fresh = work.events[done:]
            done = len(work.events)
            for kind in dict.fromkeys(type(event) for event in fresh):
                for reaction in self.reactions.get(kind, ()):
                    await reaction(work, [event for event in fresh if type(event) is kind])


async def _tell_once(work: Work, story: Callable[[Work], Awaitable[UUID]], once: Once) -> UUID:
    checks = Checks()
    key = checks.take(lambda: clean_required(once.key, length_max=IDEMPOTENCY_KEY_LENGTH_MAX), "idempotency_key") or ""
    checks.settle()
    scope = work.actor.scope
    known = await keys.claim_idempotency_key(
        work.session,
        scope=scope,
        key=key,
        input_hash=once.input_hash,
        now=work.now,
        expired_before=work.now - IDEMPOTENCY_KEPT,
    )
    if known is None:
        answer = await story(work)
        await keys.store_idempotent_answer(work.session, scope=scope, key=key, answer_id=answer)
        return answer
    if known.input_hash != once.input_hash or known.answer_id is None:
        message = "This idempotency key was used for another input; use a new key for a new write."
        raise IdempotencyMismatch(message, field=("idempotency_key",))
    return known.answer_id


def _row(event: Event, now: datetime) -> dict[str, Any]:
    return {"id": new_id(), "type": type(event).__name__, "subjects": event.subjects, "occurred_at": now}
