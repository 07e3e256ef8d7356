"""Every query about deliveries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import replace_rows, rows_by_id, rows_by_parent
from domain.base.statements import Selection, among, prepared
from domain.orders.model import (
    Delivery,
    DeliveryLine,
)
from domain.orders.repository.sight import is_part_seen


async def list_deliveries_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the deliveries by their ids."""
    return await rows_by_id(session, Delivery, ids, where=(is_part_seen, Delivery.order_id))


async def list_deliveries_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each order's deliveries in the order in which they were recorded."""
    return await rows_by_parent(session, Delivery.order_id, ids, order_by=(Delivery.id,))


async def list_delivery_lines_by_delivery(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return what is in each delivery."""
    return await rows_by_parent(session, DeliveryLine.delivery_id, ids, order_by=(DeliveryLine.order_line_id,))


async def list_pieces(session: AsyncSession, order_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return what is in the orders' deliveries: `order_line_id`, `quantity`, `delivery_id` and its instants."""

    def build() -> Selection:
        line = DeliveryLine
        pieces = select(line.order_line_id, line.quantity, line.delivery_id, Delivery.shipped_at, Delivery.delivered_at)
        return pieces.join(Delivery, Delivery.id == line.delivery_id).where(among(session, Delivery.order_id, "ids"))

    wanted = list(dict.fromkeys(order_ids))
    return await prepared(session, ("pieces",), build).rows(session, ids=wanted) if wanted else []


async def count_sent_pieces(session: AsyncSession, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many pieces of each order line are in deliveries."""
    counts: dict[UUID, int] = defaultdict(int)
    for row in await list_pieces(session, order_ids):
        counts[row.order_line_id] += row.quantity
    return counts


async def list_deliveries_for_update(session: AsyncSession, order_id: UUID) -> list[Delivery]:
    """Return the order's deliveries; the order is locked."""
    return list(await session.scalars(select(Delivery).where(Delivery.order_id == order_id).order_by(Delivery.id)))


async def replace_delivery_lines(session: AsyncSession, delivery_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the contents of the delivery."""
    await replace_rows(session, DeliveryLine.delivery_id, [delivery_id], rows)
