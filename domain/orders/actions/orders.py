"""Taking over orders from the shop, one or a thousand at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.contacts import email_key
from domain.base.errors import Refusal, Refusals
from domain.base.identifiers import new_id
from domain.base.repository.rows import insert_rows
from domain.base.work import Work
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.repository.families import list_erased
from domain.customers.rules.profiles import Buyer
from domain.identity.actions.stores import get_store
from domain.orders import rules
from domain.orders.actions.deliveries import refresh_progress
from domain.orders.errors import CurrencyOfCreditNotes, LineAlreadyDelivered
from domain.orders.events import OrderChanged
from domain.orders.model import Order, OrderLine
from domain.orders.repository.credit_notes import has_credit_notes, move_credit_notes
from domain.orders.repository.deliveries import count_sent_pieces
from domain.orders.repository.orders import list_lines_for_update, list_orders_for_update, lock_buyers
from domain.orders.rules import LineDetails, OrderDetails


async def upsert_order(work: Work, *, order: OrderDetails) -> UUID:
    """Take over one order: `upsert_orders` with one, whose refusal is raised.

    Raises `Refusals`, `NotFound` for an unknown store, `LineAlreadyDelivered`.
    """
    (outcome,) = await upsert_orders(work, orders=[order])
    if isinstance(outcome, UUID):
        return outcome
    raise outcome


async def upsert_orders(work: Work, *, orders: Sequence[OrderDetails]) -> list[UUID | Refusal | Refusals]:
    """Take over orders whose external ids differ; return each one's id, or why it was refused.

    A known order is replaced by what is sent now; one with an older `sequence` than the known one, or
    without any difference, changes nothing. A refused order leaves the others as they are. An order whose
    customer was erased stays theirs, and says nothing of them again.

    Records `OrderChanged`, and what recognising the buyers records. Locks the customers, the orders.
    """
    work.require(Permission.ORDERS_WRITE)
    outcomes: list[UUID | Refusal | Refusals | None] = [None] * len(orders)
    stores = _Stores(work)
    valid: dict[int, tuple[OrderDetails, Any]] = {}
    for index, order in enumerate(orders):
        try:
            checked = rules.check_order(order, now=work.now)
            valid[index] = checked, await stores.get(checked.store_code)
        except (Refusal, Refusals) as refusal:
            outcomes[index] = refusal
    names = [order.external_id for order, _ in valid.values()]
    await lock_buyers(work.session, external_ids=names)
    known = await list_orders_for_update(work.session, names)
    lines = await list_lines_for_update(work.session, [order.id for order in known.values()])
    sent = await count_sent_pieces(work.session, [order.id for order in known.values()])
    for index, (order, _) in list(valid.items()):
        existing = known.get(order.external_id)
        if existing is None:
            continue
        if rules.is_outdated(known=existing.sequence, sent=order.sequence):
            outcomes[index] = existing.id
            del valid[index]
        elif (lost := _refuse_lost_lines(order, lines[existing.id], sent)) is not None:
            outcomes[index] = lost
            del valid[index]
        elif existing.currency_code != order.currency_code and await has_credit_notes(work.session, existing.id):
            outcomes[index] = CurrencyOfCreditNotes(existing.currency_code)
            del valid[index]
    kept = await _leave_erased(work, valid, known)
    others = {index: order for index, (order, _) in valid.items() if index not in kept}
    buyers = await _recognise(work, others, known) | kept
    fresh: list[dict[str, Any]] = []
    fresh_lines: list[dict[str, Any]] = []
    for index, (order, store) in valid.items():
        existing = known.get(order.external_id)
        if existing is None:
            row = _add(work, order, store=store, customer_id=buyers[index])
            fresh.append(row)
            fresh_lines.extend(_line_row(row["id"], position, line) for position, line in enumerate(order.lines))
            outcomes[index] = row["id"]
        else:
            await _change(work, existing, lines[existing.id], order, store=store, customer_id=buyers[index])
            outcomes[index] = existing.id
    await insert_rows(work.session, Order, fresh)
    await insert_rows(work.session, OrderLine, fresh_lines)
    return [outcome for outcome in outcomes if outcome is not None]


class _Stores:
    """The stores that a batch names, each read once."""

    def __init__(self, work: Work) -> None:
        """Start without any."""
        self._work = work
        self._found: dict[str | None, Any] = {}

    async def get(self, code: str | None) -> Any:  # noqa: ANN401  a row
        """Return the store with this code, the default one without a code."""
        if code not in self._found:
            self._found[code] = await get_store(self._work, code=code)
        return self._found[code]


async def _leave_erased(
    work: Work, orders: dict[int, tuple[OrderDetails, Any]], known: Mapping[str, Order]
) -> dict[int, UUID]:
    """Take the buyer out of what is sent again of an erased customer's orders; return whose those stay.

    The shop may go on sending what it knows of the order: the person does not come back with it.
    """
    owners = {
        index: known[order.external_id].customer_id
        for index, (order, _) in orders.items()
        if order.external_id in known
    }
    erased = await list_erased(work.session, {owner for owner in owners.values() if owner is not None})
    kept = {index: owner for index, owner in owners.items() if owner is not None and owner in erased}
    for index in kept:
        order, store = orders[index]
        orders[index] = replace(order, buyer=None), store
    return kept


async def _recognise(
    work: Work, orders: Mapping[int, OrderDetails], known: Mapping[str, Order]
) -> dict[int, UUID | None]:
    """Return whose order each is, None for a guest's.

    An order that is sent again with the e-mail that it had stays whose it is, also where the shop does
    not vouch for the e-mail a second time.
    """
    named: dict[int, Buyer] = {}
    kept: dict[int, UUID | None] = {}
    for index, order in orders.items():
        current = known.get(order.external_id)
        if order.buyer is None:
            continue
        if current is not None and order.buyer.is_same_contact(current.contact_email_key):
            kept[index] = current.customer_id
        else:
            named[index] = order.buyer.now_behind(None if current is None else current.customer_id)
    ids = await recognise_buyers(work, buyers=list(named.values()))
    return dict.fromkeys(orders) | kept | dict(zip(named, ids, strict=True))


def _add(work: Work, order: OrderDetails, *, store: Any, customer_id: UUID | None) -> dict[str, Any]:  # noqa: ANN401  a row
    state = rules.order_state(is_cancelled=order.cancelled_at is not None, ordered={}, shipped={}, delivered={})
    row: dict[str, Any] = {
        "id": new_id(),
        "external_id": order.external_id,
        "created_at": work.now,
        "updated_at": work.now,
        "state": state,
        "sequence": order.sequence,
        **_columns(order, store=store, customer_id=customer_id),
    }
    work.keep(SimpleNamespace(**row), is_new=True)
    work.record(OrderChanged(order_id=row["id"], customer_id=customer_id))
    return row


async def _change(
    work: Work,
    row: Order,
    lines: Sequence[OrderLine],
    order: OrderDetails,
    *,
    store: Any,  # noqa: ANN401  a row
    customer_id: UUID | None,
) -> None:
    previous_customer_id = row.customer_id
    work.keep(row)
    columns = _columns(order, store=store, customer_id=customer_id)
    is_changed = any(getattr(row, name) != value for name, value in columns.items())
    is_changed = await _change_lines(work, row.id, lines, order.lines) or is_changed
    if order.sequence is not None:
        row.sequence = order.sequence
    if not is_changed:
        return
    for name, value in columns.items():
        setattr(row, name, value)
    row.updated_at = work.now
    await refresh_progress(work, order=row)
    if previous_customer_id != customer_id:
        await move_credit_notes(work.session, order_id=row.id, customer_id=customer_id)
    work.record(
        OrderChanged(
            order_id=row.id,
            customer_id=customer_id,
            previous_customer_id=previous_customer_id if previous_customer_id != customer_id else None,
        )
    )


def _columns(order: OrderDetails, *, store: Any, customer_id: UUID | None) -> dict[str, Any]:  # noqa: ANN401
    """Return what the shop says about an order, by column."""
    email = order.buyer.email if order.buyer is not None else None
    return {
        "number": order.number,
        "store_id": store.id,
        "customer_id": customer_id,
        "contact_email": email,
        "contact_email_key": None if email is None else email_key(email),
        "placed_at": order.placed_at,
        "cancelled_at": order.cancelled_at,
        "currency_code": order.currency_code,
        "shipping_country": order.shipping_country,
        "total": rules.order_total(order),
        "shipping_total": order.shipping_total,
        "discount_total": order.discount_total,
        "tax_total": order.tax_total,
        "paid": order.paid,
    }


def _line_columns(position: int, line: LineDetails) -> dict[str, Any]:
    return {
        "position": position,
        "external_id": line.external_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
        "image_url": line.image_url,
        "product_url": line.product_url,
        "is_returnable": line.is_returnable,
        "withdrawal_exception": line.withdrawal_exception,
    }


def _line_row(order_id: UUID, position: int, line: LineDetails) -> dict[str, Any]:
    counted = {"delivered_quantity": 0, "returned_quantity": 0}
    return {"id": new_id(), "order_id": order_id, **counted, **_line_columns(position, line)}


async def _change_lines(work: Work, order_id: UUID, known: Sequence[OrderLine], lines: Sequence[LineDetails]) -> bool:
    """Make `lines` the order's lines; a line stays itself by its external id, else by its position."""
    is_changed = False
    fresh: list[dict[str, Any]] = []
    left = {_line_key(line.external_id, line.position): line for line in known}
    for position, line in enumerate(lines):
        row = left.pop(_line_key(line.external_id, position), None)
        if row is None:
            fresh.append(_line_row(order_id, position, line))
            continue
        for name, value in _line_columns(position, line).items():
            if getattr(row, name) != value:
                setattr(row, name, value)
                is_changed = True
    for row in left.values():
        await work.session.delete(row)
    await insert_rows(work.session, OrderLine, fresh)
    return is_changed or bool(left) or bool(fresh)


def _line_key(external_id: str | None, position: int) -> str | int:
    return position if external_id is None else external_id


def _refuse_lost_lines(
    order: OrderDetails, known: Sequence[OrderLine], sent: Mapping[UUID, int]
) -> LineAlreadyDelivered | None:
    """Refuse an order in which a line that was sent vanishes, shrinks below that or becomes another article."""
    lines = {_line_key(line.external_id, position): line for position, line in enumerate(order.lines)}
    for line in known:
        pieces = sent.get(line.id, 0)
        now = lines.get(_line_key(line.external_id, line.position))
        is_same = now is not None and (line.external_id is not None or now.sku == line.sku)
        if pieces and (now is None or not is_same or now.quantity < pieces):
            return LineAlreadyDelivered(sku=line.sku, sent=pieces)
    return None
