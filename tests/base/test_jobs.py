"""Jobs: kept with the commit that asked for them, run at least once, and never lost."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row

from domain.base.actors import SYSTEM
from domain.base.errors import Invalid
from domain.base.jobs import (
    ATTEMPTS_MAX,
    ERROR_LENGTH_MAX,
    LEASE,
    Claimed,
    Job,
    Schedule,
    claim,
    complete,
    enqueue,
    fail,
    give_back,
    pause_s,
    plan,
    planned,
    prolong,
    retry,
)
from domain.base.model import JobState
from domain.base.repository.jobs import count_jobs, has_due_jobs, list_jobs
from domain.base.upkeep import PurgeExpired, purge_expired
from domain.base.work import Once, Work, Works
from tests.conftest import NOW, StandingClock


@dataclass(frozen=True, kw_only=True)
class Greet(Job):
    """Say hello to somebody."""

    person_id: UUID
    words: str


async def ask(works: Works, words: str = "hello", *, not_before: datetime | None = None) -> UUID:
    """Ask for a greeting."""

    async def story(work: Work) -> UUID:
        return enqueue(work, job=Greet(person_id=uuid4(), words=words), not_before=not_before)

    return await works.perform(story, actor=SYSTEM, action="test")


async def take(works: Works, limit: int = 10) -> list[Claimed]:
    """Claim what is due."""
    return await works.perform(lambda work: claim(work, limit=limit), actor=SYSTEM, action="test")


async def jobs(works: Works) -> list[Row[Any]]:
    """Return every job."""
    async with works.database.reading() as session:
        return list(await list_jobs(session, state=None, limit=1_000))


async def test_a_job_comes_back_as_it_was_asked_for(works: Works) -> None:
    """Its fields are kept whole, and it is claimed with the number of its attempt."""
    job_id = await ask(works, "ciao ÄÖ")
    (claimed,) = await take(works)
    assert (claimed.id, claimed.kind, claimed.attempt_count, claimed.fence) == (job_id, "Greet", 1, 1)
    job = Job.restored(claimed.kind, claimed.payload)
    assert isinstance(job, Greet)
    assert (job.words, type(job.person_id)) == ("ciao ÄÖ", UUID)
    with pytest.raises(KeyError):
        Job.restored("Nobody", {})


async def test_a_refused_write_asks_for_nothing(works: Works) -> None:
    """The job is of the same transaction as what it follows from."""

    async def story(work: Work) -> None:
        enqueue(work, job=PurgeExpired())
        message = "no"
        raise Invalid(message)

    with pytest.raises(Invalid):
        await works.perform(story, actor=SYSTEM, action="test")
    assert await jobs(works) == []


async def test_a_job_is_claimed_when_it_is_due_and_by_one(works: Works, clock: StandingClock) -> None:
    """Not before its time, the oldest first, and by no second runner while the lease lasts."""
    later = await ask(works, not_before=NOW + timedelta(minutes=1))
    first, second = await ask(works), await ask(works)
    async with works.database.reading() as session:
        assert await has_due_jobs(session, now=NOW)
        assert not await has_due_jobs(session, now=NOW - timedelta(seconds=1))
    assert [claimed.id for claimed in await take(works, 1)] == [first]
    assert [claimed.id for claimed in await take(works)] == [second]
    assert await take(works) == []
    clock.advance(timedelta(minutes=1))
    assert [claimed.id for claimed in await take(works)] == [later]


async def test_many_runners_share_the_jobs(works: Works) -> None:
    """Of twenty who claim at once none gets what another one has, and nothing is left."""
    asked = {await ask(works) for _ in range(30)}
    claims = await asyncio.gather(*(take(works, 2) for _ in range(20)))
    claimed = [each.id for claim_ in claims for each in claim_]
    assert len(claimed) == len(set(claimed)) == 30
    assert set(claimed) == asked


async def test_a_lost_lease_is_taken_over_and_the_late_one_changes_nothing(works: Works, clock: StandingClock) -> None:
    """Whoever comes back after another runner took over can neither finish, fail, prolong nor give back."""
    await ask(works)
    (slow,) = await take(works)
    clock.advance(LEASE + timedelta(microseconds=1))
    (quick,) = await take(works)
    assert (quick.id, quick.fence, quick.attempt_count) == (slow.id, 2, 2)

    async def late(work: Work) -> list[bool]:
        return [
            await complete(work, claimed=slow),
            await fail(work, claimed=slow, error="late"),
            await prolong(work, claimed=slow),
            await give_back(work, claimed=slow),
        ]

    before = await jobs(works)
    assert await works.perform(late, actor=SYSTEM, action="test") == [False] * 4
    assert await jobs(works) == before
    assert await works.perform(lambda work: complete(work, claimed=quick), actor=SYSTEM, action="test")
    (done,) = await jobs(works)
    assert (done.state, done.finished_at, done.lease_until) == (JobState.DONE, clock.now(), None)
    assert not await works.perform(lambda work: complete(work, claimed=quick), actor=SYSTEM, action="test")


async def test_a_lease_is_prolonged(works: Works, clock: StandingClock) -> None:
    """A long job stays with its runner."""
    await ask(works)
    (claimed,) = await take(works)
    for _ in range(3):
        clock.advance(LEASE)
        assert await works.perform(lambda work: prolong(work, claimed=claimed), actor=SYSTEM, action="test")
        assert await take(works) == []


async def test_what_fails_is_tried_again_later_and_in_the_end_waits_for_a_person(
    works: Works, clock: StandingClock
) -> None:
    """Each pause is longer; after the last attempt it is dead until somebody lets it run again."""
    job_id = await ask(works)
    pauses = []
    for attempt in range(1, ATTEMPTS_MAX + 1):
        (claimed,) = await take(works)
        assert claimed.attempt_count == attempt
        await works.perform(
            lambda work, claimed=claimed: fail(work, claimed=claimed, error="x" * 9_999),  # type: ignore[misc]
            actor=SYSTEM,
            action="test",
        )
        (row,) = await jobs(works)
        assert len(row.last_error) == ERROR_LENGTH_MAX
        if attempt < ATTEMPTS_MAX:
            assert await take(works) == []
            pauses.append((row.run_at - clock.now()).total_seconds())
            clock.advance(row.run_at - clock.now())
    assert all(pause_s(n, jitter=1) <= pause <= pause_s(n, jitter=0) for n, pause in enumerate(pauses, 1))
    assert (row.state, row.finished_at) == (JobState.DEAD, clock.now())
    clock.advance(timedelta(days=365))
    assert await take(works) == []
    assert await works.perform(lambda work: retry(work, job_id=uuid4()), actor=SYSTEM, action="test") == 0
    assert await works.perform(lambda work: retry(work, job_id=job_id), actor=SYSTEM, action="test") == 1
    assert await works.perform(lambda work: retry(work, job_id=None), actor=SYSTEM, action="test") == 0
    (claimed,) = await take(works)
    assert (claimed.attempt_count, claimed.fence) == (1, ATTEMPTS_MAX + 1)


def test_pauses_double_up_to_six_hours() -> None:
    """Five seconds, then ten; jitter takes off up to half."""
    assert [pause_s(n, jitter=0) for n in (1, 2, 3)] == [5, 10, 20]
    assert pause_s(40, jitter=0) == 6 * 3_600
    assert pause_s(1, jitter=1) == 2.5


async def test_a_job_that_was_cut_short_is_no_attempt(works: Works) -> None:
    """A restart gives back what it had begun."""
    await ask(works)
    (claimed,) = await take(works)
    assert await works.perform(lambda work: give_back(work, claimed=claimed), actor=SYSTEM, action="test")
    (again,) = await take(works)
    assert (again.attempt_count, again.fence) == (1, 2)


async def test_a_schedule_is_due_once_for_each_instant(works: Works, clock: StandingClock) -> None:
    """However many processes plan, and however often: one job for an hour; hours nobody planned are not made up."""
    hourly = Schedule(name="hourly", every=timedelta(hours=1), job=PurgeExpired())

    async def plan_all() -> None:
        await asyncio.gather(
            *(works.perform(lambda work: plan(work, schedules=[hourly]), actor=SYSTEM, action="test") for _ in range(5))
        )

    await plan_all()
    clock.advance(timedelta(minutes=59))
    await plan_all()
    clock.advance(timedelta(hours=3))
    await plan_all()
    rows = await jobs(works)
    assert [row.planned_at for row in rows] == [NOW, NOW + timedelta(hours=3)]
    assert {row.schedule for row in rows} == {"hourly"}
    assert planned(timedelta(hours=1), now=datetime(2026, 1, 1, 5, 59, 59, tzinfo=UTC)).hour == 5


async def test_what_was_kept_long_enough_is_removed(works: Works, clock: StandingClock) -> None:
    """Idempotency keys and done jobs of more than a week; younger ones, open and dead jobs stay."""
    once = Once(key="k", input_hash="h")

    async def story(_work: Work) -> UUID:
        return uuid4()

    await works.perform_once(story, once=once, actor=SYSTEM, action="test")
    done, _open = await ask(works), await ask(works, not_before=NOW + timedelta(days=99))
    (claimed,) = await take(works)
    assert claimed.id == done
    await works.perform(lambda work: complete(work, claimed=claimed), actor=SYSTEM, action="test")
    clock.advance(timedelta(days=7))
    await purge_expired(works, PurgeExpired())
    assert len(await jobs(works)) == 2
    clock.advance(timedelta(microseconds=1))
    await purge_expired(works, PurgeExpired())
    async with works.database.reading() as session:
        assert await count_jobs(session) == {JobState.READY: 1}
        assert len(await list_jobs(session, state=JobState.DONE, limit=9)) == 0
    fresh = await works.perform_once(story, once=once, actor=SYSTEM, action="test")
    assert fresh == await works.perform_once(story, once=once, actor=SYSTEM, action="test")
