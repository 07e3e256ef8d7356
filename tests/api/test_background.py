"""The runner: runs what is due, survives what fails, stops without losing anything."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from api import background as background_module
from api.background import Background
from domain.base.actors import SYSTEM
from domain.base.errors import Invalid
from domain.base.jobs import ATTEMPTS_MAX, LEASE, Handlers, Job, Schedule, enqueue
from domain.base.model import JobState
from domain.base.repository.jobs import list_jobs
from domain.base.work import Work, Works
from domain.jobs import HANDLERS, SCHEDULES
from tests.conftest import StandingClock


@dataclass(frozen=True, kw_only=True)
class Knock(Job):
    """Knock at a door."""

    door: str


class Doors:
    """What the handlers did."""

    def __init__(self) -> None:
        """Start with nothing done."""
        self.knocked: list[str] = []
        self.began = asyncio.Event()
        self.open = asyncio.Event()

    async def knock(self, _works: Works, job: Knock) -> None:
        """Do it."""
        self.knocked.append(job.door)

    async def break_in(self, _works: Works, job: Knock) -> None:
        """Fail in one of two ways."""
        self.knocked.append(job.door)
        if job.door == "refused":
            refusal = "The door is locked."
            raise Invalid(refusal)
        message = f"somebody@example.org behind {job.door}"
        raise OSError(message)

    async def wait(self, _works: Works, job: Knock) -> None:
        """Take as long as somebody likes."""
        self.knocked.append(job.door)
        self.began.set()
        await self.open.wait()


async def ask(works: Works, *doors: str) -> None:
    """Ask for knocks."""

    async def story(work: Work) -> None:
        for door in doors:
            enqueue(work, job=Knock(door=door))

    await works.perform(story, actor=SYSTEM, action="test")


async def states(works: Works) -> list[tuple[str, str | None]]:
    """Return state and error of every job, in the order in which they were asked for."""
    async with works.database.reading() as session:
        rows = await list_jobs(session, state=None, limit=100)
    return [(row.state, row.last_error) for row in sorted(rows, key=lambda row: row.id)]


def runner(works: Works, handler: Callable[..., Awaitable[None]], **options: Any) -> Background:  # noqa: ANN401
    """Return a runner with one handler."""
    handlers: Handlers = {Knock: handler}
    return Background(works, handlers=handlers, poll_s=0.01, **options)


async def test_what_is_due_is_run(works: Works) -> None:
    """More jobs than run at once, in the order in which they are due, each once."""
    doors = Doors()
    await ask(works, *"abcdefghij")
    await runner(works, doors.knock, concurrency=3).drain()
    assert sorted(doors.knocked) == list("abcdefghij")
    assert await states(works) == [(JobState.DONE, None)] * 10


async def test_a_failure_harms_nobody_else_and_tells_no_personal_data(works: Works, clock: StandingClock) -> None:
    """The others run; the table has the kind of error, and the sentence of a refusal only."""
    doors = Doors()
    await ask(works, "refused", "broken")
    background = runner(works, doors.break_in)
    await background.drain()
    assert await states(works) == [(JobState.READY, "Invalid: The door is locked."), (JobState.READY, "OSError")]
    for _ in range(ATTEMPTS_MAX):
        clock.advance(timedelta(hours=6))
        await background.drain()
    assert [state for state, _ in await states(works)] == [JobState.DEAD] * 2
    assert len(doors.knocked) == 2 * ATTEMPTS_MAX


async def test_a_job_of_a_newer_release_waits(works: Works) -> None:
    """A kind without a handler fails and is kept: the release that knows it runs it."""
    await ask(works, "a")
    await Background(works, handlers={}).drain()
    assert await states(works) == [(JobState.READY, "KeyError")]


async def test_it_runs_until_it_is_told_to_stop_and_gives_back_what_is_unfinished(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs is given back at the stop and run by the next one; it was no attempt."""
    monkeypatch.setattr(background_module, "STOP_S", 0.01)
    doors = Doors()
    background = runner(works, doors.wait)
    running = asyncio.create_task(background.run())
    await ask(works, "a")
    await doors.began.wait()
    background.stop()
    await running
    assert await states(works) == [(JobState.READY, None)]
    doors.open.set()
    await runner(works, doors.wait).drain()
    assert doors.knocked == ["a", "a"]
    assert await states(works) == [(JobState.DONE, None)]


async def test_a_database_that_is_away_stops_nothing(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks again until the database is back."""
    doors = Doors()
    background = runner(works, doors.knock)
    looks = 0
    really = background.begin_due

    async def fail_twice() -> int:
        nonlocal looks
        looks += 1
        if looks <= 2:
            message = "the database is away"
            raise OSError(message)
        return await really()

    monkeypatch.setattr(background, "begin_due", fail_twice)
    await ask(works, "a")
    running = asyncio.create_task(background.run())
    for _ in range(1_000):
        if await states(works) == [(JobState.DONE, None)]:
            break
        await asyncio.sleep(0.01)
    background.stop()
    await running
    assert looks > 2
    assert doors.knocked == ["a"]


async def test_a_long_job_keeps_its_lease(works: Works, clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs nobody else takes it over, however often the lease would have ended."""
    monkeypatch.setattr(background_module, "LEASE", timedelta(seconds=0.03))
    doors = Doors()
    background = runner(works, doors.wait)
    await ask(works, "a")
    assert await background.begin_due() == 1
    for _ in range(3):
        clock.advance(LEASE - timedelta(seconds=1))
        async with works.database.reading() as session:
            (before,) = await list_jobs(session, state=None, limit=9)
        while True:
            async with works.database.reading() as session:
                (now,) = await list_jobs(session, state=None, limit=9)
            if now.lease_until > before.lease_until:
                break
            await asyncio.sleep(0.01)
        assert await runner(works, doors.knock).begin_due() == 0
    doors.open.set()
    await background.drain()
    assert await states(works) == [(JobState.DONE, None)]


async def test_schedules_are_planned_and_run(works: Works, clock: StandingClock) -> None:
    """Once an hour, and not again when it looks again; the product's own schedules have handlers."""
    doors = Doors()
    hourly = Schedule(name="hourly", every=timedelta(hours=1), job=Knock(door="a"))
    background = runner(works, doors.knock, schedules=[hourly])
    for _ in range(3):
        await background.drain()
    assert doors.knocked == ["a"]
    clock.advance(timedelta(hours=1))
    await background.drain()
    assert doors.knocked == ["a", "a"]
    assert {type(schedule.job) for schedule in SCHEDULES} <= set(HANDLERS)
    await Background(works, handlers=HANDLERS, schedules=SCHEDULES).drain()
    assert {state for state, _ in await states(works)} == {JobState.DONE}
