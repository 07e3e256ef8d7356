"""Equal subscriptions: executed once, written once, sent to everybody who asked for the same.

Equal are those of the same document with the same variables, by actors who are shown the same. Each of them begins by
itself: it is refused what it may not see, and reads what it missed behind its own cursor. Then it joins the others,
at a place in the event log: what was told before that place it has read, what is told behind it it is told. Nobody
waits for anybody: what a slow member has not taken waits for it alone, up to a limit.

The group executes its subscription as one of its members would, for each event at the moment at which it is told.
Whoever may suddenly see something else leaves, and joins those who see the same.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

import orjson
import structlog

from api.operations import Operations, Prepared
from api.requests import Answer, written
from domain.base.actors import Actor, ActorKind, Anyone
from domain.base.feed import CaughtUp, Place, ResyncReason
from domain.base.following import Following
from domain.base.identifiers import new_id
from domain.base.work import Works
from schema.base.context import Context

WAITING_MAX = 1_000
"""Answers that may wait for one member."""

_TOLD_AT_ONCE = 100
"""Members who are told before others have their turn."""

Ready: TypeAlias = "Answer | orjson.Fragment"
"""An answer: one that is written already, or the one that there is no stream, or no more of it."""

Send: TypeAlias = Callable[[bytes], bool]
"""Sends a written answer at once, without waiting for anybody; False: it cannot, now."""

Failure: TypeAlias = Callable[[str], Answer]
"""Says that something went wrong here, by the request's id."""

_log = structlog.get_logger("api.streams")


class Left(Enum):
    """Why somebody is no member any more."""

    OVER = auto()
    """The stream has ended, for all."""
    FELL_BEHIND = auto()
    SEES_OTHERWISE = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """What is told to all members: an answer, written."""

    seq: int | None
    """Of the event that it tells; None: it is the last one, whatever was told before."""
    text: bytes = b""
    people: frozenset[object] = frozenset()
    """Whose personal data it shows."""
    failure: Answer | None = None
    """What is said instead where the stream cannot go on."""

    @property
    def answer(self) -> Ready:
        """Return what goes out."""
        return self.failure or orjson.Fragment(self.text)


class Member:
    """One who follows with others."""

    def __init__(self, context: Context, send: Send | None, key: tuple[Any, ...], *, waiting_max: int) -> None:
        """Take who it is; `send`: how answers go out without being taken."""
        self.key = key
        self.left: Left | None = None
        self.seq = -1
        """Of the event that was told last."""
        self.context = context
        self._send = send
        self._waiting: deque[Told] = deque()
        self._waiting_max = waiting_max
        self._news = asyncio.Event()
        self.is_following = False
        """Whether it has read what it missed."""

    def tell(self, told: Told) -> None:
        """Send this, or let it wait to be taken."""
        if self.left is not None or (told.seq is not None and told.seq <= self.seq):
            return
        is_next = self.is_following and not self._waiting and told.seq is not None
        if is_next and self._send is not None and self._send(told.text):
            self._note(told)
            return
        if len(self._waiting) >= self._waiting_max:
            self.leave(Left.FELL_BEHIND)
            return
        self._waiting.append(told)
        self._news.set()

    def leave(self, why: Left) -> None:
        """Be told nothing any more."""
        self.left = why
        self._waiting.clear()
        self._news.set()

    async def take(self, *, behind: Place) -> AsyncGenerator[Ready]:
        """Yield what is told behind a place and was not sent, until the member has left."""
        self.seq, self.is_following = behind.seq, True
        while self.left is None:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            told = self._waiting.popleft()
            if told.seq is None:
                self.left = Left.OVER
            elif told.seq <= self.seq:  # it has read that by itself
                continue
            self._note(told)
            self.context.reached = None if told.seq is None else Place(behind.epoch, told.seq)
            yield told.answer

    def _note(self, told: Told) -> None:
        self.seq = self.seq if told.seq is None else told.seq
        if told.people:
            self.context.add_people(told.people)


@dataclass(slots=True, eq=False)
class Group:
    """Those who are told the same."""

    prepared: Prepared
    context: Context
    seq: int
    """Of the event that was told last: whoever joins has read as far."""
    members: dict[Member, None] = field(default_factory=dict)
    is_over: bool = False
    """Whether the stream has ended, so that nobody may join."""
    task: asyncio.Task[None] | None = None

    async def run(self, operations: Operations, failure: Failure) -> None:
        """Tell the members what happens, as it happens, until the stream ends."""
        try:
            found = await operations.subscribe(self.prepared, self.context, is_again=True)
            if isinstance(found, dict):
                await self._tell(Told(None, failure=found))
                return
            async with aclosing(found) as answers:
                async for answer in answers:
                    is_cut_short = "data" not in answer
                    await self._tell(Told(None, failure=answer) if is_cut_short else self._told(answer))
        except Exception:  # noqa: BLE001  the clients get an answer that they can read
            _log.exception("operation failed", request_id=self.context.request_id)
            await self._tell(Told(None, failure=failure(self.context.request_id)))
        finally:
            self.is_over = True
            await self.context.close()

    def _told(self, answer: Answer) -> Told:
        following = self.context.following
        seq = None if following.is_over or following.place is None else following.place.seq
        return Told(seq, written(answer), self.context.take_people())

    async def _tell(self, told: Told) -> None:
        if told.seq is None:
            self.is_over = True
        else:
            self.seq = told.seq  # whoever joins while the others are told has read it
        for number, member in enumerate(tuple(self.members), 1):
            member.tell(told)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)


