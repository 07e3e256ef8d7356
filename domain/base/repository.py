"""The tables behind every write: event log, audit, idempotency keys."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Dialect, Row, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.model import AuditEntry, Base, EventHead, EventRecord, IdempotencyKey

EXPIRED_REMOVED_MAX = 20

LIST_CHUNK = 500
"""Values in one IN list: far below SQLite's limit of 32,766 parameters in a statement."""

_Value = TypeVar("_Value")


def upsert(session: AsyncSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the session's dialect that knows ON CONFLICT."""
    dialect: Dialect = session.get_bind().dialect
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, every column given, in one statement without objects: for what comes by the thousand."""
    if rows:
        connection = await session.connection()
        await connection.execute(insert(table.__table__), list(rows))  # type: ignore[arg-type]  # a mapped table


async def claim_idempotency_key(
    session: AsyncSession, *, scope: str, key: str, input_hash: str, now: datetime, expired_before: datetime
) -> IdempotencyKey | None:
    """Claim the key for this transaction; return what was committed for it instead, if anything was.

    A second claim waits until the first one's transaction has ended. A key that was made before
    `expired_before` counts as unknown; a few of those are removed each time.
    """
    expired = (
        select(IdempotencyKey.scope, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < expired_before)
        .order_by(IdempotencyKey.created_at)
        .limit(EXPIRED_REMOVED_MAX)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(IdempotencyKey).where(tuple_(IdempotencyKey.scope, IdempotencyKey.key).in_(expired)),
        execution_options={"synchronize_session": False},
    )
    statement = (
        upsert(session, IdempotencyKey)
        .values(scope=scope, key=key, input_hash=input_hash, answer_id=None, created_at=now)
        .on_conflict_do_update(
            index_elements=["scope", "key"],
            set_={"input_hash": input_hash, "answer_id": None, "created_at": now},
            where=IdempotencyKey.created_at < expired_before,
        )
        .returning(IdempotencyKey.key)
    )
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return None
    return await session.get_one(IdempotencyKey, (scope, key))


async def write_probe(session: AsyncSession, now: datetime) -> None:
    """Write something that nobody reads, to see whether there is room."""
    statement = upsert(session, IdempotencyKey).values(
        scope="SYSTEM:probe", key="probe", input_hash="", answer_id=None, created_at=now
    )
    await session.execute(statement.on_conflict_do_update(index_elements=["scope", "key"], set_={"created_at": now}))


async def store_idempotent_answer(session: AsyncSession, *, scope: str, key: str, answer_id: UUID) -> None:
    """Keep the id of what was made for the key."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
        .values(answer_id=answer_id)
    )


async def add_events(session: AsyncSession, *, audit: AuditEntry, events: Sequence[dict[str, Any]]) -> None:
    """Write the audit row and the events; on SQLite, whose only writer this is, number them at once."""
    await insert_rows(
        session,
        AuditEntry,
        [{column.key: getattr(audit, column.key) for column in AuditEntry.__table__.columns}],
    )
    if not events:
        return
    first = await _reserve_numbers(session, len(events)) if session.get_bind().dialect.name == "sqlite" else None
    for offset, row in enumerate(events):
        row["seq"] = None if first is None else first + offset
        row["audit_id"] = audit.id
    await insert_rows(session, EventRecord, events)


async def _reserve_numbers(session: AsyncSession, count: int) -> int:
    statement = (
        upsert(session, EventHead)
        .values(id=1, seq=count)
        .on_conflict_do_update(index_elements=["id"], set_={"seq": EventHead.seq + count})
        .returning(EventHead.seq)
    )
    newest: int = (await session.execute(statement)).scalar_one()
    return newest - count + 1


async def list_events(session: AsyncSession, *, limit: int) -> Sequence[EventRecord]:
    """Return the oldest events, in the order in which they were recorded."""
    return (await session.scalars(select(EventRecord).order_by(EventRecord.id).limit(limit))).all()


async def list_audit_entries(session: AsyncSession, *, limit: int) -> Sequence[AuditEntry]:
    """Return the newest audit rows, newest first."""
    statement = select(AuditEntry).order_by(AuditEntry.occurred_at.desc(), AuditEntry.id.desc()).limit(limit)
    return (await session.scalars(statement)).all()


def chunks(values: Iterable[_Value]) -> list[list[_Value]]:
    """Return the values, once each, in lists that fit into a statement."""
    listed = list(dict.fromkeys(values))
    return [listed[start : start + LIST_CHUNK] for start in range(0, len(listed), LIST_CHUNK)]


async def rows_by_id(session: AsyncSession, table: type[Base], ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return plain rows of the table by their ids."""
    columns = table.__table__.c
    found: dict[UUID, Row[Any]] = {}
    for chunk in chunks(ids):
        rows = await session.execute(select(*columns).where(columns.id.in_(chunk)))
        found.update({row.id: row for row in rows})
    return found


async def rows_by_parent(
    session: AsyncSession,
    parent: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    ids: Iterable[UUID],
    *,
    order_by: Sequence[InstrumentedAttribute[Any]],
) -> dict[UUID, list[Row[Any]]]:
    """Return the plain rows below each parent, an empty list where there are none."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = select(*parent.class_.__table__.c).where(parent.in_(chunk)).order_by(*order_by)
        for row in await session.execute(statement):
            found[row._mapping[parent.key]].append(row)  # noqa: SLF001  the public name of a row's mapping
    return found
