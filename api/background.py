"""The runner of background jobs: inside the server, or as a process of its own (`sportello jobs run`)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from domain.base.actors import SYSTEM
from domain.base.errors import Refusal
from domain.base.jobs import (
    LEASE,
    Claimed,
    Handlers,
    Job,
    Schedule,
    claim,
    complete,
    fail,
    give_back,
    plan,
    planned,
    prolong,
)
from domain.base.repository.jobs import has_due_jobs
from domain.base.work import Works

_log = structlog.get_logger(__name__)

CONCURRENCY = 4
POLL_S = 1.0
"""Seconds between two looks at the table where there was nothing to do."""

STOP_S = 5.0
"""Seconds that running jobs are given to end; then they are given back."""


class Background:
    """Runs jobs until it is told to stop."""

    def __init__(
        self,
        works: Works,
        *,
        handlers: Handlers,
        schedules: Sequence[Schedule] = (),
        concurrency: int = CONCURRENCY,
        poll_s: float = POLL_S,
    ) -> None:
        """Take what is to be run; nothing runs before `run`."""
        self._works = works
        self._handlers = handlers
        self._schedules = schedules
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._running: dict[asyncio.Task[None], Claimed] = {}
        self._planned: dict[str, datetime] = {}
        self._is_stopping = asyncio.Event()

    async def run(self) -> None:
        """Run what is due, again and again, until `stop`."""
        while not self._is_stopping.is_set():
            try:
                begun = await self.begin_due()
            except Exception:  # noqa: BLE001  whatever it is, the next look may succeed
                # The database may be away for a while: the jobs wait in it.
                _log.exception("jobs could not be claimed")
                begun = 0
            if not begun:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_stopping.wait(), self._poll_s)
        await self._end_running()

    def stop(self) -> None:
        """Begin nothing more; `run` returns when what runs has ended or was given back."""
        self._is_stopping.set()

    async def begin_due(self) -> int:
        """Plan what the schedules have due, begin what is due, as far as there is room; return how many."""
        room = self._concurrency - len(self._running)
        if room <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED, timeout=self._poll_s)
            return 1
        await self._plan()
        async with self._works.database.reading() as session:
            if not await has_due_jobs(session, now=self._works.clock.now()):
                return 0
        claimed = await self._works.perform(lambda work: claim(work, limit=room), actor=SYSTEM, action="jobsClaim")
        for each in claimed:
            task = asyncio.create_task(self._run_one(each))
            self._running[task] = each
            task.add_done_callback(lambda done: self._running.pop(done, None))
        return len(claimed)

    async def _plan(self) -> None:
        """Ask for what the schedules have due, once for each instant that this process sees."""
        now = self._works.clock.now()
        due = [each for each in self._schedules if self._planned.get(each.name) != planned(each.every, now=now)]
        if due:
            await self._works.perform(lambda work: plan(work, schedules=due), actor=SYSTEM, action="jobsPlan")
            self._planned |= {each.name: planned(each.every, now=now) for each in due}

    async def drain(self) -> None:
        """Run what is due until nothing is, and wait for the end of it."""
        while await self.begin_due() or self._running:
            if self._running:
                await asyncio.wait(self._running)

    async def _run_one(self, claimed: Claimed) -> None:
        keeper = asyncio.create_task(self._hold(claimed))
        try:
            job = Job.restored(claimed.kind, claimed.payload)
            await self._handlers[type(job)](self._works, job)
        except asyncio.CancelledError:
            await self._works.perform(lambda work: give_back(work, claimed=claimed), actor=SYSTEM, action="jobGiveBack")
            raise
        except Exception as error:  # noqa: BLE001  a job may fail in any way
            _log.exception("job failed", job_id=str(claimed.id), kind=claimed.kind, attempt=claimed.attempt_count)
            # The message of any other exception may quote a person's data; the log has it.
            told = f"{type(error).__name__}: {error.message}" if isinstance(error, Refusal) else type(error).__name__
            await self._works.perform(
                lambda work: fail(work, claimed=claimed, error=told), actor=SYSTEM, action="jobFail"
            )
        else:
            await self._works.perform(lambda work: complete(work, claimed=claimed), actor=SYSTEM, action="jobComplete")
        finally:
            keeper.cancel()

    async def _hold(self, claimed: Claimed) -> None:
        """Prolong the lease while the job runs."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            is_ours = await self._works.perform(
                lambda work: prolong(work, claimed=claimed), actor=SYSTEM, action="jobProlong"
            )
            if not is_ours:
                return

    async def _end_running(self) -> None:
        if not self._running:
            return
        _, unfinished = await asyncio.wait(self._running, timeout=STOP_S)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
