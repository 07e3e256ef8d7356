"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.columns import Whole
from domain.base.repository import (
    chunks,
    insert_rows,
    rows_by_parent,
    upsert,
)
from domain.customers.model import (
    Customer,
    CustomerSpending,
    ValueRanking,
)


async def replace_spendings(session: AsyncSession, ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the sums of the customers."""
    for chunk in chunks(ids):
        await session.execute(delete(CustomerSpending).where(CustomerSpending.customer_id.in_(chunk)))
    await insert_rows(session, CustomerSpending, rows)


async def update_order_columns(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what orders brought to the customers named in `key` of each row, of which there is at least one."""
    columns = ("order_count", "net_spent", "first_order_at", "last_order_at", "last_order_key")
    statement = (
        update(Customer.__table__)  # type: ignore[arg-type]
        .where(Customer.__table__.c.id == bindparam("key"))
        .values({column: bindparam(f"new_{column}") for column in columns})
    )
    connection = await session.connection()
    await connection.execute(
        statement, [{"key": row["key"], **{f"new_{column}": row[column] for column in columns}} for row in rows]
    )


async def recount_net_spent(session: AsyncSession, currency_code: str) -> None:
    """Write the sums in this currency to the column that customers are ordered by, where it differs."""
    in_currency = CustomerSpending.currency_code == currency_code
    of_customer = and_(CustomerSpending.customer_id == Customer.id, in_currency)
    if session.get_bind().dialect.name == "postgresql":  # a large shop's customers take longer than a request may
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
    for statement in (
        update(Customer)
        .values(net_spent=CustomerSpending.net)
        .where(of_customer, Customer.net_spent != CustomerSpending.net),
        update(Customer)
        .values(net_spent=Decimal(0))
        .where(Customer.net_spent != Decimal(0), ~exists().where(of_customer)),
    ):
        await session.execute(statement, execution_options={"synchronize_session": False})


async def list_spendings_by_customer(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each customer's sums by currency."""
    return await rows_by_parent(session, CustomerSpending.customer_id, ids, order_by=(CustomerSpending.currency_code,))


async def find_ranking_for_update(session: AsyncSession) -> Row[Any] | None:
    """Return the stored boundaries, locked: of several who find them old one renews them, the others wait."""
    statement = select(*ValueRanking.__table__.c).with_for_update()
    return (await session.execute(statement)).one_or_none()


async def find_ranking(session: AsyncSession) -> Row[Any] | None:
    """Return the stored boundaries of fifths and tenths."""
    return (await session.execute(select(*ValueRanking.__table__.c))).one_or_none()


async def store_ranking(session: AsyncSession, **values: Any) -> None:  # noqa: ANN401
    """Replace the stored boundaries."""
    statement = upsert(session, ValueRanking).values(id=1, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def count_ranked_customers(session: AsyncSession) -> int:
    """Return how many customers have an order."""
    count: int = (
        await session.execute(select(func.count()).select_from(Customer).where(Customer.order_count > 0))
    ).scalar_one()
    return count


_HAS_ORDER = Customer.order_count > literal_column("0")
"""Written out, not as a parameter: only then do the databases see that the partial index is meant."""

RANKINGS = {
    "recency": (Customer.last_order_key, Customer.last_order_key > literal_column("0"), False),
    "frequency": (Customer.order_count, _HAS_ORDER, False),
    "monetary": (Customer.net_spent, _HAS_ORDER, False),
    "decile": (Customer.net_spent, _HAS_ORDER, True),
}
"""Column and members of each ranking, and whether its largest value is the first: `rules.rank_values` in SQL."""


async def list_keys_at_ranks(session: AsyncSession, ranking: str, ranks: Sequence[int]) -> list[list[Any] | None]:
    """Return value and tie-breaker at each rank, from 1, among those with an order; None for rank 0.

    Each is one walk along an index: a sort of all customers would stall a large shop.
    """
    column, has_order, is_descending = RANKINGS[ranking]
    find_key = _find_key_from_top if is_descending else _find_key
    return [await find_key(session, column, has_order, rank) if rank > 0 else None for rank in ranks]


async def _find_key(
    session: AsyncSession, column: InstrumentedAttribute[Any], has_order: ColumnElement[bool], rank: int
) -> list[Any]:
    statement = (
        select(type_coerce(column, Whole()), Customer.rank_key)
        .where(has_order)
        .order_by(column, Customer.rank_key, Customer.id)
        .offset(rank - 1)
        .limit(1)
    )
    return list((await session.execute(statement)).one())


async def _find_key_from_top(
    session: AsyncSession, column: InstrumentedAttribute[Any], has_order: ColumnElement[bool], rank: int
) -> list[Any]:
    """Return the negated value and the tie-breaker: from the top, but ties in their usual order.

    No index has the two directions at once, so the value is found first, and then the place among its equals.
    """
    units = type_coerce(column, Whole())
    from_top = select(units).where(has_order).order_by(column.desc(), Customer.rank_key.desc(), Customer.id.desc())
    value: int = (await session.execute(from_top.offset(rank - 1).limit(1))).scalar_one()
    above = select(func.count()).select_from(Customer).where(has_order, units > value)
    place = rank - 1 - (await session.execute(above)).scalar_one()
    equals = select(Customer.rank_key).where(has_order, units == value).order_by(Customer.rank_key, Customer.id)
    return [-value, (await session.execute(equals.offset(place).limit(1))).scalar_one()]


async def concentration(session: AsyncSession, *, currency_code: str, percents: Sequence[int]) -> Row[Any]:
    """Return `customer_count` and `total` of the customers who ever bought, and `top_N`: what the best N % brought."""
    ranked = (
        select(CustomerSpending.net.label("net"))
        .add_columns(
            func.row_number()
            .over(order_by=[CustomerSpending.net.desc(), Customer.rank_key, Customer.id])
            .label("rank"),
            func.count().over().label("size"),
        )
        .join(Customer, Customer.id == CustomerSpending.customer_id)
        .where(CustomerSpending.currency_code == currency_code)
        .subquery()
    )
    return await read_concentration(session, ranked, percents)


async def read_concentration(session: AsyncSession, ranked: Any, percents: Sequence[int]) -> Row[Any]:  # noqa: ANN401
    """Add up what the best of `ranked` (net, rank, size) brought: the first ⌈N % of size⌉ of them."""
    tops = [
        func.sum(case((ranked.c.rank <= (ranked.c.size * percent + 99) / 100, ranked.c.net), else_=0)).label(
            f"top_{percent}"
        )
        for percent in percents
    ]
    statement = select(func.count().label("customer_count"), func.sum(ranked.c.net).label("total"), *tops)
    return (await session.execute(statement.select_from(ranked))).one()
