"""The command `sportello`."""

import socket
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sqlalchemy import Row

from api import (
    demo,
    demo_conversations,
    demo_logins,
    event_commands,
    explorer,
    job_commands,
    migrations,
    reference,
    staff_commands,
)
from api.imports.files import FileRefused, Sound
from api.imports.run import FORMATS, Summary, check_file, import_file
from api.lock import hold
from api.serving import open_socket, serve_on
from api.settings import Settings
from api.terminal import console, fail, print_line, read_settings, run_story, told
from api.workers import WORKERS_MAX, Workers
from domain.base.actors import EVERY_PERMISSION, SYSTEM, StaffRole
from domain.base.work import Works
from domain.customers.actions.spending import refresh_ranking
from domain.identity.actions.keys import create_api_key, revoke_api_key
from domain.identity.repository.keys import list_api_keys
from schema.root import make_schema

app = typer.Typer(help="Sportello: the customer relations of a shop behind one GraphQL API.", no_args_is_help=True)
imports = typer.Typer(help="Take over what the shop has.", no_args_is_help=True)
keys = typer.Typer(help="The keys with which programs come in.", no_args_is_help=True)
app.add_typer(imports, name="import")
app.add_typer(keys, name="keys")
app.add_typer(event_commands.commands, name="events")
app.add_typer(job_commands.commands, name="jobs")
app.add_typer(staff_commands.commands, name="staff")


SQLITE_FIXED = (3, 51, 3)
"""Before this version two connections that write or checkpoint at once could corrupt a WAL file."""


def main() -> None:
    """Run the command."""
    app()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on; else SPORTELLO_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port to listen on; else SPORTELLO_PORT.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=WORKERS_MAX, help="How many processes serve; else SPORTELLO_WORKERS.")
    ] = None,
) -> None:
    """Bring the database up to date and serve the API."""
    settings = read_settings()
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    count = workers or settings.workers
    with told(), hold(settings.sqlite_path):
        if count > 1 and settings.sqlite_path is not None:
            fail(
                f"{count} processes cannot serve a SQLite file, which takes one that writes: leave --workers and "
                "SPORTELLO_WORKERS at 1, or set SPORTELLO_DATABASE_URL to a PostgreSQL database."
            )
        _refuse_busy(settings.host, settings.port)
        migrations.upgrade(settings.async_url)
        _serve(settings, worker_count=count)


