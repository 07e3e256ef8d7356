"""Who is seen, as part of a query: by a shopper themselves, by a partner agent whoever had to do with their stores."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.base.sight import Sight, sight_of
from domain.base.statements import is_of_stores, shopper_of
from domain.customers.model import CustomerRecord, TimelineEntry
from domain.customers.repository.families import is_in_family

OF_ALL_STORES = ("CONSENT",)
"""Kinds of timeline entries that belong to the organisation as a whole, so that all its stores see them."""


def is_seen(session: AsyncSession, column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Say that `column` names a record of somebody whom the session sees."""
    return _is_within(session, sight_of(session), column)


async def is_in_sight(session: AsyncSession, customer_id: UUID, *, sight: Sight) -> bool:
    """Tell whether somebody with this sight sees the customer: for writes, whose session sees everything."""
    statement = select(CustomerRecord.id).where(
        CustomerRecord.id == customer_id, _is_within(session, sight, CustomerRecord.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


def _is_within(session: AsyncSession, sight: Sight, column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    if sight.customer_id is not None:
        return is_in_family(column, shopper_of(sight))
    if sight.store_ids is None:
        return true()
    own, member = aliased(CustomerRecord), aliased(CustomerRecord)
    return exists().where(
        own.id == column,
        member.canonical_id == own.canonical_id,
        TimelineEntry.customer_id == member.id,
        is_of_stores(session, sight, TimelineEntry.store_id),
    )


def is_entry_seen(session: AsyncSession, entry: type[TimelineEntry]) -> ColumnElement[bool]:
    """Say that the session sees an entry in the timeline of somebody whom it sees."""
    sight = sight_of(session)
    if sight.store_ids is None:
        return true()
    return or_(is_of_stores(session, sight, entry.store_id), *(entry.kind == kind for kind in OF_ALL_STORES))
