"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.columns import Whole, to_micros
from domain.base.pages import Ordering, Page, PageRequest, list_page
from domain.base.repository import (
    chunks,
    insert_rows,
    rows_by_id,
    rows_by_parent,
    upsert,
)
from domain.customers.errors import CustomerNotFound
from domain.customers.model import (
    Customer,
    CustomerIdentity,
    CustomerSpending,
    CustomerTag,
    CustomerTerm,
    ValueRanking,
)
from domain.customers.rules import (
    ACTIVE_DAYS,
    AT_RISK_DAYS,
    ONBOARDING_DAYS,
    IdentityKind,
    LifecycleStage,
)

_HIGHEST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Which customers a list is about; empty means all."""

    words: Sequence[str] = ()
    phones: Iterable[str] = ()
    tags: Sequence[str] = ()
    lifecycle_stages: Sequence[LifecycleStage] = ()
    countries: Sequence[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None


ORDERINGS = {
    "CREATED_AT": (Customer.created_at, Customer.id),
    "UPDATED_AT": (Customer.updated_at, Customer.id),
    "NAME": (Customer.sort_name, Customer.id),
    "LIFETIME_VALUE": (Customer.net_spent, Customer.rank_key, Customer.id),
    "LAST_ORDER_AT": (Customer.last_order_key, Customer.rank_key, Customer.id),
}
"""The columns behind each order of a list of customers; each has an index that it is read from."""


async def list_customers(
    session: AsyncSession, *, wanted: CustomerFilter, ordering: Ordering, page: PageRequest, now: datetime
) -> Page[Row[Any]]:
    """Return one page of the customers that the filter names."""
    statement = _narrowed(select(*Customer.__table__.c), wanted, now)
    return await list_page(session, statement, ordering=ordering, page=page)


async def count_customers(session: AsyncSession, *, wanted: CustomerFilter, now: datetime) -> int:
    """Return how many customers the filter names."""
    count: int = (
        await session.execute(_narrowed(select(func.count()).select_from(Customer), wanted, now))
    ).scalar_one()
    return count


async def list_customers_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the customers by their ids."""
    return await rows_by_id(session, Customer, ids)


async def get_customer_for_update(session: AsyncSession, customer_id: UUID) -> Customer:
    """Return the customer, locked until the end of the transaction. Raises `CustomerNotFound`."""
    statement = select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True)
    customer = (await session.scalars(statement)).one_or_none()
    if customer is None:
        raise CustomerNotFound
    return customer


