"""Every query about orders and their lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import (
    Groups,
    Ordering,
    Page,
    PageRequest,
    list_page,
    list_pages_by_group,
)
from domain.base.repository.rows import Columns, chunks, columns_of, rows_by_id, rows_by_parent
from domain.base.statements import among, prepared
from domain.customers.repository.families import (
    hold_families_of,
    is_in_family,
    locked_families,
    members,
    note_held,
)
from domain.orders.errors import OrderNotFound
from domain.orders.model import (
    Order,
    OrderLine,
)
from domain.orders.repository.sight import is_order_seen, is_part_seen

NEWEST_ORDERS = Ordering("orders", (Order.placed_at, Order.id), is_descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a list is about; None and empty mean all."""

    customer_id: UUID | None = None
    store_ids: Sequence[UUID] | None = None
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    search: str | None = None
    email_key: str | None = None


async def list_orders(
    session: AsyncSession, *, wanted: OrderFilter, page: PageRequest, columns: Columns = None
) -> Page[Row[Any]]:
    """Return one page of the orders that the filter names, the newest first, so much of them as is wanted."""
    return await list_page(
        session,
        lambda: _narrowed(select(*columns_of(Order, columns, "id", "placed_at")), wanted).where(is_order_seen(session)),
        ordering=NEWEST_ORDERS,
        page=page,
        key=("orders", columns) if wanted == OrderFilter() else None,
    )


async def count_orders(session: AsyncSession, *, wanted: OrderFilter) -> int:
    """Return how many orders the filter names."""
    statement = _narrowed(select(func.count()).select_from(Order), wanted).where(is_order_seen(session))
    count: int = (await session.execute(statement)).scalar_one()
    return count


async def list_orders_by_id(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, Row[Any]]:
    """Return the orders by their ids."""
    return await rows_by_id(session, Order, ids, where=(is_order_seen, Order), columns=columns)


async def find_order_by_external_id(session: AsyncSession, external_id: str) -> Row[Any] | None:
    """Return the order with this external id."""
    statement = select(*Order.__table__.c).where(Order.external_id == external_id, is_order_seen(session))
    return (await session.execute(statement)).one_or_none()


async def list_orders_by_customer(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest, columns: Columns = None
) -> list[Page[Row[Any]]]:
    """Return a page of orders for each customer, with all their family's, the newest first, aligned to `ids`."""
    return await list_pages_by_group(
        session,
        Order,
        Groups(
            ("by customer",),
            lambda: members(session),
            lambda family, order: (order.customer_id == family.c.id) & is_order_seen(session, order),
        ),
        keys=ids,
        ordering=NEWEST_ORDERS,
        page=page,
        columns=columns,
    )


async def list_lines_by_order(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, list[Row[Any]]]:
    """Return each order's lines in the shop's order."""
    order_by = (OrderLine.position, OrderLine.id)
    return await rows_by_parent(session, OrderLine.order_id, ids, order_by=order_by, columns=columns, needed=())


