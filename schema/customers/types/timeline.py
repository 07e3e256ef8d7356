"""The one order over everything that happened with a customer.

An area lets its things appear in timelines by two lines: a reaction that calls `place_in_timeline`
(domain/customers/actions/timeline.py), and here, above the function that reads them,

    @shown_in_timeline("ORDER", type_name="Order", description="An order.", policy=ORDERS)
    async def load_orders(info: Info, ids: Sequence[UUID]) -> list[Order | None]: ...

Once every area has said what it has, `declare_timeline` adds the field: the kinds are then an enum.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import Row
from strawberry import UNSET

from domain.base.pages import EMPTY, Page, check_page
from domain.customers.repository.timeline import list_entries_by_family
from schema.base.batched import batched
from schema.base.connections import PageInfo
from schema.base.context import Info
from schema.base.descriptions import After, Before, First, Last, described_enum, given, shown
from schema.base.extends import extends
from schema.base.nodes import Node, loads
from schema.base.policies import Policy
from schema.base.views import derived, view
from schema.customers.types.customers import Customer

_Load = Callable[[Info, Sequence[UUID]], Awaitable[Sequence[Any]]]


@strawberry.interface(description="Something that happened with a customer, whatever the area it belongs to.")
class TimelineItem(Node):
    """See the description."""

    occurred_at: datetime = shown("When it happened.")
    summary: str = shown("One line that says what it was.")


@view(description="An item of a timeline, with its position.")
class TimelineEdge:
    """See the description."""

    page: strawberry.Private[Page[Any]]
    row: strawberry.Private[Any]
    cursor: str = derived("The opaque position of this item in the timeline.", of=lambda own: own.page.cursor(own.row))
    node: TimelineItem = shown("The item.")


@view(description="One page of a timeline.")
class TimelineConnection:
    """See the description."""

    page: strawberry.Private[Page[Any]]
    items: strawberry.Private[dict[UUID, TimelineItem]]
    edges: list[TimelineEdge] = derived(
        "The items, each with its cursor.",
        of=lambda own: [TimelineEdge(page=own.page, row=row, node=own.items[row.id]) for row in own.page.items],
    )
    nodes: list[TimelineItem] = derived(
        "The items, without cursors.", of=lambda own: [own.items[row.id] for row in own.page.items]
    )
    page_info: PageInfo = derived("Where this page stands.", of=lambda own: PageInfo(page=own.page))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of things in timelines."""

    description: str
    load: _Load
    policy: Policy


_KINDS: dict[str, _Kind] = {}


def shown_in_timeline(kind: str, *, type_name: str, description: str, policy: Policy) -> Callable[[_Load], _Load]:
    """Declare how things of a kind are read, as nodes and in timelines. Who may not read them is not told of them."""

    def declare(load: _Load) -> _Load:
        _KINDS[kind] = _Kind(description=description, load=load, policy=policy)
        return loads(type_name, policy=policy)(load)

    return declare


def declare_timeline() -> None:
    """Add `Customer.timeline`, whose kinds are those that the areas have declared."""
    if any(field.python_name == "timeline" for field in Customer.__strawberry_definition__.fields):  # type: ignore[attr-defined]
        return
    kind_names: Any = StrEnum("TimelineKind", {name: name for name in sorted(_KINDS)})  # type: ignore[misc]
    kinds = described_enum(
        kind_names,
        name="TimelineKind",
        description="What sort of thing happened.",
        values={kind_names(name): kind.description for name, kind in _KINDS.items()},
    )

    async def timeline(
        customers: list[Customer],
        info: Info,
        kind: Any = UNSET,  # noqa: ANN401
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> list[TimelineConnection]:
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        keys = [customer.key for customer in customers]
        wanted = [str(each) for each in given(kind) or _KINDS]
        visible = [name for name in _KINDS if name in wanted and _KINDS[name].policy.allows(info.context.actor)]
        if not visible:
            return [TimelineConnection(page=EMPTY, items={}) for _ in keys]
        async with info.context.reading() as session:
            pages = await list_entries_by_family(session, keys, kinds=visible, page=page)
        items = await _load_items(info, [row for each in pages for row in each.items])
        return [TimelineConnection(page=each, items=items) for each in pages]

    timeline.__annotations__["kind"] = _kind_argument(kinds)
    extends(Customer)(
        batched(
            description="Everything that ever happened with this customer, over all channels, newest first.", reads=()
        )(timeline)
    )


def _kind_argument(kinds: Any) -> Any:  # noqa: ANN401  a type that is made at run time
    return Annotated[list[kinds] | None, strawberry.argument(description="Only these kinds; left out, all.")]


async def _load_items(info: Info, rows: Sequence[Row[Any]]) -> dict[UUID, TimelineItem]:
    """Read what the entries stand for: one call for each kind among them."""
    by_kind: dict[str, list[UUID]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.id)
    loaded = await asyncio.gather(*(_KINDS[kind].load(info, ids) for kind, ids in by_kind.items()))
    found = zip(by_kind.values(), loaded, strict=True)
    return {key: item for ids, items in found for key, item in zip(ids, items, strict=True) if item is not None}
