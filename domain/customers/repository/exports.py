"""Every query about exports, and about what they tell of customers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, Select, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.actors import Actor, Permission
from domain.base.repository.rows import rows_by_id
from domain.customers.model import (
    AttributeDefinition,
    Consent,
    Customer,
    CustomerAttribute,
    CustomerExport,
    CustomerIdentity,
    CustomerMerge,
    CustomerRecord,
    CustomerSpending,
    CustomerTag,
    TimelineEntry,
)
from domain.customers.rules.privacy import EXPORT_REMEMBERED, ExportState

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}

_ROWS: dict[str, tuple[Select[Any], InstrumentedAttribute[UUID]]] = {
    "customers": (select(*Customer.__table__.c), Customer.id),
    "records": (select(*CustomerRecord.__table__.c), CustomerRecord.id),
    "identities": (select(*CustomerIdentity.__table__.c), CustomerIdentity.customer_id),
    "tags": (select(*CustomerTag.__table__.c), CustomerTag.customer_id),
    "attributes": (
        select(AttributeDefinition.key, AttributeDefinition.name, *CustomerAttribute.__table__.c).join(
            AttributeDefinition, AttributeDefinition.id == CustomerAttribute.definition_id
        ),
        CustomerAttribute.customer_id,
    ),
    "consents": (select(*Consent.__table__.c), Consent.customer_id),
    "spendings": (select(*CustomerSpending.__table__.c), CustomerSpending.customer_id),
    "timeline": (select(*TimelineEntry.__table__.c), TimelineEntry.customer_id),
}
"""What is told as it stands: the rows of one person, by the name under which they are told."""


async def list_rows(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, Sequence[Row[Any]]]:
    """Return what is told as it stands, by name; each in the order in which it became known."""
    found: dict[str, Sequence[Row[Any]]] = {}
    for name, (statement, column) in _ROWS.items():
        order = column.class_.__table__.primary_key.columns
        found[name] = (await session.execute(statement.where(column.in_(ids)).order_by(*order))).all()
    return found


async def list_merges_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return every merge that names one of these records, also with others."""
    named = or_(CustomerMerge.survivor_id.in_(ids), CustomerMerge.absorbed_id.in_(ids))
    return (await session.execute(select(*CustomerMerge.__table__.c).where(named).order_by(CustomerMerge.id))).all()


async def list_exports_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return when somebody asked for exports about these records, and who."""
    columns = [column for column in CustomerExport.__table__.c if column.key not in ("document", "secret")]
    statement = select(*columns).where(CustomerExport.customer_id.in_(ids)).order_by(CustomerExport.id)
    return (await session.execute(statement)).all()


async def find_pending_export(session: AsyncSession, *, customer_id: UUID, actor: Actor) -> UUID | None:
    """Return the export about this customer that the actor waits for already."""
    statement = select(CustomerExport.id).where(
        CustomerExport.customer_id == customer_id,
        CustomerExport.state == ExportState.PENDING,
        CustomerExport.actor_kind == actor.kind,
        CustomerExport.actor_id == actor.id,
    )
    return (await session.scalars(statement.order_by(CustomerExport.id).limit(1))).one_or_none()


async def list_exports_by_id(session: AsyncSession, ids: Iterable[UUID], *, actor: Actor) -> dict[UUID, Row[Any]]:
    """Return exports by their ids: those that the actor asked for, all to who may export anybody."""
    rows = await rows_by_id(session, CustomerExport, ids)
    if actor.may(Permission.PRIVACY_WRITE):
        return rows
    return {key: row for key, row in rows.items() if (row.actor_kind, row.actor_id) == (actor.kind, actor.id)}


async def find_export(session: AsyncSession, export_id: UUID) -> Row[Any] | None:
    """Return an export with its document, whoever asked for it."""
    statement = select(*CustomerExport.__table__.c).where(CustomerExport.id == export_id)
    return (await session.execute(statement)).one_or_none()


async def change_export(session: AsyncSession, export_id: UUID, **values: Any) -> bool:  # noqa: ANN401
    """Change an export; False where it is gone: the person was erased meanwhile."""
    statement = update(CustomerExport).where(CustomerExport.id == export_id).values(**values)
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what an UPDATE answers
    return result.rowcount == 1


async def purge_exports(session: AsyncSession, *, now: datetime) -> None:
    """Remove the documents that have expired, and later what reminds of them."""
    emptied = update(CustomerExport).where(
        CustomerExport.expires_at <= now, CustomerExport.state != ExportState.EXPIRED
    )
    await session.execute(
        emptied.values(state=ExportState.EXPIRED, document=None), execution_options=_NOTHING_TO_SYNCHRONISE
    )
    forgotten = delete(CustomerExport).where(CustomerExport.expires_at <= now - EXPORT_REMEMBERED)
    await session.execute(forgotten, execution_options=_NOTHING_TO_SYNCHRONISE)
