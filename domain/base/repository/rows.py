"""Plain rows of whatever table: read by ids and parents, written past the unit of work."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    Table,
    UpdateBase,
    delete,
    inspect,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.model import Base
from domain.base.statements import among, prepared
from domain.base.writing import INSERT, Given, write, write_rows

LIST_CHUNK = 500
"""Values in one IN list: far below SQLite's limit of 32,766 parameters in a statement."""

Columns: TypeAlias = frozenset[str] | None
"""So much of a table's rows as is wanted; None: all."""

Condition: TypeAlias = tuple[Callable[[AsyncSession, Any], ColumnElement[bool]], Any]
"""Says which rows are meant: a function, and the column or table that it is about."""

UNSYNCHRONISED = {"synchronize_session": False}
"""Of a statement that no object in memory is about."""

_Value = TypeVar("_Value")


def upsert(session: AsyncSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the session's dialect that knows ON CONFLICT."""
    dialect: Dialect = session.get_bind().dialect
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, every column given, without objects; they wait for what else is written (`writing.py`)."""
    await write_rows(session, cast(Table, table.__table__), rows, way=INSERT, build=_insert)


async def upsert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, each of another key; they take the place of those that have the same keys."""
    await write_rows(session, cast(Table, table.__table__), rows, way="upsert", build=_upsert)


async def insert_new_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert plain rows, each of another key; where there is one with the same keys, it stays."""
    await write_rows(session, cast(Table, table.__table__), rows, way="insert new", build=_insert_new)


async def insert_or_flag_rows(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]], *, flag: str
) -> None:
    """Insert plain rows, each of another key; where there is one with the same keys, its flag is set if it was not."""
    build = partial(_insert_or_flag, flag=flag)
    await write_rows(session, cast(Table, table.__table__), rows, way=f"flag {flag}", build=build)


async def update_rows(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Change the rows that have these keys, in the columns that are given."""
    await write_rows(session, cast(Table, table.__table__), rows, way="update", build=_update)


def _insert(given: Given) -> postgresql.Insert | sqlite.Insert:
    if given.dialect.name == "sqlite":
        return sqlite.insert(given.table).values(given.values)
    statement = postgresql.insert(given.table)
    return statement.values(given.values) if given.is_one else statement.from_select(given.names, select(*given.rows.c))


def _upsert(given: Given) -> UpdateBase:
    statement = _insert(given)
    keys = [column.name for column in given.table.primary_key]
    changed = {name: statement.excluded[name] for name in given.names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _insert_new(given: Given) -> UpdateBase:
    return _insert(given).on_conflict_do_nothing()


def _insert_or_flag(given: Given, *, flag: str) -> UpdateBase:
    keys = [column.name for column in given.table.primary_key]
    known = given.table.c[flag]
    return _insert(given).on_conflict_do_update(index_elements=keys, set_={flag: true()}, where=~known)


def _update(given: Given) -> UpdateBase:
    sent: Any = given.values if given.is_one else given.rows.c
    is_meant = [column == sent[column.name] for column in given.table.primary_key]
    keys = {column.name for column in given.table.primary_key}
    return update(given.table).where(*is_meant).values({name: sent[name] for name in given.names if name not in keys})


async def replace_rows(
    session: AsyncSession,
    parent: InstrumentedAttribute[UUID],
    ids: Iterable[UUID],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Make these the rows whose `parent` is one of the ids."""
    table: Any = parent.class_
    if wanted := list(dict.fromkeys(ids)):
        await write(
            session,
            ("remove rows", parent),
            lambda: delete(table).where(among(session, parent, "ids")),
            table=table.__table__,
            values={"ids": wanted},
        )
    await insert_rows(session, table, rows)


def chunks(values: Iterable[_Value]) -> list[list[_Value]]:
    """Return the values, once each, in lists that fit into a statement."""
    listed = list(dict.fromkeys(values))
    return [listed[start : start + LIST_CHUNK] for start in range(0, len(listed), LIST_CHUNK)]


async def rows_by_id(
    session: AsyncSession,
    table: type[Base],
    ids: Iterable[UUID],
    *,
    where: Condition | None = None,
    columns: Columns = None,
) -> dict[UUID, Any]:
    """Return plain rows of the table by their ids, so much of them as is wanted."""

    def build() -> Select[Any]:
        key = table.__table__.c.id
        statement = select(*columns_of(table, columns, "id")).where(among(session, key, "ids"))
        return statement if where is None else statement.where(where[0](session, where[1]))

    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    statement = prepared(session, ("by id", table, where, columns), build)
    return {row.id: row for row in await statement.rows(session, ids=wanted)}


async def rows_by_parent(
    session: AsyncSession,
    parent: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    ids: Iterable[UUID],
    *,
    order_by: Sequence[InstrumentedAttribute[Any]],
    columns: Columns = None,
    needed: tuple[str, ...] = ("id",),
) -> dict[UUID, list[Any]]:
    """Return the plain rows below each parent, an empty list where there are none; `needed`: wanted in any case."""

    def build() -> Select[Any]:
        chosen = columns_of(parent.class_, columns, parent.key, *needed)
        return select(*chosen).where(among(session, parent, "ids")).order_by(*order_by)

    found: dict[UUID, list[Any]] = defaultdict(list)
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return found
    of_row = attrgetter(parent.key)
    statement = prepared(session, ("by parent", parent, tuple(order_by), columns, needed), build)
    for row in await statement.rows(session, ids=wanted):
        found[of_row(row)].append(row)
    return found


def columns_of(source: Any, wanted: Columns, *needed: str) -> list[Any]:  # noqa: ANN401  a table's class or alias
    """Return the columns of a table that are wanted, and what is needed in any case."""
    table = inspect(source).mapper.local_table
    names = {*needed, *(wanted or ())}
    return [getattr(source, column.key) for column in table.c if wanted is None or column.key in names]


async def plan_by_values(session: AsyncSession) -> None:
    """Let what is read from now on in this transaction be planned by its values, as often as it may come.

    What comes again and again PostgreSQL plans once for all values: then it does not know that a word is rare, and
    looks through all there is for it.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
