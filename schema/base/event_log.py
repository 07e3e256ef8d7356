"""Everything that happens, over all areas: followed live, or pulled page by page by who has no socket.

An area lets its events appear by declaring, above the function that makes an item of one,

    @told_to_all(events.NotesRead, shows=ConversationRead, policy=TEAM)
    async def show_notes_read(info: Info, told: Sequence[Committed]) -> list[ConversationRead | None]: ...

The items are read when they are sent, by whoever listens: the function returns None for what they may not see. A stream
shows one event at a time, a page all of it at once.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, Union

import strawberry
from strawberry import UNSET

from domain.base.errors import Invalid
from domain.base.events import Event
from domain.base.feed import Committed, Place, ResyncNeeded, check_cursor, find_end
from schema.base.context import Info
from schema.base.descriptions import described_enum, given, shown
from schema.base.events import AfterCursor, ResyncRequired, begin_after, until_resync
from schema.base.extends import extends
from schema.base.policies import Policy
from schema.base.scalars import Cursor

PAGE_SIZE, PAGE_SIZE_MAX = 50, 100

_PULLED = (
    "What happened behind a cursor, as far as whoever asks sees it: the stream of everything, pulled. Ask again with "
    "`endCursor`. For staff and programs."
)
_FOLLOWED = (
    "Everything that happens, over all customers and areas, as far as whoever asks sees it. For staff and programs."
)

Show: TypeAlias = Callable[[Info, Sequence[Committed]], Awaitable[Sequence[Any]]]
"""Makes the items of events, one for each; None for what whoever listens may not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How events of one kind are shown."""

    show: Show
    shows: type
    policy: Policy


_KINDS: dict[type[Event], _Kind] = {}


def told_to_all(event: type[Event], *, shows: type, policy: Policy) -> Callable[[Show], Show]:
    """Declare how events of a kind are shown, and to whom. Others are not told of them."""

    def declare(show: Show) -> Show:
        _KINDS[event] = _Kind(show=show, shows=shows, policy=policy)
        return show

    return declare


def declare_event_log(query: type, subscription: type) -> None:
    """Add `events` to both, whose items are those that the areas have declared."""
    types = list(dict.fromkeys(kind.shows for kind in _KINDS.values()))
    names: Any = StrEnum("EventType", {each.__name__: each.__name__ for each in types})  # type: ignore[misc]
    listed = described_enum(
        names,
        name="EventType",
        description="What sort of thing happened: the name of the item's type.",
        values={names(each.__name__): each.__strawberry_definition__.description for each in types},  # type: ignore[attr-defined]
    )
    wanted: Any = Annotated[
        list[listed] | None,  # type: ignore[valid-type]
        strawberry.argument(description="Only these types; left out, all."),
    ]
    item: Any = Annotated[
        Union[(*types, ResyncRequired)],
        strawberry.union("EventStreamItem", description="What the stream of everything sends."),
    ]
    page = _page_type(item)

    async def pull(self: Any, info: Info, after: Any, first: Any = UNSET, types: Any = UNSET) -> Any:  # noqa: ANN401, ARG001
        return await _pull(info, page, after=after, first=given(first), types=given(types))

    async def follow(self: Any, info: Info, after: Any = UNSET, types: Any = UNSET) -> Any:  # noqa: ANN401, ARG001
        begin_after(info, after)
        return until_resync(info, _seen(info, list_told_kinds(given(types))))

    pull.__annotations__ |= {
        "after": Annotated[Cursor, strawberry.argument(description="Only what was committed behind this cursor.")],
        "first": Annotated[
            int | None, strawberry.argument(description=f"How many events at most are looked at, 1 to {PAGE_SIZE_MAX}.")
        ],
        "types": wanted,
        "return": page | None,
    }
    follow.__annotations__ |= {"after": AfterCursor, "types": wanted, "return": AsyncGenerator[item, None]}
    pull.__name__ = follow.__name__ = "events"
    extends(query)(strawberry.field(resolver=pull, description=_PULLED))
    extends(subscription)(strawberry.subscription(resolver=follow, description=_FOLLOWED))


def _page_type(item: Any) -> Any:  # noqa: ANN401
    class EventPage:
        """See the description."""

    EventPage.__annotations__ = {"items": list[item], "end_cursor": Cursor, "has_next_page": bool}
    descriptions = {
        "items": "What happened, in the order of the commits.",
        "end_cursor": "Where to ask on, whether there were items or not.",
        "has_next_page": "Whether there was more behind it at that moment.",
    }
    for name, description in descriptions.items():
        setattr(EventPage, name, shown(description))
    return strawberry.type(EventPage, description="A page of what happened.")


def list_told_kinds(types: Collection[str] | None = None) -> frozenset[type[Event]]:
    """Return the kinds of events that are shown as one of these types; None: all."""
    return frozenset(event for event, kind in _KINDS.items() if types is None or kind.shows.__name__ in set(types))


async def _shown(info: Info, told: Sequence[Committed]) -> list[Any]:
    """Return what happened as who asks may see it now, in its order; what is shown the same way is read together."""
    together: defaultdict[Show, list[Committed]] = defaultdict(list)
    for committed in told:
        kind = _KINDS[type(committed.event)]
        if kind.policy.allows(info.context.actor):
            together[kind.show].append(committed)
    items: dict[Place, Any] = {}
    for show, same in together.items():
        items |= zip((committed.place for committed in same), await show(info, same), strict=True)
    return [item for committed in told if (item := items.get(committed.place)) is not None]


async def _pull(info: Info, page: Any, *, after: str, first: int | None, types: Any) -> Any:  # noqa: ANN401
    size = PAGE_SIZE if first is None else first
    if not 1 <= size <= PAGE_SIZE_MAX:
        message = f"first is from 1 to {PAGE_SIZE_MAX}."
        raise Invalid(message)
    place, wanted = check_cursor(after), list_told_kinds(types)
    feed = info.context.works.feed
    try:
        found = await feed.read_after(place)
    except ResyncNeeded as needed:
        async with info.context.reading() as session:
            end = await find_end(session)
        return page(items=[ResyncRequired(reason=needed.reason)], end_cursor=Cursor(end.cursor), has_next_page=False)
    looked_at = found[:size]
    return page(
        items=await _shown(info, [each for each in looked_at if type(each.event) in wanted]),
        end_cursor=Cursor(looked_at[-1].cursor if looked_at else after),
        has_next_page=len(found) > size,
    )


async def _seen(info: Info, wanted: frozenset[type[Event]]) -> AsyncGenerator[Any, None]:
    async with info.context.following.listen(lambda event: type(event) in wanted, topics=wanted) as listener:
        while True:
            items = await _shown(info, [await listener.take()])
            await info.context.close_reading()  # nothing is held while the next event is waited for
            for item in items:
                yield item