def _refuse_busy(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(f"Port {port} of {host} cannot be used ({error.strerror}); choose another with --port (make: PORT=…).")


def _serve(settings: Settings, *, worker_count: int = 1, given_away: explorer.Demo | None = None) -> None:
    if settings.explorer and not explorer.is_built():
        console.print("The explorer is not built (it needs Node 20.19 or newer: make explorer); the API works.")
    with open_socket(host=settings.host, port=settings.port) as listening:
        if worker_count == 1:
            serve_on(settings, listening, demo=given_away)
        elif code := Workers(_work_on, settings, listening, count=worker_count).run():
            raise typer.Exit(code)


def _work_on(settings: Settings, listening: socket.socket) -> None:
    """Serve as one of several processes; what is wrong with the settings is told as the command tells it."""
    try:
        with told():
            serve_on(settings, listening)
    except typer.Exit as ended:
        raise SystemExit(ended.exit_code) from None


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
    print_line(f"The database is at revision {migrations.newest_revision()}.")


@imports.command("orders")
def import_orders(
    files: Annotated[list[Path], typer.Argument(help="Files, packed with gzip or plain.", metavar="FILE…")],
    format_name: Annotated[str, typer.Option("--format", help="online-retail or jsonl.")],
    report_folder: Annotated[
        Path, typer.Option("--report", help="The folder for the files of what was refused.")
    ] = Path("var"),
    *,
    again: Annotated[bool, typer.Option(help="Also read a file again that went in already.")] = False,
) -> None:
    """Take over orders and credit notes from files; what went in before changes nothing."""
    if format_name not in FORMATS:
        fail(f"There is no format {format_name}; there are {', '.join(FORMATS)}.")
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        sound = [_check_file(path, format_name) for path in files]
        migrations.upgrade(settings.async_url)

        async def story(works: Works) -> list[Summary]:
            return [
                await import_with_progress(
                    works, each, format_name=format_name, report_folder=report_folder, is_again=again
                )
                for each in sound
            ]

        summaries = run_story(settings, story)
    print_line(f"Into {settings.async_url.set(drivername=settings.async_url.get_backend_name())!r}:")
    for summary in summaries:
        _print_summary(summary)
    if not all(summary.is_clean for summary in summaries):
        raise typer.Exit(1)


def _check_file(path: Path, format_name: str) -> Sound:
    """Look at a file before any of them goes in; one that is unfit ends the command."""
    try:
        return check_file(path, format_name=format_name)
    except FileRefused as refused:
        fail(f"{refused} Nothing was imported.", code=1)


async def import_with_progress(
    works: Works, sound: Sound, *, format_name: str, report_folder: Path, is_again: bool = False
) -> Summary:
    """Import a file under a bar that shows rows, rate and the time that is left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows, {task.fields[rate]} rows/s,"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(sound.path.name, total=sound.line_count, rate="-")

        def advance(rows: int) -> None:
            progress.update(task, advance=rows)
            speed = progress.tasks[0].speed
            progress.update(task, rate="-" if speed is None else f"{speed:,.0f}")

        return await import_file(
            works,
            sound.path,
            format_name=format_name,
            report_folder=report_folder,
            advance=advance,
            sound=sound,
            is_again=is_again,
        )


def _print_summary(summary: Summary) -> None:
    counts = summary.counts
    done = "went in already" if summary.was_done else "done"
    print_line(
        f"{summary.path.name}: {done}. {counts['order']:,} orders and {counts['credit note']:,} credit notes "
        f"with {counts['line']:,} lines; {counts['stock correction']:,} stock corrections and "
        f"{counts['adjustment']:,} adjustments of the books are no orders; {counts['refused']:,} refused."
    )
    for problem in summary.left_out:
        print_line(f"  {problem.name}: {problem.reason} (line {problem.first_line})")
    if summary.report is not None:
        print_line(f"  What was refused, and why, is in {summary.report}.")


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    permission: Annotated[
        list[str] | None, typer.Option(help="What it may do, repeated; left out: everything.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(help="When it opens no door any more, in UTC; left out: never.")
    ] = None,
) -> None:
    """Create an API key and print it: it is shown this once."""
    settings = read_settings()
    wanted = permission or sorted(EVERY_PERMISSION)
    expires_at = None if expires is None else expires.replace(tzinfo=UTC)
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)

        async def story(works: Works) -> str:
            _, secret = await works.perform(
                lambda work: create_api_key(work, name=name, permissions=wanted, expires_at=expires_at),
                actor=SYSTEM,
                action="apiKeyCreate",
            )
            return secret

        typer.echo(run_story(settings, story))


@keys.command("list")
def list_keys() -> None:
    """List the API keys, without their secrets."""
    settings = read_settings()

    async def story(works: Works) -> Sequence[Row[Any]]:
        async with works.database.reading() as session:
            return await list_api_keys(session)

    with told():
        for key in run_story(settings, story):
            state = "revoked" if key.revoked_at is not None else f"created {key.created_at:%Y-%m-%d}"
            if key.revoked_at is None and key.expires_at is not None:
                state = f"expires {key.expires_at:%Y-%m-%d %H:%M}"
            typer.echo(f"{key.id}  {key.prefix}…  {state}  {key.name}  {', '.join(key.permissions)}")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[UUID, typer.Argument(help="As `sportello keys list` shows it.")],
) -> None:
    """Let an API key open no door any more, within 2 seconds everywhere."""
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
        run_story(
            settings,
            lambda works: works.perform(
                lambda work: revoke_api_key(work, api_key_id=key_id), actor=SYSTEM, action="apiKeyRevoke"
            ),
        )
    print_line("The key is revoked.")


@app.command("rank")
def rank() -> None:
    """Rank the customers by their value anew."""
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
        run_story(
            settings,
            lambda works: works.perform(
                lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh"
            ),
        )


@app.command("demo")
def run_demo(
    data: Annotated[Path, typer.Argument(help="The file of real orders.")],
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port to listen on; else SPORTELLO_PORT.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where everything of the demo lives.")] = Path("var"),
    *,
    is_prepared_only: Annotated[bool, typer.Option("--prepare-only", help="Make everything, serve nothing.")] = False,
) -> None:
    """Serve a shop with real orders, with a ready API key."""
    settings = demo.settings_for(read_settings(), folder)
    address = settings.host, port or settings.port
    with told(), hold(settings.sqlite_path):
        if not is_prepared_only:
            _refuse_busy(*address)
        sound = _check_file(data, "online-retail")
        migrations.upgrade(settings.async_url)

        async def story(works: Works) -> tuple[explorer.Demo, bool]:
            summary = await import_with_progress(works, sound, format_name="online-retail", report_folder=folder)
            _print_summary(summary)
            secret, is_furnished = await demo.ready_key(works, folder), await demo.furnish(works)
            password, logins = await demo_logins.ready_logins(works, folder)
            if is_furnished:
                await demo_conversations.converse(works, agent_email=logins[StaffRole.AGENT])
            places = await demo_conversations.find_places(works, agent_email=logins[StaffRole.AGENT])
            return explorer.Demo(secret, password, logins, places), is_furnished

        given_away, is_furnished = run_story(settings, story)
        url = f"http://{address[0]}:{address[1]}"
        details = demo.write_details(folder, url=url, api_key=given_away.token, password=given_away.password)
        print_line(demo.welcome(details, logins=given_away.logins, settings=settings, is_furnished=is_furnished))
        if not is_prepared_only:
            served = settings.model_copy(update={"host": address[0], "port": address[1]})
            _serve(served, given_away=given_away)


@app.command("schema")
def print_schema() -> None:
    """Print the public schema."""
    typer.echo(make_schema().as_str())


@app.command("docs")
def write_reference(
    folder: Annotated[Path, typer.Argument(help="The folder for the pages.")] = Path("docs/reference"),
) -> None:
    """Write the reference of settings, errors and events from the code."""
    for path in reference.write(folder):
        print_line(str(path))


@app.command()
def doctor() -> None:
    """Look at the installation and say what could be better; exit code 1 where something is."""
    settings = read_settings()
    problems = []
    if settings.sqlite_path is not None and sqlite3.sqlite_version_info < SQLITE_FIXED:
        print_line(
            f"note: SQLite {sqlite3.sqlite_version} has a bug in WAL mode that needs two writers at once; "
            "Sportello has one writer, and other programs must not write to the file.",
        )
    if settings.explorer and not explorer.is_built():
        problems.append("the explorer is not built: make explorer")
    with told():
        reason = run_story(settings, demo.readiness)
    if reason:
        problems.append(reason)
    for problem in problems:
        print_line(f"problem: {problem}")
    if problems:
        raise typer.Exit(1)
    console.print("All is well.")
