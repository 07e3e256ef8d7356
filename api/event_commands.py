"""`sportello events`: what is done to the event log by hand."""

import typer

from api import migrations
from api.lock import hold
from api.terminal import print_line, read_settings, run_story, told
from domain.base.actors import SYSTEM
from domain.base.upkeep import renew_event_log

commands = typer.Typer(help="The event log, which streams follow.", no_args_is_help=True)


@commands.callback()
def events() -> None:
    """Keep the command a group: there is one of them so far."""


@commands.command("renew")
def renew() -> None:
    """Tell everybody who followed the database to read everything anew: after it was restored from a backup."""
    settings = read_settings()
    with told(), hold(settings.sqlite_path):
        migrations.upgrade(settings.async_url)
        run_story(settings, lambda works: works.perform(renew_event_log, actor=SYSTEM, action="eventLogRenew"))
    print_line("Cursors from before lead nowhere now: whoever comes back with one is told to read everything anew.")
