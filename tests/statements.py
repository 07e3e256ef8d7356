"""Hearing the statements that the databases are sent: those of SQLAlchemy, and those that the seam runs past it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from domain.base.statements import EARS


@contextmanager
def hearing() -> Iterator[list[tuple[str, Any]]]:
    """Yield the statements, with their parameters, that any database is sent inside."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401
        heard.append((statement, parameters))

    def note(statement: str, parameters: object) -> None:
        heard.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    EARS.append(note)
    try:
        yield heard
    finally:
        EARS.remove(note)
        event.remove(Engine, "before_cursor_execute", hear)
