"""Every query about what customers spent, and where that places them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    Table,
    bindparam,
    case,
    delete,
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
from domain.base.repository.rows import update_rows, upsert, upsert_rows
from domain.base.statements import among, prepared
from domain.base.writing import write
from domain.customers.model import (
    Customer,
    CustomerRecord,
    CustomerSpending,
    ValueRanking,
)
from domain.customers.repository.families import members


def known_spendings(session: AsyncSession) -> Select[Any]:
    """Select what is known of everybody in the families of the records `ids`, to be put together with what is counted.

    Those who never bought have one row without a currency. Only here `canonical_id` says whose family it is.
    """
    record, spent = CustomerRecord, CustomerSpending
    canonical = select(record.canonical_id).where(among(session, record.id, "ids"))
    return (
        select(record.id.label("customer_id"), record.canonical_id, spent.currency_code, spent.order_count)
        .add_columns(spent.ordered, spent.credited, spent.first_order_at, spent.last_order_at)
        .outerjoin(spent, spent.customer_id == record.id)
        .where(record.canonical_id.in_(canonical))
    )


async def write_spendings(
    session: AsyncSession,
    rows: Sequence[Mapping[str, Any]],
    *,
    gone: Sequence[tuple[UUID, str]],
    shown: Sequence[Mapping[str, Any]],
) -> None:
    """Write the records' sums, remove those of currencies they have none in, and show what the families spent."""
    for customer_id, currency_code in gone:
        spent = CustomerSpending
        is_gone = (spent.customer_id == bindparam("of_customer", type_=spent.customer_id.type)) & (
            spent.currency_code == bindparam("in_currency", type_=spent.currency_code.type)
        )
        await write(
            session,
            ("remove spending",),
            lambda is_gone=is_gone: delete(CustomerSpending).where(is_gone),  # type: ignore[misc]
            table=cast(Table, CustomerSpending.__table__),
            values={"of_customer": customer_id, "in_currency": currency_code},
        )
    await upsert_rows(session, CustomerSpending, rows)
    await update_rows(session, Customer, shown)


async def recount_net_spent(session: AsyncSession, currency_code: str) -> None:
    """Write the sums in this currency to the column that customers are ordered by, where it differs."""
    net = (
        select(func.coalesce(func.sum(CustomerSpending.net), literal_column("0")))
        .join(CustomerRecord, CustomerRecord.id == CustomerSpending.customer_id)
        .where(CustomerRecord.canonical_id == Customer.id, CustomerSpending.currency_code == currency_code)
        .scalar_subquery()
    )
    if session.get_bind().dialect.name == "postgresql":  # a large shop's customers take longer than a request may
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
    statement = update(Customer).values(net_spent=net).where(Customer.net_spent != net)
    await session.execute(statement, execution_options={"synchronize_session": False})


async def list_spendings_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each customer's sums by currency, over their whole family."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)

    def build() -> Select[Any]:
        family = members(session)
        summed = (getattr(CustomerSpending, name) for name in ("order_count", "ordered", "credited", "net"))
        return (
            select(family.c.group_id, CustomerSpending.currency_code)
            .add_columns(*(type_coerce(func.sum(c), c.type).label(c.key) for c in summed))
            .join(CustomerSpending, CustomerSpending.customer_id == family.c.id)
            .group_by(family.c.group_id, CustomerSpending.currency_code)
            .order_by(CustomerSpending.currency_code)
        )

    statement = prepared(session, ("spendings by family",), build)
    for row in await statement.rows(session, ids=list(dict.fromkeys(ids))):
        found[row.group_id].append(row)
    return found


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
    nets = (
        select(CustomerRecord.canonical_id, func.sum(CustomerSpending.net).label("net"))
        .join(CustomerRecord, CustomerRecord.id == CustomerSpending.customer_id)
        .where(CustomerSpending.currency_code == currency_code)
        .group_by(CustomerRecord.canonical_id)
        .subquery()
    )
    return await read_concentration(session, rank_nets(nets), percents)


def rank_nets(nets: Subquery) -> Subquery:
    """Rank what canonical customers brought, for `read_concentration`; ties as everywhere."""
    return (
        select(nets.c.net)
        .add_columns(
            func.row_number().over(order_by=[nets.c.net.desc(), Customer.rank_key, Customer.id]).label("rank"),
            func.count().over().label("size"),
        )
        .join(Customer, Customer.id == nets.c.canonical_id)
        .subquery()
    )


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
