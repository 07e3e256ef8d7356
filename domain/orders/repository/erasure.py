"""Every statement that removes what orders say of a person."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.orders.model import Delivery, Order

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def lock_orders(session: AsyncSession, *, customer_ids: Sequence[UUID], addresses: Iterable[str]) -> None:
    """Lock the orders of these customers, and all that name one of the addresses, always in the same order."""
    statement = select(Order.id).where(_is_meant(customer_ids, addresses)).order_by(Order.id)
    await session.execute(statement.with_for_update(key_share=True))


async def erase_contacts(session: AsyncSession, *, customer_ids: Sequence[UUID], addresses: Iterable[str]) -> None:
    """Leave nothing of the orders by which the person could be reached; articles, sums and days stay."""
    of_theirs = Delivery.order_id.in_(select(Order.id).where(Order.customer_id.in_(customer_ids)))
    for statement in (
        update(Order).where(_is_meant(customer_ids, addresses)).values(contact_email=None, contact_email_key=None),
        update(Delivery).where(of_theirs).values(tracking_number=None, tracking_url=None),
    ):
        await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


def _is_meant(customer_ids: Sequence[UUID], addresses: Iterable[str]) -> ColumnElement[bool]:
    return or_(Order.customer_id.in_(customer_ids), Order.contact_email_key.in_(list(addresses)))
