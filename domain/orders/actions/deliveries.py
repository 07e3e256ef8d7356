"""Recording what is on its way to the buyers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from domain.base.actors import Permission
from domain.base.changes import UNCHANGED, changed
from domain.base.work import Work
from domain.customers.repository.families import list_erased
from domain.orders import rules
from domain.orders.errors import (
    MoreDeliveredThanOrdered,
    OrderLineNotFound,
)
from domain.orders.events import DeliveryRecorded, OrderChanged
from domain.orders.model import Delivery, Order, OrderLine
from domain.orders.repository.deliveries import list_deliveries_for_update, list_pieces, replace_delivery_lines
from domain.orders.repository.orders import get_order_for_update, list_lines_for_update, lock_buyers
from domain.orders.rules import DeliveredLine, DeliveryDetails


async def record_delivery(
    work: Work, *, delivery: DeliveryDetails, order_id: UUID | None = None, order_external_id: str | None = None
) -> UUID:
    """Record a delivery of an order, or what is new about the one with this external id.

    A new delivery without lines holds every line in full. Of a known one, what is left out stays.

    Raises `Refusals`, `OrderNotNamed`, `OrderNotFound`, `OrderLineNotFound`, `MoreDeliveredThanOrdered`.
    Records `DeliveryRecorded` and `OrderChanged` where anything changed. Locks the customer, the order.
    """
    work.require(Permission.ORDERS_WRITE)
    external_id = rules.check_order_named(order_id=order_id, order_external_id=order_external_id)
    checked = rules.check_delivery(delivery, now=work.now)
    await lock_buyers(work.session, ids=[order_id], external_ids=[external_id])
    order = await get_order_for_update(work.session, order_id=order_id, external_id=external_id)
    work.keep(order)
    checked = await _without_trace(work, order, checked)
    deliveries = await list_deliveries_for_update(work.session, order.id)
    row = next((known for known in deliveries if known.external_id == checked.external_id), None)
    is_new = row is None
    if row is None:
        row = _new_delivery(work, order, checked.external_id)
        work.session.add(row)
    is_changed = _apply(row, checked)
    rules.check_delivery_dates(shipped_at=row.shipped_at, delivered_at=row.delivered_at)
    contents_changed = await _fill(work, order, row, checked.lines, is_new=is_new)
    if not (is_new or is_changed or contents_changed):
        return row.id
    row.updated_at = order.updated_at = work.now
    await refresh_progress(work, order=order)
    work.record(DeliveryRecorded(delivery_id=row.id, order_id=order.id, customer_id=order.customer_id))
    work.record(OrderChanged(order_id=order.id, customer_id=order.customer_id))
    return row.id


async def refresh_progress(work: Work, *, order: Order) -> None:
    """Count anew what was delivered of each line of a locked order, and how far the order has come."""
    await work.session.flush()
    lines = (await list_lines_for_update(work.session, [order.id]))[order.id]
    shipped: dict[UUID, int] = defaultdict(int)
    delivered: dict[UUID, int] = defaultdict(int)
    for piece in await list_pieces(work.session, [order.id]):
        if piece.shipped_at is not None or piece.delivered_at is not None:
            shipped[piece.order_line_id] += piece.quantity
        if piece.delivered_at is not None:
            delivered[piece.order_line_id] += piece.quantity
    for line in lines:
        line.delivered_quantity = delivered[line.id]
    order.state = rules.order_state(
        is_cancelled=order.cancelled_at is not None,
        ordered={line.id: line.quantity for line in lines},
        shipped=shipped,
        delivered=delivered,
    )


async def _without_trace(work: Work, order: Order, delivery: DeliveryDetails) -> DeliveryDetails:
    """Return the delivery without what leads to the door of somebody who was erased."""
    if order.customer_id is None or not await list_erased(work.session, [order.customer_id]):
        return delivery
    return replace(delivery, tracking_number=UNCHANGED, tracking_url=UNCHANGED)


def _new_delivery(work: Work, order: Order, external_id: str) -> Delivery:
    return Delivery(
        order_id=order.id,
        external_id=external_id,
        carrier=None,
        tracking_number=None,
        tracking_url=None,
        shipped_at=None,
        delivered_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


def _apply(row: Delivery, delivery: DeliveryDetails) -> bool:
    """Take over what was sent; return whether anything differs from what was known."""
    is_changed = False
    for name in ("carrier", "tracking_number", "tracking_url", "shipped_at", "delivered_at"):
        known = getattr(row, name)
        value = changed(getattr(delivery, name), known)
        if value != known:
            setattr(row, name, value)
            is_changed = True
    return is_changed


async def _fill(
    work: Work, order: Order, row: Delivery, lines: Sequence[DeliveredLine] | None, *, is_new: bool
) -> bool:
    """Put the pieces into the delivery; return whether its contents changed."""
    if lines is None and not is_new:
        return False
    order_lines = (await list_lines_for_update(work.session, [order.id]))[order.id]
    contents = {line.id: line.quantity for line in order_lines} if lines is None else _contents(order_lines, lines)
    pieces = await list_pieces(work.session, [order.id])
    known = {piece.order_line_id: piece.quantity for piece in pieces if piece.delivery_id == row.id}
    if contents == known:
        return False
    elsewhere: dict[UUID, int] = defaultdict(int)
    for piece in pieces:
        if piece.delivery_id != row.id:
            elsewhere[piece.order_line_id] += piece.quantity
    _refuse_surplus(order_lines, contents, elsewhere, lines)
    await replace_delivery_lines(
        work.session,
        row.id,
        [
            {"delivery_id": row.id, "order_line_id": line_id, "quantity": quantity}
            for line_id, quantity in contents.items()
        ],
    )
    return True


def _contents(order_lines: Sequence[OrderLine], lines: Sequence[DeliveredLine]) -> dict[UUID, int]:
    """Return the pieces by order line. Raises `OrderLineNotFound`."""
    by_external_id = {line.external_id: line.id for line in order_lines if line.external_id is not None}
    ids = {line.id for line in order_lines}
    contents: dict[UUID, int] = defaultdict(int)
    for index, line in enumerate(lines):
        if line.order_line_id is not None:
            found = line.order_line_id if line.order_line_id in ids else None
            name = "order_line_id"
        else:
            found = by_external_id.get(line.order_line_external_id or "")
            name = "order_line_external_id"
        if found is None:
            raise OrderLineNotFound(field=("lines", index, name))
        contents[found] += line.quantity
    return dict(contents)


def _refuse_surplus(
    order_lines: Sequence[OrderLine],
    contents: Mapping[UUID, int],
    elsewhere: Mapping[UUID, int],
    lines: Sequence[DeliveredLine] | None,
) -> None:
    for line in order_lines:
        pieces = contents.get(line.id, 0) + elsewhere.get(line.id, 0)
        if line.id in contents and pieces > line.quantity:
            sent_index = _index_of(line, lines)
            field = ("lines",) if sent_index is None else ("lines", sent_index, "quantity")
            raise MoreDeliveredThanOrdered(sku=line.sku, ordered=line.quantity, delivered=pieces, field=field)


def _index_of(line: OrderLine, lines: Sequence[DeliveredLine] | None) -> int | None:
    """Return where the input names the line, None where it left the lines out."""
    for index, named in enumerate(lines or ()):
        if named.order_line_id == line.id or (
            named.order_line_external_id is not None and named.order_line_external_id == line.external_id
        ):
            return index
    return None
