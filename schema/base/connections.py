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
from schema.base.descriptions import shown

NodeType = TypeVar("NodeType")

Count = Callable[[Session, Sequence[UUID | None]], Awaitable[Sequence[int]]]
"""Counts whole lists: given the parents' keys, the counts aligned to them."""


@strawberry.type(description="Where a page of a list stands in it.")
class PageInfo:
    """See the description."""

    has_next_page: bool = shown("Whether there is more after this page.")
    has_previous_page: bool = shown("Whether there is more before this page.")
    start_cursor: str | None = shown("The cursor of the first item: send it as `before` for the page before.")
    end_cursor: str | None = shown("The cursor of the last item: send it as `after` for the next page.")


@strawberry.type(description="An item of a list, with its position.")
class Edge(Generic[NodeType]):
    """See the description."""

    cursor: str = shown("The opaque position of this item in this order of the list.")
    node: NodeType = shown("The item.")


@dataclass(frozen=True, slots=True)
class Total:
    """How a whole list is counted, and which of several lists it is."""

    count: Count
    key: UUID | None = None


def count_of(count: Callable[[Session], Awaitable[int]]) -> Count:
    """Return the count of the one list that a root field has."""

    async def count_once(session: Session, keys: Sequence[UUID | None]) -> list[int]:
        return [await count(session)] * len(keys)

    return count_once


@strawberry.type(description="One page of a list, and what is known of the whole list.")
class Connection(Generic[NodeType]):
    """See the description."""

    edges: list[Edge[NodeType]] = shown("The items, each with its cursor.")
    nodes: list[NodeType] = shown("The items, without cursors.")
    page_info: PageInfo = shown("Where this page stands.")
    total: strawberry.Private[Total]

    @batched(description="How many items the whole list has. Counted only when asked for.")
    async def total_count(connections: list["Connection[Any]"], info: Info) -> list[int]:  # noqa: N805
        """Count all lists of a level in one statement."""
        async with info.context.reading() as session:
            return list(await connections[0].total.count(session, [each.total.key for each in connections]))


def connect(page: Page[Row[Any]], make: Callable[[Row[Any]], NodeType], *, total: Total) -> Connection[NodeType]:
    """Return the page as clients see it."""
    nodes = [make(row) for row in page.items]
    return Connection(
        edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
        total=total,
    )
