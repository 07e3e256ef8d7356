"""What is told of a person's orders: every row, in the order in which it became known."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.orders.model import CreditNote, Order


async def list_orders_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return every order of these customers."""
    statement = select(*Order.__table__.c).where(Order.customer_id.in_(ids))
    return (await session.execute(statement.order_by(Order.placed_at, Order.id))).all()


async def list_credit_notes_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return every credit note of these customers."""
    statement = select(*CreditNote.__table__.c).where(CreditNote.customer_id.in_(ids))
    return (await session.execute(statement.order_by(CreditNote.issued_at, CreditNote.id))).all()
