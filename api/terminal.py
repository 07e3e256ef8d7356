"""What every command line shares: settings, one place for what goes wrong, one for what is told."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from api import logs, migrations
from api.app import open_works
from api.documents import DocumentsUnfit
from api.imports.files import FileRefused
from api.lock import DatabaseInUse
from api.settings import Settings, unknown_settings
from domain.base.errors import Refusal, Refusals, StorageFull
from domain.base.work import Works

console = Console(stderr=True)
_Answer = TypeVar("_Answer")


def fail(message: str, *, code: int = 2) -> NoReturn:
    """Tell what went wrong and end the command."""
    console.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def told() -> Iterator[None]:
    """Tell what went wrong in one sentence where the user can do something about it."""
    try:
        yield
    except (DatabaseInUse, DocumentsUnfit, FileRefused, migrations.MigrationFailed) as error:
        fail(str(error))
    except (Refusal, Refusals, StorageFull) as error:
        fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        fail(f"The database cannot be used: {str(error).splitlines()[0]}")


def read_settings() -> Settings:
    """Return the settings; what is wrong with them ends the command."""
    try:
        settings = Settings()
    except ValidationError as error:
        fail(
            "\n".join(
                f"SPORTELLO_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors() if each["loc"]
            )
        )
    logs.configure(settings)
    for name in unknown_settings(os.environ):
        console.print(f"{name} is no setting; docs/reference/settings.md lists them.", highlight=False, soft_wrap=True)
    return settings


def run_story(settings: Settings, story: Callable[[Works], Awaitable[_Answer]]) -> _Answer:
    """Run a story against the database and close it."""

    async def run() -> _Answer:
        works = open_works(settings)
        try:
            return await story(works)
        finally:
            await works.database.dispose()

    return asyncio.run(run())


def print_line(text: str) -> None:
    """Tell the user, beside what a command prints for other programs."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)
