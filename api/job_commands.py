"""`sportello jobs`: looking at background jobs, letting dead ones run again, running them in a process of their own."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Row

from api import migrations
from api.app import new_background
from api.lock import hold
from api.terminal import fail, print_line, read_settings, run_story, told
from domain.base.actors import SYSTEM
from domain.base.jobs import retry
from domain.base.model import JobState
from domain.base.repository.jobs import count_jobs, list_jobs
from domain.base.work import Works

commands = typer.Typer(help="Work in the background.", no_args_is_help=True)

LISTED_MAX = 100


@commands.command("list")
def list_them(
    state: Annotated[
        JobState | None, typer.Option(case_sensitive=False, help="Only those in this state; left out: all but DONE.")
    ] = None,
) -> None:
    """List jobs, the ones that are due first, and count all."""
    settings = read_settings()

    async def story(works: Works) -> tuple[Sequence[Row[Any]], dict[str, int]]:
        async with works.database.reading() as session:
            rows = await list_jobs(session, state=state, limit=LISTED_MAX)
            return rows, await count_jobs(session)

    with told():
        rows, counts = run_story(settings, story)
    for row in rows:
        if state is None and row.state == JobState.DONE:
            continue
        error = f"  {row.last_error}" if row.last_error else ""
        typer.echo(f"{row.id}  {row.state:<7}  {row.run_at:%Y-%m-%d %H:%M:%S}  {row.kind}  {row.attempt_count}{error}")
    print_line(", ".join(f"{counts.get(each, 0):,} {each}" for each in JobState))


@commands.command("retry")
def retry_dead(
    job_id: Annotated[UUID | None, typer.Argument(help="As `sportello jobs list` shows it; left out: all.")] = None,
) -> None:
    """Let jobs that failed for good run again."""
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
        count = run_story(
            settings,
            lambda works: works.perform(lambda work: retry(work, job_id=job_id), actor=SYSTEM, action="jobsRetry"),
        )
    if job_id is not None and not count:
        fail(f"There is no job {job_id} that failed for good.")
    print_line(f"{count:,} jobs run again.")


@commands.command("run")
def run_them(
    *,
    is_once: Annotated[bool, typer.Option("--once", help="Run what is due now, then end.")] = False,
) -> None:
    """Run background jobs until the process is told to end: for a server with SPORTELLO_BACKGROUND=false."""
    settings = read_settings()

    async def story(works: Works) -> None:
        background = new_background(settings, works)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, background.stop)
        await (background.drain() if is_once else background.run())

    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
        run_story(settings, story)