class Groups:
    """All who follow something in this process."""

    def __init__(self, operations: Operations, works: Works, failure: Failure) -> None:
        """Start with nobody. `failure`: what is said where something went wrong here."""
        self.waiting_max = WAITING_MAX
        self._operations = operations
        self._works = works
        self._failure = failure
        self._groups: dict[tuple[Any, ...], Group] = {}
        self._members: dict[Context, tuple[Prepared, Member]] = {}

    @property
    def count(self) -> int:
        """Return how many groups there are."""
        return len(self._groups)

    @property
    def member_count(self) -> int:
        """Return how many follow."""
        return sum(member.is_following and member.left is None for _, member in self._members.values())

    def recognise(self, context: Context) -> None:
        """Let a member go elsewhere whose actor is shown something else now."""
        if context in self._members:
            prepared, member = self._members[context]
            if member.key != _key_of(prepared, context.actor):
                member.leave(Left.SEES_OTHERWISE)

    async def answers(self, prepared: Prepared, context: Context, *, send: Send | None = None) -> AsyncGenerator[Ready]:
        """Yield the answers of a subscription as they come, but for those that are sent."""
        found = await self._operations.subscribe(prepared, context)
        if not isinstance(found, dict) and not context.is_following:  # what holds for a moment is told to each
            async with aclosing(found) as own:
                async for answer in own:
                    yield answer
            return
        while not isinstance(found, dict):
            member = Member(context, send, _key_of(prepared, context.actor), waiting_max=self.waiting_max)
            async with aclosing(self._followed(prepared, member, found)) as followed:
                async for ready in followed:
                    yield ready
            if member.left is Left.OVER:
                return
            found = await self._operations.subscribe(prepared, context, is_again=True)
        yield found

    async def _followed(self, prepared: Prepared, member: Member, own: AsyncGenerator[Answer]) -> AsyncGenerator[Ready]:
        """Yield what one subscriber is told, until they are no member any more."""
        with self._known(prepared, member):
            async with aclosing(own), aclosing(self._follow(prepared, member, own)) as answers:
                async for ready in answers:
                    yield ready

    @contextmanager
    def _known(self, prepared: Prepared, member: Member) -> Iterator[None]:
        """Find a member by its context while the block lasts."""
        self._members[member.context] = prepared, member
        try:
            yield
        finally:
            del self._members[member.context]

    async def _follow(self, prepared: Prepared, member: Member, own: AsyncGenerator[Answer]) -> AsyncGenerator[Ready]:
        """Yield what the subscriber missed, and then what all are told, until it has left; say where it goes on."""
        end = await self._works.feed.end()
        following = member.context.following
        async with self._joined(prepared, member, end) as group:
            async with aclosing(_missed(member, own, end=end, told=group.seq)) as missed:
                async for ready in missed:
                    yield ready
            await own.aclose()
            async with aclosing(member.take(behind=following.place or end)) as taken:
                async for ready in taken:
                    yield ready
        member.context.following = self._going_on(member, end)

    def _going_on(self, member: Member, end: Place) -> Following:
        """Return where somebody goes on who has left."""
        feed = self._works.feed
        if member.left is Left.FELL_BEHIND:
            return Following(feed, resync=ResyncReason.FELL_BEHIND)
        return Following(feed, place=Place(end.epoch, member.seq))

    @asynccontextmanager
    async def _joined(self, prepared: Prepared, member: Member, end: Place) -> AsyncIterator[Group]:
        """Be one of those who are told the same, from now on; the last one ends it."""
        group = self._groups.get(member.key)
        if group is None or group.is_over:
            group = self._groups[member.key] = Group(prepared, self._context(prepared, member.context.actor), end.seq)
            group.context.following = Following(self._works.feed, place=end)
            running = group.run(self._operations, self._failure)
            group.task = asyncio.create_task(running, context=contextvars.Context())
        group.members[member] = None
        try:
            yield group
        finally:
            del group.members[member]
            if not group.members:
                await self._end(member.key, group)

    async def _end(self, key: tuple[Any, ...], group: Group) -> None:
        if self._groups.get(key) is group:
            del self._groups[key]
        if group.task is not None:
            group.task.cancel()
            await asyncio.wait([group.task])

    def _context(self, prepared: Prepared, actor: Actor) -> Context:
        """Return the context of a group: the actor is anyone of its members, or the only one that they all are."""
        is_known = prepared.document.sharing.is_own or actor.kind in (ActorKind.CUSTOMER, ActorKind.ANONYMOUS)
        return Context(self._works, actor=actor if is_known else Anyone(actor), request_id=new_id().hex)


async def _missed(member: Member, own: AsyncGenerator[Answer], *, end: Place, told: int) -> AsyncGenerator[Ready]:
    """Yield what a subscriber missed, read by itself: up to the end, and as far as the others were told."""
    following = member.context.following
    begin = following.place or end
    if not following.is_resync and begin == end and told <= begin.seq:
        return
    following.end_where_read(begin)
    try:
        async for answer in own:
            is_cut_short = "data" not in answer
            member.context.reached = None if following.is_over or is_cut_short else following.place
            yield answer if is_cut_short else orjson.Fragment(written(answer))
    except CaughtUp:
        return
    member.left = Left.OVER  # it was told to read everything anew, or to come back


def _key_of(prepared: Prepared, actor: Actor) -> tuple[Any, ...]:
    """Return by what subscribers differ: what they ask, and what they are shown."""
    sharing = prepared.document.sharing
    variables = {name: value for name, value in (prepared.operation.variables or {}).items() if name != sharing.cursor}
    asked = (id(prepared.document), orjson.dumps(variables, option=orjson.OPT_SORT_KEYS))
    shown = (actor.powers, actor.customer_id, actor.store_ids)
    return (*asked, *shown, actor.scope) if sharing.is_own else (*asked, *shown)
