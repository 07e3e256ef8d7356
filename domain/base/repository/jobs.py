"""Background jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.model import JobRecord, JobState
from domain.base.repository.rows import UNSYNCHRONISED, insert_rows, upsert


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
    rows = (await session.execute(statement, execution_options=UNSYNCHRONISED)).all()
    return sorted(rows, key=lambda row: (row.run_at, row.id))


async def change_claimed(session: AsyncSession, job_id: UUID, *, fence: int, values: Mapping[str, Any]) -> bool:
    """Change a job that is held by the claim with this fence; False where it is not held by it any more."""
    statement = (
        update(JobRecord)
        .where(JobRecord.id == job_id, JobRecord.fence == fence, JobRecord.state == JobState.RUNNING)
        .values(**values)
    )
    result = await session.execute(statement, execution_options=UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101  what an UPDATE answers
    return result.rowcount == 1


async def revive_jobs(session: AsyncSession, *, job_id: UUID | None, now: datetime) -> int:
    """Let dead jobs run again from their first attempt; return how many."""
    statement = update(JobRecord).where(JobRecord.state == JobState.DEAD)
    if job_id is not None:
        statement = statement.where(JobRecord.id == job_id)
    values = {"state": JobState.READY, "run_at": now, "attempt_count": 0, "finished_at": None}
    result = await session.execute(statement.values(**values), execution_options=UNSYNCHRONISED)
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
    result = await session.execute(statement, execution_options=UNSYNCHRONISED)
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
