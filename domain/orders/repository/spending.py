"""What orders and credit notes add up to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository import chunks
from domain.customers.model import CustomerRecord
from domain.customers.repository.spending import rank_nets, read_concentration
from domain.orders.model import (
    CreditNote,
    Order,
)


async def sum_orders_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return count, total, first and last of each customer's orders by currency, without cancelled ones."""
    found: list[Row[Any]] = []
    for chunk in chunks(ids):
        statement = select(
            Order.customer_id,
            Order.currency_code,
            func.count().label("order_count"),
            func.sum(Order.total).label("ordered"),
            func.min(Order.placed_at).label("first_order_at"),
            func.max(Order.placed_at).label("last_order_at"),
        ).where(Order.customer_id.in_(chunk), Order.cancelled_at.is_(None))
        found.extend(await session.execute(statement.group_by(Order.customer_id, Order.currency_code)))
    return found


async def sum_credit_notes_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return the total of each customer's credit notes by currency, without those of cancelled orders.

    A cancelled order is not counted, so what was given back on it must not be taken off either.
    """
    found: list[Row[Any]] = []
    for chunk in chunks(ids):
        statement = (
            select(CreditNote.customer_id, CreditNote.currency_code, func.sum(CreditNote.total).label("credited"))
            .outerjoin(Order, Order.id == CreditNote.order_id)
            .where(CreditNote.customer_id.in_(chunk), Order.cancelled_at.is_(None))
            .group_by(CreditNote.customer_id, CreditNote.currency_code)
        )
        found.extend(await session.execute(statement))
    return found


async def concentration_between(
    session: AsyncSession,
    *,
    currency_code: str,
    percents: Sequence[int],
    start: datetime | None,
    end: datetime | None,
) -> Row[Any]:
    """Return what `customers.repository.concentration` does, over documents from `start` to before `end`."""
    bought = _between(
        select(Order.customer_id.label("customer_id"), Order.total.label("amount")).where(
            Order.customer_id.is_not(None), Order.currency_code == currency_code, Order.cancelled_at.is_(None)
        ),
        Order.placed_at,
        start,
        end,
    )
    given_back = _between(
        select(CreditNote.customer_id.label("customer_id"), (-CreditNote.total).label("amount"))
        .outerjoin(Order, Order.id == CreditNote.order_id)
        .where(
            CreditNote.customer_id.is_not(None),
            CreditNote.currency_code == currency_code,
            Order.cancelled_at.is_(None),
        ),
        CreditNote.issued_at,
        start,
        end,
    )
    amounts = union_all(bought, given_back).subquery()
    nets = (
        select(CustomerRecord.canonical_id, func.sum(amounts.c.amount).label("net"))
        .join(CustomerRecord, CustomerRecord.id == amounts.c.customer_id)
        .group_by(CustomerRecord.canonical_id)
        .subquery()
    )
    return await read_concentration(session, rank_nets(nets), percents)


def _between(
    statement: Select[*tuple[Any, ...]],
    at: Any,  # noqa: ANN401  a column
    start: datetime | None,
    end: datetime | None,
) -> Select[*tuple[Any, ...]]:
    if start is not None:
        statement = statement.where(at >= start)
    return statement if end is None else statement.where(at < end)
