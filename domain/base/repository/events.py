"""The event log and the audit log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    UpdateBase,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.model import AuditEntry, EventHead, EventRecord
from domain.base.repository.rows import insert_rows, upsert
from domain.base.statements import prepared


async def add_events(session: AsyncSession, *, audit: Mapping[str, Any], events: Sequence[dict[str, Any]]) -> None:
    """Write the audit row and the events; on SQLite, whose only writer this is, number them at once."""
    await insert_rows(session, AuditEntry, [audit])
    if not events:
        return
    first = await _reserve_numbers(session, len(events)) if session.get_bind().dialect.name == "sqlite" else None
    for offset, row in enumerate(events):
        row["seq"] = None if first is None else first + offset
        row["audit_id"] = audit["id"]
    await insert_rows(session, EventRecord, events)


async def add_audit_entries(session: AsyncSession, entries: Sequence[AuditEntry]) -> None:
    """Write audit rows by themselves."""
    names = [column.key for column in AuditEntry.__table__.columns]
    await insert_rows(session, AuditEntry, [{name: getattr(entry, name) for name in names} for entry in entries])


async def _reserve_numbers(session: AsyncSession, count: int) -> int:
    def build() -> UpdateBase:
        number = bindparam("count", type_=EventHead.seq.type)
        return (
            upsert(session, EventHead)
            .values(id=1, seq=number)
            .on_conflict_do_update(index_elements=["id"], set_={"seq": EventHead.seq + number})
            .returning(EventHead.seq)
        )

    (row,) = await prepared(session, ("reserve numbers",), build).rows(session, count=count)
    newest: int = row.seq
    return newest - count + 1


async def list_events(session: AsyncSession, *, limit: int) -> Sequence[EventRecord]:
    """Return the oldest events, in the order in which they were recorded."""
    return (await session.scalars(select(EventRecord).order_by(EventRecord.id).limit(limit))).all()


async def list_acts_of_customers(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return what these customers did themselves, the oldest first."""
    is_theirs = (AuditEntry.actor_kind == literal_column("'CUSTOMER'")) & AuditEntry.actor_id.in_(list(ids))
    statement = select(*AuditEntry.__table__.c).where(is_theirs).order_by(AuditEntry.occurred_at, AuditEntry.id)
    return (await session.execute(statement)).all()


async def list_audit_entries(session: AsyncSession, *, limit: int) -> Sequence[AuditEntry]:
    """Return the newest audit rows, newest first."""
    statement = select(AuditEntry).order_by(AuditEntry.occurred_at.desc(), AuditEntry.id.desc()).limit(limit)
    return (await session.scalars(statement)).all()