async def list_lines_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the order lines by their ids."""
    return await rows_by_id(session, OrderLine, ids, where=(is_part_seen, OrderLine.order_id))


async def lock_buyers(
    session: AsyncSession, *, ids: Iterable[UUID | None] = (), external_ids: Iterable[str | None] = ()
) -> None:
    """Lock the families of those whose orders these are: always before the orders, as an erasure locks both."""
    named = {
        "ids": (Order.id, [each for each in ids if each is not None]),
        "external_ids": (Order.external_id, [each for each in external_ids if each is not None]),
    }
    given = {name: values for name, (_, values) in named.items() if values}

    def owners() -> Select[Any]:
        is_meant = or_(*(among(session, named[name][0], name) for name in given))
        return select(Order.customer_id.label("id")).where(is_meant, Order.customer_id.is_not(None)).distinct()

    if given:
        await hold_families_of(session, ("buyers", *given), owners, **given)


async def lock_orders(session: AsyncSession, *, ids: Sequence[UUID], external_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Return the orders with these ids or external ids, locked after the families of those whose they are.

    In one statement: that it counts the families is what makes PostgreSQL lock all of them before the first order.
    """

    def build() -> Select[Any]:
        is_meant = or_(among(session, Order.id, "ids"), among(session, Order.external_id, "external_ids"))
        owners = select(Order.customer_id.label("id")).where(is_meant, Order.customer_id.is_not(None))
        locked = locked_families(owners.distinct().cte("owners"))
        family_count = select(func.count()).select_from(locked).scalar_subquery()
        found = (
            select(*Order.__table__.c)
            .where(is_meant, family_count >= literal_column("0"))
            .order_by(Order.id)
            .with_for_update(key_share=True)
            .cte("found")
        )
        joined = found.join(locked, locked.c.record_id == found.c.customer_id, full=True)
        return select(*found.c, *locked.c).select_from(joined)

    if not ids and not external_ids:
        return []
    rows = await prepared(session, ("lock orders",), build).rows(session, ids=ids, external_ids=external_ids)
    orders = [row for row in rows if row.id is not None]
    owner_ids = [order.customer_id for order in orders if order.customer_id is not None]
    await note_held(session, rows, owner_ids=owner_ids)
    return orders


async def list_orders_for_update(session: AsyncSession, external_ids: Iterable[str]) -> dict[str, Order]:
    """Return the orders by their external ids, locked, always in the same order."""

    def build() -> Select[Any]:
        is_meant = among(session, Order.external_id, "external_ids")
        return select(Order.id).where(is_meant).order_by(Order.id).with_for_update(key_share=True)

    statement = prepared(session, ("orders for update",), build)
    locked = await statement.rows(session, external_ids=list(dict.fromkeys(external_ids)))
    found: dict[str, Order] = {}
    for chunk in chunks(row.id for row in locked):  # mostly there is none: what comes from the shop is new
        of_chunk = await session.scalars(select(Order).where(Order.id.in_(chunk)))
        found.update({order.external_id: order for order in of_chunk})
    return found


async def get_order_for_update(session: AsyncSession, *, order_id: UUID | None, external_id: str | None) -> Order:
    """Return the order with this id or external id, locked. Raises `OrderNotFound`."""
    is_meant = Order.id == order_id if order_id is not None else Order.external_id == external_id
    order = (await session.scalars(select(Order).where(is_meant).with_for_update(key_share=True))).one_or_none()
    if order is None:
        raise OrderNotFound(field=("order_id",) if order_id is not None else ("order_external_id",))
    return order


async def list_lines_for_update(session: AsyncSession, order_ids: Iterable[UUID]) -> dict[UUID, list[OrderLine]]:
    """Return each order's lines in the shop's order; their orders are locked."""
    found: dict[UUID, list[OrderLine]] = defaultdict(list)
    for chunk in chunks(order_ids):
        statement = select(OrderLine).where(OrderLine.order_id.in_(chunk)).order_by(OrderLine.position)
        for line in await session.scalars(statement):
            found[line.order_id].append(line)
    return found


def _narrowed(statement: Select[Any], wanted: OrderFilter) -> Select[Any]:
    if wanted.customer_id is not None:
        statement = statement.where(is_in_family(Order.customer_id, wanted.customer_id))
    if wanted.store_ids is not None:
        statement = statement.where(Order.store_id.in_(wanted.store_ids))
    if wanted.placed_after is not None:
        statement = statement.where(Order.placed_at > wanted.placed_after)
    if wanted.placed_before is not None:
        statement = statement.where(Order.placed_at < wanted.placed_before)
    if wanted.search is not None:
        number = wanted.search
        statement = statement.where(
            or_(
                # Not BETWEEN: PostgreSQL cannot read it beside a COLLATE.
                and_(Order.number >= number, Order.number <= number + "\U0010ffff"),
                Order.external_id == number,
                Order.contact_email_key == wanted.email_key,
            )
        )
    return statement
