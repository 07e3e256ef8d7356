"""What every resolver is given: who asks, and the doors to the domain."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import strawberry
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain.base.actors import SYSTEM, Actor, Caller
from domain.base.database import Session, typed_error, typed_errors
from domain.base.errors import StorageFull
from domain.base.feed import Place
from domain.base.following import Following
from domain.base.lanes import Lane
from domain.base.readings import note_reading
from domain.base.repository.rows import Columns
from domain.base.work import Once, Work, Works
from schema.base.budgets import ThrottleStatus
from schema.base.gatherer import Gatherer

_Answer = TypeVar("_Answer")
_log = structlog.get_logger(__name__)


_PERSON_NAMES = ("person_key", "customer_key", "key")
"""Under which an object says whom it is about; the first that it has counts."""


@cache
def _person_names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401  a class
    """Return the attributes of objects of a class that say whom they are about."""
    fields = {field.name for field in fields_of(kind)} if is_dataclass(kind) else set()
    return tuple(name for name in _PERSON_NAMES if name in fields or hasattr(kind, name))


class Context:
    """One request: it reads from one snapshot, in one session that its resolvers take turns with."""

    def __init__(self, works: Works, *, actor: Actor, request_id: str, client_address: str | None = None) -> None:
        """Take the doors; no connection is used before something is read."""
        self.actor = actor
        self.request_id = request_id
        self.client_address = client_address
        self.throttle_status: Callable[[], ThrottleStatus] | None = None
        """Tells what the caller may still ask."""
        self.gatherer = Gatherer()
        self.is_lone = False
        """Whether the document asks one thing only, so that what reads it once needs no transaction around it."""
        self.wanted: Mapping[str, Columns] = {}
        """What the document needs of the rows behind each type; what is not in it is read whole."""
        self.resumes_after: str | None = None
        """Behind which cursor the client's stream goes on, where its connection was lost and it says so by itself."""
        self.reached: Place | None = None
        """Where the client goes on in the event log, once it has the answer that was made last; None: nowhere."""
        self.works = works
        self._following: Following | None = None
        self._stays: AsyncExitStack | None = None
        self._people: set[object] = set()
        self._is_closed = False
        self._turn = asyncio.Lock()
        self._lane: Lane | None = None

    @property
    def now(self) -> datetime:
        """Return the present instant."""
        return self.works.clock.now()

    @property
    def following(self) -> Following:
        """Return what follows the event log for a subscription."""
        if self._following is None:
            self._following = Following(self.works.feed)
        return self._following

    @following.setter
    def following(self, following: Following) -> None:
        """Say where a subscription begins and ends, whatever the client asked for."""
        self._following = following

    @property
    def is_following(self) -> bool:
        """Tell whether a subscription follows the event log."""
        return self._following is not None

    @property
    def caller(self) -> Caller:
        """Return who asks, from where and in which request."""
        return Caller(actor=self.actor, address=self.client_address, request_id=self.request_id)

    def columns(self, type_name: str) -> Columns:
        """Return which columns of a type's rows are read; None: all."""
        return None if self.actor.is_masked else self.wanted.get(type_name)

    def note_personal(self, source: object) -> None:
        """Note that personal data of whoever this object is about were shown whole."""
        self.note_people([source])

    def note_people(self, sources: Sequence[object]) -> None:
        """Note that personal data of whomever these objects are about were shown whole; all are of one type."""
        kind: Any = type(sources[0])
        names = _person_names(kind)
        if len(names) == 1:
            self._people.update(map(attrgetter(names[0]), sources))
            return
        for source in sources:
            keys = (getattr(source, name) for name in names)
            self._people.add(next((key for key in keys if key is not None), None))

    def take_people(self) -> frozenset[object]:
        """Return whose personal data were shown whole, and forget it."""
        if not self._people:
            return frozenset()
        people, self._people = self._people, set()
        return frozenset(people)

    def add_people(self, people: Collection[object]) -> None:
        """Note that personal data of these were shown whole."""
        self._people.update(people)

    async def tell_reading(self) -> None:
        """Tell the audit log whose data were read, where they were many; called once the answer is sent."""
        people = self.take_people()
        if not people:
            return
        try:
            await note_reading(self.works, actor=self.actor, request_id=self.request_id, person_count=len(people))
        except (StorageFull, SQLAlchemyError, OSError):
            _log.exception("a reading is missing in the audit log", person_count=len(people))

    def reading(self, *, is_single: bool = False) -> "_Turn":
        """Return a block with the request's session for reading; whoever comes meanwhile waits for their turn.

        `is_single`: for one statement only; where nothing else is asked, it needs no transaction to see one snapshot.
        """
        return _Turn(self, is_single=is_single)

    async def perform(self, story: Callable[[Work], Awaitable[UUID]], *, action: str, once: Once | None = None) -> UUID:
        """Perform a write as this actor; what is read afterwards is read anew."""
        await self.close_reading()
        return await self.works.perform_once(
            story, once=once, actor=self.actor, action=action, request_id=self.request_id
        )

    async def perform_as_system(self, story: Callable[[Work], Awaitable[_Answer]], *, action: str) -> _Answer:
        """Perform a write that the product owes itself, such as renewing what it computes; not the actor's."""
        await self.close_reading()
        return await self.works.perform(story, actor=SYSTEM, action=action, request_id=self.request_id)

    async def close_reading(self) -> None:
        """Give the session back; the next read sees what was committed until then."""
        if self._lane is None and not self._turn.locked():
            return
        async with self._turn:
            await self._give_back()

    async def _begin(self, *, is_single: bool) -> Session:
        if self._is_closed:
            message = "the request is over"
            raise RuntimeError(message)
        if self._lane is None:
            with typed_errors():
                is_single = is_single and self.is_lone
                self._lane = await self.works.database.take_lane(self.actor.sight, is_single=is_single)
        return self._lane.session

    async def _give_back(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            await self.works.database.lanes.give_back(lane)

    async def stay(self, block: AbstractAsyncContextManager[None]) -> None:
        """Enter a block that ends when the request does, or its stream."""
        if self._stays is None:
            self._stays = AsyncExitStack()
        await self._stays.enter_async_context(block)

    async def close(self) -> None:
        """Give back everything that the request holds; nothing is read for it any more."""
        self._is_closed = True
        if self._stays is not None:
            await self._stays.aclose()
        await self.gatherer.close()
        await self.close_reading()


class _Turn:
    """A block in which a resolver has the request's session to itself."""

    __slots__ = ("_context", "_is_single")

    def __init__(self, context: Context, *, is_single: bool) -> None:
        self._context = context
        self._is_single = is_single

    async def __aenter__(self) -> Session:
        context = self._context
        await context._turn.acquire()  # noqa: SLF001  a part of it
        try:
            return await context._begin(is_single=self._is_single)  # noqa: SLF001
        except BaseException:
            context._turn.release()  # noqa: SLF001
            raise

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if isinstance(error, SQLAlchemyError):
                # An error ends PostgreSQL's transaction: whoever comes next reads in another one.
                await self._context._give_back()  # noqa: SLF001
        finally:
            self._context._turn.release()  # noqa: SLF001
        if isinstance(error, DBAPIError) and (typed := typed_error(error)) is not None:
            raise typed from error


Info: TypeAlias = strawberry.Info[Context, None]
