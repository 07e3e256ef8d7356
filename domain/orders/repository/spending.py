"""What orders and credit notes add up to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Row, Select, func, literal_column, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.statements import among, prepared
from domain.customers.model import CustomerRecord
from domain.customers.repository.spending import known_spendings, rank_nets, read_concentration
from domain.orders.model import (
    CreditNote,
    Order,
)


async def list_sums(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return what is known of the spending of these customers' families, and what each of them comes to now.

    Of the first kind are rows with a `canonical_id`. The others are sums by currency: orders without cancelled ones,
    and credit notes without those of cancelled orders: what is not counted is not taken off either.
    """

    def build() -> CompoundSelect[Any]:
        ordered = (
            select(Order.customer_id, null(), Order.currency_code, func.count(), func.sum(Order.total))
            .add_columns(literal_column("0"), func.min(Order.placed_at), func.max(Order.placed_at))
            .where(among(session, Order.customer_id, "ids"), Order.cancelled_at.is_(None))
            .group_by(Order.customer_id, Order.currency_code)
        )
        # Looked up for each note: joined, PostgreSQL would rather read all orders than those of a few hundred notes.
        cancelled_at = select(Order.cancelled_at).where(Order.id == CreditNote.order_id).scalar_subquery()
        credited = (
            select(CreditNote.customer_id, null(), CreditNote.currency_code, literal_column("0"), literal_column("0"))
            .add_columns(func.sum(CreditNote.total), null(), null())
            .where(among(session, CreditNote.customer_id, "ids"), cancelled_at.is_(None))
            .group_by(CreditNote.customer_id, CreditNote.currency_code)
        )
        return union_all(known_spendings(session), ordered, credited)

    return await prepared(session, ("sums",), build).rows(session, ids=list(ids))


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
