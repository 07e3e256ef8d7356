"""Work that is done after the commit that asked for it: later, again, or at fixed times.

An action asks for a job on its `Work`; the job exists once that is committed, in the same database. Whoever runs
jobs claims some for a while (a lease), works on them outside of any transaction, and says how it went. A job is
run at least once: its handler does nothing a second time. What fails is tried again, later each time, and in the
end waits for a person.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeAlias, get_type_hints
from uuid import UUID

from domain.base.identifiers import new_id
from domain.base.repository import jobs
from domain.base.work import Work, Works

LEASE = timedelta(seconds=60)
"""How long a runner holds a job before another one may take it over; long jobs prolong it."""

ATTEMPTS_MAX = 12
"""With the pauses below a job is given up after about two days."""

_PAUSE_FIRST_S = 5.0
_PAUSE_MAX_S = 6 * 3_600.0
KEPT = timedelta(days=7)
"""What is done stays for so long, to be looked at."""

ERROR_LENGTH_MAX = 500


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be done. Its fields are ids and plain words: who runs it reads what it needs."""

    registry: ClassVar[dict[str, type["Job"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register each kind of job under its name, which is also its name in the table."""
        Job.registry[cls.__name__] = cls

    @property
    def payload(self) -> dict[str, Any]:
        """Return the fields as the table keeps them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.hex if isinstance(value, UUID) else value for name, value in values.items()}

    @classmethod
    def restored(cls, kind: str, payload: Mapping[str, Any]) -> "Job":
        """Return the job that was kept. Raises `KeyError` for a kind that this release does not know."""
        found = cls.registry[kind]
        hints = get_type_hints(found)
        return found(**{name: UUID(hex=value) if hints[name] is UUID else value for name, value in payload.items()})


Handler: TypeAlias = Callable[[Works, Any], Awaitable[None]]
Handlers: TypeAlias = Mapping[type[Job], Handler]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job that is due again and again: at each multiple of `every` since 1970, in UTC."""

    name: str
    every: timedelta
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A job that is ours until its lease ends."""

    id: UUID
    kind: str
    payload: Mapping[str, Any]
    attempt_count: int
    fence: int


def enqueue(work: Work, *, job: Job, not_before: datetime | None = None) -> UUID:
    """Ask for a job; it exists once the work is committed. Returns its id."""
    row = _row(job, now=work.now, run_at=not_before or work.now)
    work.defer(row)
    key: UUID = row["id"]
    return key


async def enqueue_together(
    work: Work, *, name: str, job: Job, every: timedelta, after: timedelta = timedelta(0)
) -> None:
    """Ask for a job at the next multiple of `every`: once, however many ask for it under this name until then.

    `after`: how long it is to wait at least.
    """
    due_at = planned(every, now=work.now + after) + every
    row = _row(job, now=work.now, run_at=due_at) | {"schedule": name, "planned_at": due_at}
    await jobs.add_planned_jobs(work.session, [row])


async def plan(work: Work, *, schedules: Sequence[Schedule]) -> None:
    """Ask for what the schedules have due by now, each planned instant once, however many ask at once."""
    rows = []
    for schedule in schedules:
        planned_at = planned(schedule.every, now=work.now)
        row = _row(schedule.job, now=work.now, run_at=planned_at)
        rows.append(row | {"schedule": schedule.name, "planned_at": planned_at})
    await jobs.add_planned_jobs(work.session, rows)


def planned(every: timedelta, *, now: datetime) -> datetime:
    """Return the last instant at or before `now` that is a multiple of `every` since 1970."""
    epoch = datetime(1970, 1, 1, tzinfo=now.tzinfo)
    return epoch + (now - epoch) // every * every


async def claim(work: Work, *, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
    """Take over so many jobs that are due, or whose runner let the lease end."""
    rows = await jobs.claim_jobs(work.session, limit=limit, now=work.now, lease_until=work.now + lease)
    return [
        Claimed(id=row.id, kind=row.kind, payload=row.payload, attempt_count=row.attempt_count, fence=row.fence)
        for row in rows
    ]


async def prolong(work: Work, *, claimed: Claimed, lease: timedelta = LEASE) -> bool:
    """Hold a job for longer; False where another runner has it by now."""
    return await jobs.change_claimed(
        work.session, claimed.id, fence=claimed.fence, values={"lease_until": work.now + lease}
    )


async def complete(work: Work, *, claimed: Claimed) -> bool:
    """Say that a job is done; False where another runner has it by now."""
    values = {"state": "DONE", "lease_until": None, "finished_at": work.now, "last_error": None}
    return await jobs.change_claimed(work.session, claimed.id, fence=claimed.fence, values=values)


async def give_back(work: Work, *, claimed: Claimed) -> bool:
    """Let another runner have a job that was not begun, or is cut short: it does not count as an attempt."""
    values = {"state": "READY", "lease_until": None, "attempt_count": claimed.attempt_count - 1}
    return await jobs.change_claimed(work.session, claimed.id, fence=claimed.fence, values=values)


async def fail(work: Work, *, claimed: Claimed, error: str) -> bool:
    """Say that an attempt failed: it is tried again later, or waits for a person after the last attempt."""
    values: dict[str, Any] = {"lease_until": None, "last_error": error[:ERROR_LENGTH_MAX]}
    if claimed.attempt_count >= ATTEMPTS_MAX:
        values |= {"state": "DEAD", "finished_at": work.now}
    else:
        pause = timedelta(seconds=pause_s(claimed.attempt_count, jitter=random.random()))  # noqa: S311
        values |= {"state": "READY", "run_at": work.now + pause}
    return await jobs.change_claimed(work.session, claimed.id, fence=claimed.fence, values=values)


def pause_s(attempt_count: int, *, jitter: float) -> float:
    """Return the seconds to the next attempt: doubled each time up to six hours, and up to half of it less.

    `jitter` is from 0 to 1: what failed together is not tried together.
    """
    full: float = min(_PAUSE_FIRST_S * 2 ** (attempt_count - 1), _PAUSE_MAX_S)
    return full * (1 - jitter / 2)


async def retry(work: Work, *, job_id: UUID | None) -> int:
    """Let a job that waits for a person run again, all of them without an id; return how many."""
    return await jobs.revive_jobs(work.session, job_id=job_id, now=work.now)


def _row(job: Job, *, now: datetime, run_at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": type(job).__name__,
        "payload": job.payload,
        "state": "READY",
        "run_at": run_at,
        "attempt_count": 0,
        "fence": 0,
        "lease_until": None,
        "schedule": None,
        "planned_at": None,
        "last_error": None,
        "created_at": now,
        "finished_at": None,
    }