async def lock_customers(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Lock the customers until the end of the transaction, always in the order of their ids.

    As every lock here it leaves the key free (`key_share`): rows that refer to a customer go in meanwhile.
    """
    for chunk in chunks(sorted(set(ids))):
        await session.execute(
            select(Customer.id).where(Customer.id.in_(chunk)).order_by(Customer.id).with_for_update(key_share=True)
        )


async def list_customers_for_update(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Customer]:
    """Return the customers by their ids, locked in the order of their ids."""
    found: dict[UUID, Customer] = {}
    for chunk in chunks(sorted(set(ids))):
        statement = select(Customer).where(Customer.id.in_(chunk)).order_by(Customer.id).with_for_update(key_share=True)
        found.update({customer.id: customer for customer in await session.scalars(statement)})
    return found


async def list_tags_by_customer(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return each customer's tags in alphabetical order."""
    tags: dict[UUID, list[str]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = select(CustomerTag.customer_id, CustomerTag.tag).where(CustomerTag.customer_id.in_(chunk))
        for customer_id, tag in await session.execute(statement.order_by(CustomerTag.tag)):
            tags[customer_id].append(tag)
    return tags


async def replace_tags(session: AsyncSession, customer_id: UUID, tags: Iterable[str]) -> None:
    """Give the customer these tags and no others."""
    await session.flush()
    await session.execute(delete(CustomerTag).where(CustomerTag.customer_id == customer_id))
    await insert_rows(session, CustomerTag, [{"customer_id": customer_id, "tag": tag} for tag in tags])


async def lock_emails(session: AsyncSession, keys: Iterable[str]) -> None:
    """Let nobody else decide whose these addresses are until the end of the transaction.

    The unique indexes keep two of a kind apart, but not an address of a profile and a verified one that come at
    once. SQLite has one writer anyway.
    """
    wanted = sorted(set(keys))
    if wanted and session.get_bind().dialect.name == "postgresql":
        statement = "SELECT pg_advisory_xact_lock(hashtextextended(key, 1)) FROM unnest(CAST(:keys AS text[])) AS key"
        await session.execute(text(statement), {"keys": wanted})


async def list_identities(
    session: AsyncSession, *, kind: IdentityKind, values: Iterable[str]
) -> Sequence[CustomerIdentity]:
    """Return the identities with these values, of all customers."""
    found: list[CustomerIdentity] = []
    for chunk in chunks(values):
        statement = select(CustomerIdentity).where(
            CustomerIdentity.kind == kind, CustomerIdentity.namespace == "", CustomerIdentity.value.in_(chunk)
        )
        found.extend(await session.scalars(statement))
    return found


async def list_identities_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[CustomerIdentity]]:
    """Return each customer's identities in the order in which they were first seen."""
    found: dict[UUID, list[CustomerIdentity]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = select(CustomerIdentity).where(CustomerIdentity.customer_id.in_(chunk))
        for identity in await session.scalars(statement.order_by(CustomerIdentity.id)):
            found[identity.customer_id].append(identity)
    return found


async def replace_terms(session: AsyncSession, subject_ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the search terms that come from the subjects."""
    for chunk in chunks(subject_ids):
        await session.execute(delete(CustomerTerm).where(CustomerTerm.subject_id.in_(chunk)))
    await insert_rows(session, CustomerTerm, rows)


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


def _narrowed(statement: Select[Any], wanted: CustomerFilter, now: datetime) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.words:
        conditions.append(_found_by_terms(wanted))
    if wanted.tags:
        tagged = select(CustomerTag.customer_id).where(CustomerTag.tag.in_(wanted.tags))
        conditions.append(Customer.id.in_(tagged))
    if wanted.countries:
        conditions.append(Customer.country.in_(wanted.countries))
    if wanted.lifecycle_stages:
        conditions.append(or_(*(_in_stage(stage, now) for stage in wanted.lifecycle_stages)))
    if wanted.created_after is not None:
        conditions.append(Customer.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(Customer.created_at < wanted.created_before)
    return statement.where(*conditions)


def _found_by_terms(wanted: CustomerFilter) -> ColumnElement[bool]:
    """Every word begins a term of the customer, or the whole search is one of their telephone numbers."""
    by_words = and_(
        *(
            Customer.id.in_(
                select(CustomerTerm.customer_id).where(
                    CustomerTerm.term >= word, CustomerTerm.term < word + _HIGHEST_CHARACTER
                )
            )
            for word in wanted.words
        )
    )
    phones = sorted(wanted.phones)
    if not phones:
        return by_words
    by_phone = Customer.id.in_(select(CustomerTerm.customer_id).where(CustomerTerm.term.in_(phones)))
    return or_(by_words, by_phone)


def _in_stage(stage: LifecycleStage, now: datetime) -> ColumnElement[bool]:
    """Say `rules.lifecycle_stage` in SQL."""
    is_new = Customer.first_order_at >= now - timedelta(days=ONBOARDING_DAYS)
    active_from, at_risk_from = (to_micros(now - timedelta(days=days)) for days in (ACTIVE_DAYS, AT_RISK_DAYS))
    last = Customer.last_order_key  # not last_order_at: the key has an index
    return {
        LifecycleStage.LEAD: last == 0,
        LifecycleStage.ONBOARDING: and_(last > 0, is_new),
        LifecycleStage.ACTIVE: and_(last >= active_from, ~is_new),
        LifecycleStage.AT_RISK: and_(last >= at_risk_from, last < active_from, ~is_new),
        LifecycleStage.LAPSED: and_(last > 0, last < at_risk_from, ~is_new),
    }[stage]
