"""Every statement about guests of whom nothing is known."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Column, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.model import Base
from domain.customers.model import Customer, CustomerMatchKey, CustomerRecord, CustomerTerm
from domain.customers.rules.families import PROFILE_FIELDS

_OWN: dict[type[Base], InstrumentedAttribute[UUID]] = {
    CustomerTerm: CustomerTerm.customer_id,
    CustomerMatchKey: CustomerMatchKey.customer_id,
    CustomerRecord: CustomerRecord.id,
    Customer: Customer.id,
}
"""What a customer consists of, by whose it is, in the order in which it can be removed."""

_SAID_BY_PROGRAMS = {"locale"}
"""Fields that a guest's device fills in: they tell nothing of who it is."""

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def lock_visitors(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Lock customers as for their end, in the order of their ids: nothing comes to refer to them meanwhile."""
    for table in (CustomerRecord, Customer):
        statement = select(table.id).where(table.id.in_(ids)).order_by(table.id)
        await session.execute(statement.with_for_update())


async def list_unknown(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Return of which of these customers nothing is known, and nothing happened: nothing in any area refers to them."""
    said = [name for name in PROFILE_FIELDS if name not in _SAID_BY_PROGRAMS]
    statement = (
        select(CustomerRecord.id)
        .where(CustomerRecord.id.in_(ids), CustomerRecord.erased_at.is_(None))
        .where(*(getattr(CustomerRecord, name).is_(None) for name in said))
        .where(*(~exists().where(column == CustomerRecord.id) for column in _references()))
    )
    return set(await session.scalars(statement))


async def remove_visitors(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Remove customers to whom nothing refers."""
    for table, key in _OWN.items():
        await session.execute(delete(table).where(key.in_(ids)), execution_options=_NOTHING_TO_SYNCHRONISE)


def _references() -> list[Column[UUID]]:
    """Return the columns of all areas in which a customer is named, also those that later releases bring."""
    customers = {Customer.__tablename__, CustomerRecord.__tablename__}
    own = {table.__tablename__ for table in _OWN}
    return [
        key.parent
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name in customers and table.name not in own
    ]
