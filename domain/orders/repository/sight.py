"""Which documents are seen, as part of a query: a shopper's own, a partner agent's stores'."""

from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.sight import sight_of
from domain.base.statements import is_of_stores, shopper_of
from domain.customers.repository.families import is_in_family
from domain.orders.model import CreditNote, Order


def is_order_seen(session: AsyncSession, order: type[Order] = Order) -> ColumnElement[bool]:
    """Say that the session sees an order."""
    sight = sight_of(session)
    if sight.customer_id is not None:
        return is_in_family(order.customer_id, shopper_of(sight))
    return true() if sight.store_ids is None else is_of_stores(session, sight, order.store_id)


def is_note_seen(session: AsyncSession, note: type[CreditNote] = CreditNote) -> ColumnElement[bool]:
    """Say that the session sees a credit note; one without an order is of no store."""
    sight = sight_of(session)
    if sight.customer_id is not None:
        return is_in_family(note.customer_id, shopper_of(sight))
    if sight.store_ids is None:
        return true()
    return note.order_id.in_(select(Order.id).where(is_of_stores(session, sight, Order.store_id)))


def is_part_seen(session: AsyncSession, column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Say that the session sees the order that `column` names."""
    if sight_of(session).is_whole:
        return true()
    return column.in_(select(Order.id).where(is_order_seen(session)))
