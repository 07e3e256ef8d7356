"""`sportello jobs`: what is there, what runs again, what runs now."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from api import migrations
from api.cli import app
from domain.base.actors import SYSTEM
from domain.base.clock import SystemClock
from domain.base.database import Database
from domain.base.jobs import ATTEMPTS_MAX, claim, enqueue, fail
from domain.base.upkeep import PurgeExpired
from domain.base.work import Work, Works
from domain.jobs import SCHEDULES
from domain.reactions import REACTIONS


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a database with a dead job and one that is due."""
    address = f"sqlite+aiosqlite:///{tmp_path}/jobs.sqlite3"
    monkeypatch.setenv("SPORTELLO_DATABASE_URL", f"sqlite:///{tmp_path}/jobs.sqlite3")
    migrations.upgrade(address)

    async def fill() -> None:
        works = Works(database=Database(address), reactions=REACTIONS, clock=SystemClock())

        async def dead(work: Work) -> None:
            for each in await claim(work, limit=1):
                claimed = type(each)(
                    id=each.id, kind=each.kind, payload=each.payload, attempt_count=ATTEMPTS_MAX, fence=each.fence
                )
                await fail(work, claimed=claimed, error="OSError")

        async def asked(work: Work) -> None:
            enqueue(work, job=PurgeExpired())

        for story in (asked, dead, asked):
            await works.perform(story, actor=SYSTEM, action="test")
        await works.database.dispose()

    asyncio.run(fill())
    return address


def run(*words: str) -> tuple[int, str]:
    """Run the command; return its exit code and all it said."""
    result = CliRunner().invoke(app, ["jobs", *words])
    return result.exit_code, result.output


@pytest.mark.usefixtures("url")
def test_jobs_are_listed_run_again_and_run() -> None:
    """The dead one is told with its error, runs again when somebody says so, and then all are done."""
    code, told = run("list")
    assert (code, told.count("PurgeExpired"), told.count("OSError")) == (0, 2, 1)
    assert "1 READY, 0 RUNNING, 0 DONE, 1 DEAD" in told
    assert run("list", "--state", "dead")[1].count("PurgeExpired") == 1
    code, told = run("retry", str(uuid4()))
    assert (code, "There is no job" in told) == (2, True)
    assert "1 jobs run again" in run("retry")[1]
    assert run("run", "--once")[0] == 0
    assert f"0 READY, 0 RUNNING, {2 + len(SCHEDULES)} DONE, 0 DEAD" in run("list")[1]  # each schedule has its own
    assert "PurgeExpired" not in run("list")[1]
    assert run("list", "--state", "done")[1].count("PurgeExpired") == 3
