"""Runs the migrations on a connection that `api.migrations` opened, inside its transaction."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, TypeDecorator
from sqlalchemy.schema import SchemaItem

import domain.customers.model
import domain.files.model
import domain.identity.model
import domain.interactions.model
import domain.orders.model  # noqa: F401  the models register their tables
from domain.base.columns import Amount, Day, Document, Flag, Instant, Key, SortedText, Whole
from domain.base.model import Base

_NAMES: dict[type[TypeDecorator[Any]], str] = {
    Amount: "AMOUNT",
    Day: "DAY",
    Document: "DOCUMENT",
    Flag: "FLAG",
    Instant: "INSTANT",
    Key: "KEY",
    SortedText: "SORTED",
    Whole: "WHOLE",
}


def _render(kind: str, item: Any, _context: object) -> str | Literal[False]:  # noqa: ANN401  Alembic's own signature
    """Write a column type by the name that the migration template gives it."""
    if kind != "type":
        return False
    if type(item).__name__ == "Text":
        return "TEXT"
    return _NAMES.get(type(item), False)


def _include(item: SchemaItem, _name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:  # noqa: FBT001
    """Leave out what SQLite makes by itself."""
    return not (kind == "table" and str(getattr(item, "name", "")).startswith("sqlite_"))


def run(connection: Connection) -> None:
    """Run what was asked for; the caller begins and commits."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=context.config.attributes["compare_type"],
        render_item=_render,
        include_object=_include,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=False,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
