"""Lists that can grow: Relay connections over keyset pages."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.base.database import Session
from domain.base.pages import Page
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.views import derived, view

NodeType = TypeVar("NodeType")

Count = Callable[[Session, Sequence[UUID | None]], Awaitable[Sequence[int]]]
"""Counts whole lists: given the parents' keys, the counts aligned to them."""


@view(description="Where a page of a list stands in it.")
class PageInfo:
    """See the description."""

    page: strawberry.Private[Page[Any]]
    has_next_page: bool = derived("Whether there is more after this page.", of=lambda own: own.page.has_next)
    has_previous_page: bool = derived("Whether there is more before this page.", of=lambda own: own.page.has_previous)
    start_cursor: str | None = derived(
        "The cursor of the first item: send it as `before` for the page before.", of=lambda own: own.cursor_at(0)
    )
    end_cursor: str | None = derived(
        "The cursor of the last item: send it as `after` for the next page.", of=lambda own: own.cursor_at(-1)
    )

    def cursor_at(self, place: int) -> str | None:
        """Return where an item of the page stands; None where the page has none."""
        return self.page.cursor(self.page.items[place]) if self.page.items else None


@view(description="An item of a list, with its position.")
class Edge(Generic[NodeType]):
    """See the description."""

    page: strawberry.Private[Page[Any]]
    item: strawberry.Private[Any]
    make: strawberry.Private[Callable[[Any], Any]]
    cursor: str = derived(
        "The opaque position of this item in this order of the list.", of=lambda own: own.page.cursor(own.item)
    )
    node: NodeType = derived("The item.", of=lambda own: own.make(own.item))


@dataclass(slots=True)
class Total:
    """How a whole list is counted, and which of several lists it is."""

    count: Count
    key: UUID | None = None


def count_of(count: Callable[[Session], Awaitable[int]]) -> Count:
    """Return the count of the one list that a root field has."""

    async def count_once(session: Session, keys: Sequence[UUID | None]) -> list[int]:
        return [await count(session)] * len(keys)

    return count_once


@view(description="One page of a list, and what is known of the whole list.")
class Connection(Generic[NodeType]):
    """See the description."""

    page: strawberry.Private[Page[Any]]
    make: strawberry.Private[Callable[[Any], Any]]
    total: strawberry.Private[Total]
    edges: list[Edge[NodeType]] = derived(
        "The items, each with its cursor.",
        of=lambda own: [Edge(page=own.page, item=item, make=own.make) for item in own.page.items],
    )
    nodes: list[NodeType] = derived(
        "The items, without cursors.", of=lambda own: [own.make(item) for item in own.page.items]
    )
    page_info: PageInfo = derived("Where this page stands.", of=lambda own: PageInfo(page=own.page))

    @batched(description="How many items the whole list has. Counted only when asked for.", reads=())
    async def total_count(connections: list["Connection[Any]"], info: Info) -> list[int]:  # noqa: N805
        """Count all lists of a level in one statement."""
        async with info.context.reading() as session:
            return list(await connections[0].total.count(session, [each.total.key for each in connections]))


def connect(page: Page[Row[Any]], make: Callable[[Row[Any]], NodeType], *, total: Total) -> Connection[NodeType]:
    """Return the page as clients see it."""
    return Connection(page=page, make=make, total=total)
