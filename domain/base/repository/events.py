"""The event log and the audit log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CursorResult,
    Row,
    Select,
    UpdateBase,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.hints import CHANNEL
from domain.base.model import AuditEntry, EventHead, EventRecord
from domain.base.repository.rows import UNSYNCHRONISED, insert_rows
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
        return update(EventHead).values(seq=EventHead.seq + number).returning(EventHead.seq)

    (row,) = await prepared(session, ("reserve numbers",), build).rows(session, count=count)
    newest: int = row.seq
    return newest - count + 1


_TOLD: list[Any] = [EventRecord.seq, EventRecord.type, EventRecord.subjects, EventRecord.occurred_at]


class Head(NamedTuple):
    """Where the event log ends and begins, as `EventHead` has it."""

    seq: int
    kept_from: int
    epoch: str


async def find_head(session: AsyncSession) -> Head:
    """Return where the event log ends and begins."""

    def build() -> Select[Any]:
        return select(*EventHead.__table__.c)

    (row,) = await prepared(session, ("event head",), build).rows(session)
    return Head(row.seq, row.kept_from, row.epoch)


async def list_logged(session: AsyncSession, *, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return the numbered events behind a number, in their order."""

    def build() -> Select[Any]:
        chosen = select(*_TOLD)
        behind = EventRecord.seq > bindparam("after", type_=EventRecord.seq.type)
        return chosen.where(behind).order_by(EventRecord.seq).limit(literal_column(str(limit)))

    return await prepared(session, ("logged events", limit), build).rows(session, after=after)


async def has_fresh_events(session: AsyncSession) -> bool:
    """Tell whether there are events without a number."""

    def build() -> Select[Any]:
        return select(EventRecord.id).where(EventRecord.seq.is_(None)).limit(literal_column("1"))

    return bool(await prepared(session, ("fresh events",), build).rows(session))


async def number_events(session: AsyncSession, *, limit: int, notifies: bool = True) -> int:
    """Number the committed events that have no number yet, in the order in which they were recorded; return how many.

    Whoever follows the log is given a hint, unless that goes another way. Whoever numbers at the same time waits. The
    lock is a statement of its own: one that waited for it in the same statement would number by what it saw before.
    """
    head = (await session.execute(select(EventHead.seq).with_for_update())).scalar_one()
    fresh = (
        select(EventRecord.id, func.row_number().over(order_by=EventRecord.id).label("place"))
        .where(EventRecord.seq.is_(None))
        .order_by(EventRecord.id)
        .limit(limit)
        .cte("fresh")
    )
    numbered = (
        update(EventRecord)
        .where(EventRecord.id == fresh.c.id, EventRecord.seq.is_(None))
        .values(seq=head + fresh.c.place)
    )
    result = await session.execute(numbered, execution_options=UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101  what an UPDATE answers
    count = int(result.rowcount)
    if count:
        await session.execute(update(EventHead).values(seq=head + count), execution_options=UNSYNCHRONISED)
        if notifies:
            await session.execute(select(func.pg_notify(CHANNEL, str(head + count))))
    return count


async def remove_old_events(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove the oldest events that happened before, so many at most, and raise where the log begins; return how many.

    What is removed is always the beginning of the log, as far as it is numbered: behind a cursor is all or nothing.
    Whoever numbers meanwhile waits.
    """
    head = (await session.execute(select(EventHead.seq, EventHead.kept_from).with_for_update())).one()
    end = min(head.seq, head.kept_from + limit - 1)
    is_old = EventRecord.seq.between(head.kept_from, end)
    young = select(func.min(EventRecord.seq)).where(is_old, EventRecord.occurred_at >= before)
    kept_from = (await session.execute(young)).scalar_one() or end + 1
    count = int(kept_from - head.kept_from)
    if count:
        gone = EventRecord.seq.between(head.kept_from, kept_from - 1)
        await session.execute(delete(EventRecord).where(gone), execution_options=UNSYNCHRONISED)
        await session.execute(update(EventHead).values(kept_from=kept_from), execution_options=UNSYNCHRONISED)
    return count


async def renew_epoch(session: AsyncSession, *, epoch: str) -> None:
    """Begin another life of the database: no cursor from before leads anywhere."""
    await session.execute(update(EventHead).values(epoch=epoch), execution_options=UNSYNCHRONISED)


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
