"""The tables behind every write: event log, audit, idempotency keys, jobs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Dialect,
    Row,
    Select,
    Table,
    UpdateBase,
    and_,
    bindparam,
    delete,
    func,
    inspect,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.model import AuditEntry, Base, EventHead, EventRecord, IdempotencyKey, JobRecord, JobState
from domain.base.statements import among, prepared
from domain.base.writing import INSERT, Given, write, write_rows

EXPIRED_REMOVED_MAX = 20

LIST_CHUNK = 500
"""Values in one IN list: far below SQLite's limit of 32,766 parameters in a statement."""

Columns: TypeAlias = frozenset[str] | None
"""So much of a table's rows as is wanted; None: all."""

Condition: TypeAlias = tuple[Callable[[AsyncSession, Any], ColumnElement[bool]], Any]
"""Says which rows are meant: a function, and the column or table that it is about."""

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}

_Value = TypeVar("_Value")


async def purge_idempotency_keys(session: AsyncSession, *, made_before: datetime, limit: int) -> int:
    """Remove keys that were made before, so many at most; return how many."""
    expired = (
        select(IdempotencyKey.scope, IdempotencyKey.key).where(IdempotencyKey.created_at < made_before).limit(limit)
    )
    statement = delete(IdempotencyKey).where(tuple_(IdempotencyKey.scope, IdempotencyKey.key).in_(expired))
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what a DELETE answers
    return int(result.rowcount)


async def remove_idempotency_keys(session: AsyncSession, *, scopes: Sequence[str], answer_ids: Iterable[UUID]) -> None:
    """Remove the keys of these actors, and those that were answered with one of these ids."""
    is_theirs = IdempotencyKey.scope.in_(scopes)
    await session.execute(delete(IdempotencyKey).where(is_theirs), execution_options=_NOTHING_TO_SYNCHRONISE)
    for chunk in chunks(answer_ids):
        statement = delete(IdempotencyKey).where(IdempotencyKey.answer_id.in_(chunk))
        await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


