"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.base.columns import to_micros
from domain.base.model import Base
from domain.base.pages import Ordering, Page, PageRequest, cut, list_page, narrowed, ordered
from domain.base.repository.rows import Columns, columns_of, insert_rows, replace_rows, rows_by_id
from domain.base.sight import sight_of
from domain.base.statements import among, prepared
from domain.customers.model import (
    Customer,
    CustomerAttribute,
    CustomerRecord,
    CustomerTag,
)
from domain.customers.repository.families import rows_by_family
from domain.customers.repository.search import FREQUENT, Search, understand
from domain.customers.repository.sight import is_seen
from domain.customers.rules.attributes import StoredCondition
from domain.customers.rules.profiles import ACTIVE_DAYS, AT_RISK_DAYS, ONBOARDING_DAYS, LifecycleStage
from domain.customers.rules.search import with_one_error


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
    attributes: Sequence[StoredCondition] = ()
    is_tolerant: bool = False
    """Whether words also mean what they may be a misspelling of."""
    is_exact: bool = False
    """Whether words mean whole terms only: whoever sees an address in part could else feel their way along it."""

    @property
    def is_search_only(self) -> bool:
        """Tell whether nothing is asked of the customers but that the search, if there is one, finds them."""
        bounds = (self.created_after, self.created_before)
        lists = (self.tags, self.lifecycle_stages, self.countries, self.attributes)
        return not any(lists) and all(bound is None for bound in bounds)


ORDERINGS = {
    "CREATED_AT": (Customer.created_at, Customer.id),
    "UPDATED_AT": (Customer.updated_at, Customer.id),
    "NAME": (Customer.sort_name, Customer.id),
    "LIFETIME_VALUE": (Customer.net_spent, Customer.rank_key, Customer.id),
    "LAST_ORDER_AT": (Customer.last_order_key, Customer.rank_key, Customer.id),
}
"""The columns behind each order of a list of customers; each has an index that it is read from."""


async def list_customers(
    session: AsyncSession,
    *,
    wanted: CustomerFilter,
    ordering: Ordering,
    page: PageRequest,
    now: datetime,
    columns: Columns = None,
) -> Page[Row[Any]]:
    """Return one page of the customers that the filter names, so much of them as is wanted."""
    if not wanted.words:
        return await list_page(
            session,
            lambda: _selected(Customer, wanted, now, columns).where(is_seen(session, Customer.id)),
            ordering=ordering,
            page=page,
            key=("customers", columns) if wanted == CustomerFilter() else None,
        )
    search = await _understand(session, wanted)
    if not search.alternatives:
        narrowed(select(Customer.id), ordering, page)  # a cursor that is none is refused also where nobody is found
        return cut((), ordering=ordering, page=page)
    walked = await _walk(session, search, wanted=wanted, ordering=ordering, page=page, now=now)
    if walked is not None:
        return walked
    found = _looked_up(session, search)
    statement = _selected(found, wanted, now).where(is_seen(session, found.id))
    return await list_page(session, lambda: statement, ordering=ordering.of(found), page=page)


async def is_misspelled(session: AsyncSession, wanted: CustomerFilter) -> bool:
    """Tell whether nobody is found by the search as it was typed, so that it may be a misspelling."""
    if wanted.is_exact or not any(with_one_error(word) for word in wanted.words):
        return False
    return not await (await _understand(session, wanted)).finds_somebody(session)


async def count_customers(session: AsyncSession, *, wanted: CustomerFilter, now: datetime) -> int:
    """Return how many customers the filter names."""
    counted: Select[Any] = select(func.count())
    if wanted.words:
        search = await _understand(session, wanted)
        if not search.alternatives:
            return 0
        if wanted.is_search_only and sight_of(session).is_whole:
            statement = counted.select_from(search.found())
        else:
            found = _looked_up(session, search)
            statement = _narrowed(counted.select_from(found), wanted, now, found).where(is_seen(session, found.id))
    elif (
        wanted.is_search_only and sight_of(session).is_whole
    ):  # all: the few absorbed ones taken off, from an index that has only those
        absorbed = counted.select_from(Customer).where(literal_column("is_absorbed")).scalar_subquery()
        statement = select(func.count() - absorbed).select_from(Customer)
    else:
        statement = _narrowed(counted.select_from(Customer), wanted, now, Customer).where(is_seen(session, Customer.id))
    count: int = (await session.execute(statement)).scalar_one()
    return count


