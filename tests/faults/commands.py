"""The command, as a process of its own that begins within tenths of a second: what it imports is imported once."""

import asyncio
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import parent_process
from pathlib import Path

from api.cli import app
from domain.base.clock import SystemClock
from domain.base.database import Database
from domain.base.work import Works
from domain.reactions import REACTIONS
from schema.root import make_schema

make_schema()  # once for all processes: this module is imported before they begin


NUMBER = "number"
"""A command of the tests' own: number the events of the log, again and again."""


def run_command(arguments: Sequence[str], environment: Mapping[str, str], folder: str, log: str) -> None:
    """Run the command in a folder; what it prints is added to the log. It ends with the tests' process."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("SPORTELLO_")]:
        del os.environ[name]
    os.environ.update(environment)
    with Path(log).open("ab") as stream:
        for output in (sys.stdout, sys.stderr):
            output.flush()
            os.dup2(stream.fileno(), output.fileno())
    if arguments[0] == NUMBER:
        asyncio.run(_number(environment["SPORTELLO_DATABASE_URL"]))
    else:
        app(list(arguments))


async def _number(url: str) -> None:
    works = Works(database=Database(url, pool_size=2), reactions=REACTIONS, clock=SystemClock())
    while True:
        await works.feed.settle()
        await asyncio.sleep(0)


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