def upsert(session: AsyncSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the session's dialect that knows ON CONFLICT."""
    dialect: Dialect = session.get_bind().dialect
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, every column given, without objects; they wait for what else is written (`writing.py`)."""
    await write_rows(session, cast(Table, table.__table__), rows, way=INSERT, build=_insert)


async def upsert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, each of another key; they take the place of those that have the same keys."""
    await write_rows(session, cast(Table, table.__table__), rows, way="upsert", build=_upsert)


async def update_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Change the rows that have these keys, in the columns that are given."""
    await write_rows(session, cast(Table, table.__table__), rows, way="update", build=_update)


def _insert(given: Given) -> postgresql.Insert | sqlite.Insert:
    if given.dialect.name == "sqlite":
        return sqlite.insert(given.table).values(given.values)
    statement = postgresql.insert(given.table)
    return statement.values(given.values) if given.is_one else statement.from_select(given.names, select(*given.rows.c))


def _upsert(given: Given) -> UpdateBase:
    statement = _insert(given)
    keys = [column.name for column in given.table.primary_key]
    changed = {name: statement.excluded[name] for name in given.names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _update(given: Given) -> UpdateBase:
    sent: Any = given.values if given.is_one else given.rows.c
    is_meant = [column == sent[column.name] for column in given.table.primary_key]
    keys = {column.name for column in given.table.primary_key}
    return update(given.table).where(*is_meant).values({name: sent[name] for name in given.names if name not in keys})


async def replace_rows(
    session: AsyncSession,
    parent: InstrumentedAttribute[UUID],
    ids: Iterable[UUID],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Make these the rows whose `parent` is one of the ids."""
    table: Any = parent.class_
    if wanted := list(dict.fromkeys(ids)):
        await write(
            session,
            ("remove rows", parent),
            lambda: delete(table).where(among(session, parent, "ids")),
            table=table.__table__,
            values={"ids": wanted},
        )
    await insert_rows(session, table, rows)


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


def chunks(values: Iterable[_Value]) -> list[list[_Value]]:
    """Return the values, once each, in lists that fit into a statement."""
    listed = list(dict.fromkeys(values))
    return [listed[start : start + LIST_CHUNK] for start in range(0, len(listed), LIST_CHUNK)]


async def rows_by_id(
    session: AsyncSession,
    table: type[Base],
    ids: Iterable[UUID],
    *,
    where: Condition | None = None,
    columns: Columns = None,
) -> dict[UUID, Any]:
    """Return plain rows of the table by their ids, so much of them as is wanted."""

    def build() -> Select[Any]:
        key = table.__table__.c.id
        statement = select(*columns_of(table, columns, "id")).where(among(session, key, "ids"))
        return statement if where is None else statement.where(where[0](session, where[1]))

    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    statement = prepared(session, ("by id", table, where, columns), build)
    return {row.id: row for row in await statement.rows(session, ids=wanted)}


async def rows_by_parent(
    session: AsyncSession,
    parent: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    ids: Iterable[UUID],
    *,
    order_by: Sequence[InstrumentedAttribute[Any]],
    columns: Columns = None,
    needed: tuple[str, ...] = ("id",),
) -> dict[UUID, list[Any]]:
    """Return the plain rows below each parent, an empty list where there are none; `needed`: wanted in any case."""

    def build() -> Select[Any]:
        chosen = columns_of(parent.class_, columns, parent.key, *needed)
        return select(*chosen).where(among(session, parent, "ids")).order_by(*order_by)

    found: dict[UUID, list[Any]] = defaultdict(list)
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return found
    of_row = attrgetter(parent.key)
    statement = prepared(session, ("by parent", parent, tuple(order_by), columns, needed), build)
    for row in await statement.rows(session, ids=wanted):
        found[of_row(row)].append(row)
    return found


def columns_of(source: Any, wanted: Columns, *needed: str) -> list[Any]:  # noqa: ANN401  a table's class or alias
    """Return the columns of a table that are wanted, and what is needed in any case."""
    table = inspect(source).mapper.local_table
    names = {*needed, *(wanted or ())}
    return [getattr(source, column.key) for column in table.c if wanted is None or column.key in names]


async def add_jobs(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep jobs that were asked for."""
    await insert_rows(session, JobRecord, rows)


async def add_planned_jobs(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep jobs of schedules, unless they were kept for the same instant."""
    for row in rows:
        statement = upsert(session, JobRecord).values(**row)
        await session.execute(statement.on_conflict_do_nothing())


async def has_due_jobs(session: AsyncSession, *, now: datetime) -> bool:
    """Tell whether there is anything to claim."""
    return (await session.execute(select(JobRecord.id).where(_is_claimable(now)).limit(1))).first() is not None


def _is_claimable(now: datetime) -> ColumnElement[bool]:
    """Say that a job is due, or that its runner let the lease end."""
    return or_(
        and_(JobRecord.state == JobState.READY, JobRecord.run_at <= now),
        and_(JobRecord.state == JobState.RUNNING, JobRecord.lease_until < now),
    )


async def claim_jobs(session: AsyncSession, *, limit: int, now: datetime, lease_until: datetime) -> Sequence[Row[Any]]:
    """Take over jobs that are due, the oldest first; two who claim at once get different ones."""
    due = (
        select(JobRecord.id)
        .where(_is_claimable(now))
        .order_by(JobRecord.run_at, JobRecord.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(JobRecord)
        .where(JobRecord.id.in_(due.scalar_subquery()))
        .values(
            state=JobState.RUNNING,
            lease_until=lease_until,
            fence=JobRecord.fence + 1,
            attempt_count=JobRecord.attempt_count + 1,
        )
        .returning(*JobRecord.__table__.c)
    )
    rows = (await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)).all()
    return sorted(rows, key=lambda row: (row.run_at, row.id))


async def change_claimed(session: AsyncSession, job_id: UUID, *, fence: int, values: Mapping[str, Any]) -> bool:
    """Change a job that is held by the claim with this fence; False where it is not held by it any more."""
    statement = (
        update(JobRecord)
        .where(JobRecord.id == job_id, JobRecord.fence == fence, JobRecord.state == JobState.RUNNING)
        .values(**values)
    )
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what an UPDATE answers
    return result.rowcount == 1


async def revive_jobs(session: AsyncSession, *, job_id: UUID | None, now: datetime) -> int:
    """Let dead jobs run again from their first attempt; return how many."""
    statement = update(JobRecord).where(JobRecord.state == JobState.DEAD)
    if job_id is not None:
        statement = statement.where(JobRecord.id == job_id)
    values = {"state": JobState.READY, "run_at": now, "attempt_count": 0, "finished_at": None}
    result = await session.execute(statement.values(**values), execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101
    return int(result.rowcount)


async def purge_jobs(session: AsyncSession, *, finished_before: datetime, limit: int) -> int:
    """Remove jobs that are done for long enough, so many at most; return how many."""
    old = (
        select(JobRecord.id)
        .where(JobRecord.state == JobState.DONE, JobRecord.finished_at < finished_before)
        .limit(limit)
    )
    statement = delete(JobRecord).where(JobRecord.id.in_(old.scalar_subquery()))
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101
    return int(result.rowcount)


async def list_jobs(session: AsyncSession, *, state: JobState | None, limit: int) -> Sequence[Row[Any]]:
    """Return jobs, in this state or any, the ones that are due first."""
    statement = select(*JobRecord.__table__.c).order_by(JobRecord.run_at, JobRecord.id).limit(limit)
    return (await session.execute(statement if state is None else statement.where(JobRecord.state == state))).all()


async def count_jobs(session: AsyncSession) -> dict[str, int]:
    """Return how many jobs are in each state."""
    rows = await session.execute(select(JobRecord.state, func.count()).group_by(JobRecord.state))
    return {row[0]: row[1] for row in rows}