async def _understand(session: AsyncSession, wanted: CustomerFilter) -> Search:
    return await understand(
        session,
        words=wanted.words,
        phones=wanted.phones,
        is_tolerant=wanted.is_tolerant,
        is_exact=wanted.is_exact,
    )


_WALK, _WALK_GROWTH = 1_000, 4
_WALKED_PART = 8
"""A list is walked along for 1,000 customers, then 4,000 and so on, up to an eighth of the terms to be gathered."""


async def _walk(
    session: AsyncSession,
    search: Search,
    *,
    wanted: CustomerFilter,
    ordering: Ordering,
    page: PageRequest,
    now: datetime,
) -> Page[Row[Any]] | None:
    """Return the page of a frequent search by walking along the list; None where gathering all it finds is quicker."""
    length = _WALK
    while search.frequency >= FREQUENT and length * _WALKED_PART <= search.frequency:
        place = ordered(ordering, page)
        along = narrowed(select(*Customer.__table__.c), ordering, page).order_by(*place).limit(length)
        stretch: type[Customer] = aliased(Customer, along.subquery())
        sought = _selected(stretch, wanted, now).where(search.fits(stretch.id), is_seen(session, stretch.id))
        sought = sought.order_by(*ordered(ordering.of(stretch), page)).limit(page.limit + 1)
        rows = (await session.execute(sought)).all()
        beyond = narrowed(select(*ordering.columns), ordering, page).order_by(*place).offset(length).limit(1)
        if len(rows) > page.limit or (await session.execute(beyond)).one_or_none() is None:
            return cut(rows, ordering=ordering, page=page)
        length *= _WALK_GROWTH
    return None


def _looked_up(session: AsyncSession, search: Search) -> type[Customer]:
    """Return whom the search finds, each looked up by its id, whatever else is asked of them."""
    found = search.found()
    if session.get_bind().dialect.name == "sqlite":
        statement = select(*Customer.__table__.c).where(Customer.id.in_(select(found.c.id))).limit(-1).offset(0)
    else:
        one = select(*Customer.__table__.c).where(Customer.id == found.c.id).offset(0).lateral()
        statement = select(*one.c).select_from(found.join(one, true()))
    looked_up: type[Customer] = aliased(Customer, statement.subquery())
    return looked_up


async def list_customers_by_id(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, Row[Any]]:
    """Return the canonical customers among these ids, so much of them as is wanted."""
    return await rows_by_id(session, Customer, ids, where=(_is_canonical, Customer), columns=columns)


def _is_canonical(session: AsyncSession, customer: type[Customer]) -> ColumnElement[bool]:
    return (customer.is_absorbed == literal_column("false")) & is_seen(session, customer.id)


async def list_customers_by_record(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, Row[Any]]:
    """Return the customer who has each record now: the canonical one of its family; of who was erased, nobody."""

    def build() -> Select[Any]:
        return (
            select(*columns_of(Customer, columns, "id"), CustomerRecord.id.label("record_id"))
            .join(CustomerRecord, CustomerRecord.canonical_id == Customer.id)
            .where(among(session, CustomerRecord.id, "ids"), ~Customer.is_absorbed, is_seen(session, CustomerRecord.id))
        )

    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    statement = prepared(session, ("customers by record", columns), build)
    return {row.record_id: row for row in await statement.rows(session, ids=wanted)}


