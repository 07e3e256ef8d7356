"""The seam between SQLAlchemy and the drivers: a statement is compiled once, and then runs as a prepared one.

    async def list_orders_by_id(session, ids):
        found = prepared(session, ("orders by id",), lambda: select(...).where(among(session, Order.id, "ids")))
        return {row.id: row for row in await found.rows(session, ids=ids)}

A repository says by a key which statement it is, and how it is built where nobody asked for it before: whatever it is
built of is in the key, values are parameters. Lists are one parameter each, so that there is one statement for all
lengths. Rows have the columns as attributes, each converted when it is read as its type says.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import ColumnElement, CompoundSelect, Dialect, Select, UpdateBase, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text, TypeDecorator, TypeEngine

from domain.base.columns import Key, Reader, reader_of, writer_of
from domain.base.kept import Kept
from domain.base.lanes import DRIVER_ERRORS, Lane, as_database_error, lane_of
from domain.base.sight import SIGHT_CUSTOMER, SIGHT_STORES, Sight, sight_of

Selection: TypeAlias = Select[*tuple[Any, ...]]
Statement: TypeAlias = Selection | CompoundSelect[*tuple[Any, ...]] | UpdateBase

STATEMENTS_MAX = 1_000
"""Statements that are kept: what clients ask for decides which columns are read, so there is no end of them."""

EARS: list[Callable[[str, object], None]] = []
"""Who is told of each statement that runs past SQLAlchemy, and its parameters: tests and benchmarks that count them."""


class Prepared:
    """A statement in a database's own words, ready to be given values."""

    __slots__ = ("_binds", "_is_sqlite", "_row", "text")

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        """Compile the statement."""
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text:
            message = "a list of values is no single parameter: use `among`"
            raise ValueError(message)
        self._is_sqlite = dialect.name == "sqlite"
        self._binds: list[tuple[str, Any, Reader | None]] = [
            (bind.key, bind.effective_value, writer_of(bind.type, dialect))
            for bind in (compiled.binds[name] for name in compiled.positiontup or ())
        ]
        columns = [(column.key or "", reader_of(column.type, dialect)) for column in statement.exported_columns]
        self._row = row_class(tuple if self._is_sqlite else asyncpg.Record, columns)

    async def rows(self, session: AsyncSession, **values: Any) -> list[Any]:  # noqa: ANN401
        """Return the rows for these values, read within the session's transaction."""
        lane = lane_of(session)
        await lane.settle()
        arguments = self.arguments(session, values)
        for ear in EARS:
            ear(self.text, tuple(arguments))
        try:
            if self._is_sqlite:
                return list(map(self._row, await lane.driver.execute_fetchall(self.text, arguments)))
            statement = lane.statements.get(self) or await self._kept_by(lane)
            return await statement.fetch(*arguments)  # type: ignore[no-any-return]
        except DRIVER_ERRORS as error:
            if isinstance(error, asyncpg.InvalidCachedStatementError):
                lane.forget()  # a table is not what it was
            raise as_database_error(self.text, error) from error

    async def _kept_by(self, lane: Lane) -> Any:  # noqa: ANN401  the driver's own
        """Prepare the statement on a connection of PostgreSQL, and keep it there."""
        made = await lane.driver.prepare(self.text, record_class=self._row)
        lane.statements.put(self, made, weight=1)
        return made

    def arguments(self, session: AsyncSession, values: Mapping[str, Any]) -> list[Any]:
        """Return the parameters in their order; how much is seen is always the session's own."""
        sight = sight_of(session)
        given = values if sight.is_whole else {**values, **sight.parameters}
        return [
            given.get(name, default) if convert is None else convert(given.get(name, default))
            for name, default, convert in self._binds
        ]


_statements: Kept[Prepared] = Kept(STATEMENTS_MAX)


def prepared(session: AsyncSession, key: tuple[Hashable, ...], build: Callable[[], Statement]) -> Prepared:
    """Return the statement of this key, built where it is not known yet.

    Sessions that are narrowed in different ways have different statements, which take the same parameters.
    """
    dialect = lane_of(session).connection.dialect
    sight = sight_of(session)
    whole = (dialect.name, "" if sight.is_whole else sight.kind, *key)
    found = _statements.get(whole)
    if found is None:
        found = Prepared(build(), dialect)
        _statements.put(whole, found, weight=1)
    return found


def row_class(base: type, columns: Sequence[tuple[str, Reader | None]]) -> type:
    """Return a kind of tuple whose items are attributes, each read as its column says."""
    names = {name: property(_getter(place, read)) for place, (name, read) in enumerate(columns)}
    mapping = property(lambda row: {name: getattr(row, name) for name in names})
    return type("Row", (base,), {"__slots__": (), "_mapping": mapping, **names})


def _getter(place: int, read: Reader | None) -> Callable[[Any], Any]:
    if read is None:
        return itemgetter(place)

    def get(row: Any) -> Any:  # noqa: ANN401
        value = row[place]
        return None if value is None else read(value)

    return get


def among(
    session: AsyncSession,
    column: Any,  # noqa: ANN401
    name: str,
    values: Sequence[Any] | None = None,
) -> ColumnElement[bool]:
    """Say that the column is one of the values of a parameter, however many they are.

    `values` are needed where SQLAlchemy runs the statement itself.
    """
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(bindparam(name, values, _JsonList(column.type))).table_valued("value")
        return column.in_(select(each.c.value))  # type: ignore[no-any-return]
    return column == any_(bindparam(name, values, ARRAY(column.type)))  # type: ignore[no-any-return]


def shopper_of(sight: Sight) -> ColumnElement[UUID]:
    """Return the shopper who asks, as a parameter of a statement."""
    return bindparam(SIGHT_CUSTOMER, sight.customer_id, Key())


def is_of_stores(session: AsyncSession, sight: Sight, column: Any) -> ColumnElement[bool]:  # noqa: ANN401
    """Say that the column is one of the stores of who asks."""
    return among(session, column, SIGHT_STORES, sorted(sight.store_ids or ()))


class _JsonList(TypeDecorator[Sequence[Any]]):
    """A list in one parameter, on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        """Take the type of the items."""
        super().__init__()
        self.item = item

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str:
        """Write the items as their column has them."""
        convert = self.item.dialect_impl(dialect).bind_processor(dialect)
        items = value or ()
        return orjson.dumps([each if convert is None else convert(each) for each in items]).decode()
