"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.columns import to_micros
from domain.base.pages import Ordering, Page, PageRequest, list_page
from domain.base.repository import (
    chunks,
    insert_rows,
    rows_by_id,
)
from domain.customers.errors import CustomerNotFound
from domain.customers.model import (
    Customer,
    CustomerTag,
    CustomerTerm,
)
from domain.customers.rules.profiles import ACTIVE_DAYS, AT_RISK_DAYS, ONBOARDING_DAYS, LifecycleStage

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