async def list_tags_by_customer(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the tags that each customer shows, in alphabetical order."""
    found = await rows_by_family(session, CustomerTag.customer_id, ids, order_by=(CustomerTag.tag,))
    tags: dict[UUID, list[str]] = defaultdict(list)
    for key, rows in found.items():
        tags[key] = [row.tag for row in rows if (not row.is_removed if row.is_alone else row.is_shown)]
    return tags


async def insert_objects(session: AsyncSession, objects: Iterable[Base]) -> None:
    """Insert what objects hold now, those of one table after the other; SQLAlchemy does not know of them after that."""
    by_table: dict[type[Base], list[dict[str, Any]]] = {}
    for each in objects:
        row = {column.key: getattr(each, column.key) for column in each.__table__.columns}
        by_table.setdefault(type(each), []).append(row)
    for table, rows in by_table.items():
        await insert_rows(session, table, rows)


async def list_tag_rows(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return every tag row of these records."""
    return (await session.execute(select(*CustomerTag.__table__.c).where(CustomerTag.customer_id.in_(list(ids))))).all()


async def replace_tags(session: AsyncSession, ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the tag rows of the records."""
    await replace_rows(session, CustomerTag.customer_id, ids, rows)


def _selected(source: type[Customer], wanted: CustomerFilter, now: datetime, columns: Columns = None) -> Select[Any]:
    """Select the customers of `source` whom the filter names, its search apart."""
    return _narrowed(select(*columns_of(source, columns, "id")), wanted, now, source)


def _narrowed(statement: Select[Any], wanted: CustomerFilter, now: datetime, source: type[Customer]) -> Select[Any]:
    """Narrow the statement to the customers of `source` whom the filter names, its search apart."""
    conditions: list[ColumnElement[bool]] = [source.is_absorbed == literal_column("false")]
    if wanted.tags:
        tagged = _canonical_of(CustomerTag.customer_id).where(CustomerTag.tag.in_(wanted.tags), CustomerTag.is_shown)
        conditions.append(source.id.in_(tagged))
    conditions.extend(_has_attribute(condition, source) for condition in wanted.attributes)
    if wanted.countries:
        conditions.append(source.country.in_(wanted.countries))
    if wanted.lifecycle_stages:
        conditions.append(or_(*(_in_stage(stage, now, source) for stage in wanted.lifecycle_stages)))
    if wanted.created_after is not None:
        conditions.append(source.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(source.created_at < wanted.created_before)
    return statement.where(*conditions)


def _canonical_of(column: InstrumentedAttribute[UUID]) -> Select[Any]:
    """Return a selection of the canonical customers of the records that `column` names."""
    return select(CustomerRecord.canonical_id).join(column.class_, column == CustomerRecord.id)


def _has_attribute(condition: StoredCondition, source: type[Customer]) -> ColumnElement[bool]:
    """Say that what the customer shows of an attribute is as the condition wants it."""
    value, number = CustomerAttribute.text_value, CustomerAttribute.number_value
    having = _canonical_of(CustomerAttribute.customer_id).where(
        CustomerAttribute.definition_id == condition.definition_id, CustomerAttribute.is_shown
    )
    if condition.texts is not None:
        having = having.where(value.in_(list(condition.texts)))
    for bound, column, is_least in (
        (condition.text_min, value, True),
        (condition.text_max, value, False),
        (condition.number_min, number, True),
        (condition.number_max, number, False),
    ):
        if bound is not None:
            having = having.where(column >= bound if is_least else column <= bound)
    return source.id.in_(having) if condition.is_set else source.id.not_in(having)


def _in_stage(stage: LifecycleStage, now: datetime, source: type[Customer]) -> ColumnElement[bool]:
    """Say `rules.lifecycle_stage` in SQL."""
    is_new = source.first_order_at >= now - timedelta(days=ONBOARDING_DAYS)
    active_from, at_risk_from = (to_micros(now - timedelta(days=days)) for days in (ACTIVE_DAYS, AT_RISK_DAYS))
    last = source.last_order_key  # not last_order_at: the key has an index
    return {
        LifecycleStage.LEAD: last == 0,
        LifecycleStage.ONBOARDING: and_(last > 0, is_new),
        LifecycleStage.ACTIVE: and_(last >= active_from, ~is_new),
        LifecycleStage.AT_RISK: and_(last >= at_risk_from, last < active_from, ~is_new),
        LifecycleStage.LAPSED: and_(last > 0, last < at_risk_from, ~is_new),
    }[stage]
