"""Every statement that removes what is known of a person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.contacts import email_key
from domain.base.repository.rows import chunks
from domain.customers.model import (
    Consent,
    Customer,
    CustomerAttribute,
    CustomerExport,
    CustomerIdentity,
    CustomerMatchKey,
    CustomerMerge,
    CustomerRecord,
    CustomerTag,
    CustomerTerm,
    TimelineEntry,
    ValueRanking,
)
from domain.customers.repository.families import forget_families
from domain.customers.rules.families import PROFILE_FIELDS
from domain.customers.rules.identities import IdentityKind

_REMOVED = (
    CustomerAttribute,
    CustomerExport,
    CustomerIdentity,
    CustomerMatchKey,
    CustomerTag,
    CustomerTerm,
    TimelineEntry,
)
"""Tables of which nothing stays. Sums stay: the books add up."""

_EMPTIED = dict.fromkeys(PROFILE_FIELDS)
_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def find_erased(session: AsyncSession, customer_id: UUID) -> UUID | None:
    """Return the canonical customer of a record that was erased."""
    statement = select(CustomerRecord.canonical_id)
    statement = statement.where(CustomerRecord.id == customer_id, CustomerRecord.erased_at.is_not(None))
    return (await session.scalars(statement)).one_or_none()


async def lock_for_erasure(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Lock records of a locked family as for their end: also against who only holds on to them."""
    statement = select(CustomerRecord.id).where(CustomerRecord.id.in_(sorted(ids))).order_by(CustomerRecord.id)
    await session.execute(statement.with_for_update())


async def list_addresses(session: AsyncSession, ids: Iterable[UUID]) -> set[str]:
    """Return the e-mail addresses of these records, as they are compared."""
    listed = list(ids)
    statement = select(CustomerIdentity.value)
    is_email = CustomerIdentity.kind == IdentityKind.EMAIL
    known = set(await session.scalars(statement.where(CustomerIdentity.customer_id.in_(listed), is_email)))
    profiles = select(CustomerRecord.email).where(CustomerRecord.id.in_(listed), CustomerRecord.email.is_not(None))
    return known | {email_key(address) for address in await session.scalars(profiles) if address is not None}


async def list_addresses_of_others(session: AsyncSession, ids: Iterable[UUID], addresses: Iterable[str]) -> set[str]:
    """Return which of the addresses somebody beside these records has too."""
    found: set[str] = set()
    for chunk in chunks(addresses):
        statement = select(CustomerIdentity.value).where(
            CustomerIdentity.kind == IdentityKind.EMAIL,
            CustomerIdentity.namespace == "",
            CustomerIdentity.value.in_(chunk),
            CustomerIdentity.customer_id.not_in(list(ids)),
        )
        found.update(await session.scalars(statement))
        profiles = select(func.lower(CustomerRecord.email)).where(
            func.lower(CustomerRecord.email).in_(chunk), CustomerRecord.id.not_in(list(ids))
        )
        found.update(await session.scalars(profiles))
    return found


async def list_answers(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Return the ids of everything that writes about these records were answered with."""
    found = set(ids)
    for table in (CustomerIdentity, Consent, CustomerExport):
        found.update(await session.scalars(select(table.id).where(table.customer_id.in_(ids))))
    return found


async def remove_ranking_by(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Forget the stored boundaries where one of these customers stands at one: it names them."""
    keys = set(await session.scalars(select(Customer.rank_key).where(Customer.id.in_(ids))))
    boundaries = (await session.scalars(select(ValueRanking.boundaries).with_for_update())).one_or_none()
    named = {place[1] for places in (boundaries or {}).values() for place in places if place is not None}
    if keys & named:
        await session.execute(delete(ValueRanking), execution_options=_NOTHING_TO_SYNCHRONISE)


async def erase_records(session: AsyncSession, ids: Sequence[UUID], *, now: datetime) -> None:
    """Leave nothing of these records but their ids, their sums, and what was decided on contacting somebody."""
    forget_families(session)
    for table in _REMOVED:
        await session.execute(
            delete(table).where(table.customer_id.in_(ids)), execution_options=_NOTHING_TO_SYNCHRONISE
        )
    names = (CustomerMerge.survivor_id, CustomerMerge.absorbed_id)
    is_theirs = or_(*(name.in_(ids) for name in names))
    await session.execute(delete(CustomerMerge).where(is_theirs), execution_options=_NOTHING_TO_SYNCHRONISE)
    for statement in (
        update(Consent).where(Consent.customer_id.in_(ids)).values(source=None, proof=None),
        update(CustomerRecord)
        .where(CustomerRecord.id.in_(ids))
        .values(**_EMPTIED, emptied=[], updated_at=now, erased_at=now),
    ):
        await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    customers = Customer.__table__
    hidden = (
        update(customers)  # type: ignore[arg-type]
        .where(customers.c.id == bindparam("key"))
        .values(**_EMPTIED, sort_name="", rank_key=bindparam("place"), is_absorbed=True, updated_at=now)
    )
    connection = await session.connection()
    await connection.execute(hidden, [{"key": key, "place": key.hex} for key in ids])
