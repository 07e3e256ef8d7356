"""Writing past SQLAlchemy, in its transaction: connections kept open, and what is written waits for the rest.

    await insert_rows(session, CreditNote, notes)  # waits
    await insert_rows(session, CreditNoteLine, lines)  # waits beside it
    await prepared(session, ("sums",), build).rows(session)  # both are written first: whoever reads sees them

What is to be written waits until something is read, until SQLAlchemy is told to run anything, or until the commit.
PostgreSQL gets it as one statement then. Its parts do not see each other, so no two of them are about one table. What
was told earlier is never written later, by whichever way it goes.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import JSON, Dialect, Table, TableValuedAlias, Text, UpdateBase, bindparam, cast, column, event, func
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.util import await_only

from domain.base.columns import Document, writer_of
from domain.base.kept import Kept
from domain.base.lanes import Lane, driver_errors, lane_of
from domain.base.statements import EARS, prepared

STATEMENTS_MAX = 500
"""Statements that are kept: which parts meet depends on what a write does."""

INSERT = "insert"
"""The way of rows that are new: such rows go together, whoever adds them."""

Row = Mapping[str, Any]

_ROWS, _OF_ROW = "rows", "row_"
_PLACE = re.compile(r"\$([0-9]+)")


@dataclass(frozen=True, slots=True)
class Given:
    """What a statement about rows of a table is given."""

    table: Table
    names: Sequence[str]
    """The columns."""
    dialect: Dialect
    is_one: bool
    """Whether it is given one row, its values as parameters; on SQLite always: of many one after the other."""

    @property
    def values(self) -> dict[str, Any]:
        """Return the values of the one row."""
        return {name: bindparam(_OF_ROW + name, type_=self.table.c[name].type) for name in self.names}

    @property
    def rows(self) -> TableValuedAlias:
        """Return the rows, however many, as a table: one parameter of PostgreSQL."""
        listed = func.json_to_recordset(cast(bindparam(_ROWS, type_=Text()), JSON()))
        columns = [column(name, self.table.c[name].type) for name in self.names]
        return listed.table_valued(*columns, name="given").render_derived(with_types=True)


Build = Callable[[Given], UpdateBase]


class WritingLane(Lane):
    """A connection that writes, what waits to be written on it, and what is known while its transaction lasts."""

    __slots__ = ("facts", "known", "waiting")

    session: "WritingSession"

    def __init__(self, connection: AsyncConnection, driver: Any, *, is_sqlite: bool) -> None:  # noqa: ANN401
        """Take an open connection that begins no transactions by itself."""
        super().__init__(connection, driver, is_sqlite=is_sqlite)
        self.waiting: list[_Part] = []
        self.known: dict[Hashable, Any] = {}
        """What holds until the transaction ends, such as what it locked."""
        self.facts: dict[Hashable, Any] = {}
        """What nobody changes once it is committed."""

    def open_session(self) -> "WritingSession":
        """Return a session that knows what waits beside it."""
        return WritingSession(self.connection, expire_on_commit=False)

    async def begin(self) -> None:
        """Begin a transaction; SQLite's only writer takes the file at once."""
        self.is_begun = True
        await self.run("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")

    async def finish(self) -> None:
        """Write what waits, and make all of it last."""
        await self.settle()
        await self.run("COMMIT")
        self.is_begun = False

    async def end(self) -> None:
        """Undo what was not committed, and forget what was known by it."""
        if self.is_begun:
            self.facts.clear()  # they may have been its own
        self.waiting.clear()
        self.known.clear()
        if self.session.new or len(self.session.identity_map):
            await self.session.close()
        await super().end()

    async def cut_off(self) -> None:
        """Undo what was begun, behind what still runs.

        Closed alone, a connection of SQLite keeps the file locked as long as anything holds a cursor on it, such as the
        traceback of what was cancelled.
        """
        if self.is_sqlite:
            with suppress(ValueError, sqlite3.Error):  # it is closed, or undone, already
                await asyncio.shield(self.driver.rollback())

    async def write(self, part: "_Part") -> None:
        """Let a part wait, behind everything that was told before."""
        await self.session.flush_objects()
        same = next((each for each in reversed(self.waiting) if each.table is part.table), None)
        if same is not None and same.takes(part):
            same.rows.extend(part.rows)
        else:
            self.waiting.append(part)

    async def settle(self) -> None:
        """Write everything that was told, so that whoever reads next sees it."""
        await self.session.flush_objects()
        if self.waiting:
            await self.write_waiting()

    async def write_waiting(self) -> None:
        """Write what waits, in as few statements as it takes."""
        waiting, self.waiting = self.waiting, []
        for parts in [[part] for part in waiting] if self.is_sqlite else _apart(waiting):
            text, arguments = _together(parts)
            for ear in EARS:
                ear(text, tuple(arguments))
            with driver_errors(text):
                await self._run_parts(text, arguments, is_rows=len(parts[0].rows) > 1 and parts[0].kind is not None)

    async def _run_parts(self, text: str, arguments: list[Any], *, is_rows: bool) -> None:
        if not self.is_sqlite:
            statement = self.statements.get(text)
            if statement is None:
                statement = await self.driver.prepare(text)
                self.statements.put(text, statement, weight=1)
            await statement.fetch(*arguments)
        elif is_rows:
            await self.driver.executemany(text, arguments)
        else:
            await self.driver.execute_fetchall(text, arguments)


class _Session(SyncSession):
    """SQLAlchemy's own session behind one that writes."""


class WritingSession(AsyncSession):
    """SQLAlchemy's session in a transaction that others begin and end."""

    sync_session_class = _Session

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write everything that was told so far."""
        await self.flush_objects(objects)
        await writing_lane_of(self).settle()

    async def flush_objects(self, objects: Sequence[Any] | None = None) -> None:
        """Write the objects that SQLAlchemy was told of, if there are any, and what was told before them."""
        known = self.sync_session  # asked by itself: this is on every write's way
        if known.new or (len(known.identity_map) and (known.dirty or known.deleted)):
            await super().flush(objects)

    async def connection(self, *arguments: Any, **options: Any) -> AsyncConnection:  # noqa: ANN401
        """Return the connection, with everything written that was told so far."""
        await writing_lane_of(self).settle()
        return await super().connection(*arguments, **options)

    async def commit(self) -> None:
        """Commit all that was written, by whichever way. What is read or written after that is in no transaction."""
        await writing_lane_of(self).finish()


@event.listens_for(_Session, "do_orm_execute")
def _write_before_execute(state: Any) -> None:  # noqa: ANN401
    _write_first(state.session)


@event.listens_for(_Session, "before_flush")
def _write_before_flush(session: SyncSession, *_: object) -> None:
    _write_first(session)


def _write_first(session: SyncSession) -> None:
    """Write what waits before SQLAlchemy runs anything; it is called in a greenlet of SQLAlchemy's."""
    lane = lane_of(session)
    if isinstance(lane, WritingLane) and lane.waiting:
        await_only(lane.write_waiting())


def writing_lane_of(session: AsyncSession) -> WritingLane:
    """Return the lane of a session that writes."""
    lane = lane_of(session)
    assert isinstance(lane, WritingLane)  # noqa: S101  a session for reading writes nothing
    return lane


def facts_of(session: AsyncSession) -> dict[Hashable, Any]:
    """Return what the connection knows to be so for good; nothing, where one only reads."""
    lane = lane_of(session)
    return lane.facts if isinstance(lane, WritingLane) else {}


async def write(
    session: AsyncSession,
    key: tuple[Hashable, ...],
    build: Callable[[], UpdateBase],
    *,
    table: Table,
    values: Mapping[str, Any],
) -> None:
    """Let a statement wait that changes or removes rows of a table, known by a key as `prepared` has it."""
    statement = prepared(session, key, build)
    part = _Part(table, [statement.arguments(session, values)], text=statement.text)
    await writing_lane_of(session).write(part)


async def write_rows(
    session: AsyncSession,
    table: Table,
    rows: Sequence[Row],
    *,
    way: str,
    build: Build,
) -> None:
    """Let rows wait that have the same columns; `way` names what `build` makes of them."""
    if not rows:
        return
    lane, names = writing_lane_of(session), tuple(rows[0])
    key = (lane.is_sqlite, table, way, names)
    kind = _kinds.get(key)
    if kind is None:
        kind = _Kind(build, table, names, lane.connection.dialect, is_new=way == INSERT)
        _kinds.put(key, kind, weight=1)
    await lane.write(_Part(table, list(rows), kind=kind))


class _Kind:
    """What is made of rows of a table: a statement for one row, and on PostgreSQL one that takes many as a parameter.

    PostgreSQL takes plain parameters for one row, as it plans for as many rows as it guesses are in a parameter.
    """

    __slots__ = ("_build", "_dialect", "_names", "_places", "_table", "_texts", "_writers", "is_new", "is_sqlite")

    def __init__(self, build: Build, table: Table, names: Sequence[str], dialect: Dialect, *, is_new: bool) -> None:
        self.is_new = is_new
        self.is_sqlite = dialect.name == "sqlite"
        self._build, self._table, self._names, self._dialect = build, table, names, dialect
        self._texts: dict[bool, str] = {}
        self._places: list[str] = []
        writers = {name: writer_of(table.c[name].type, dialect) for name in names}
        self._writers = {name: write for name, write in writers.items() if write is not None}

    def text(self, rows: Sequence[Row]) -> str:
        """Return the statement for so many rows."""
        is_one = self.is_sqlite or len(rows) == 1
        if is_one not in self._texts:
            given = Given(self._table, self._names, self._dialect, is_one=is_one)
            compiled = self._build(given).compile(dialect=self._dialect)
            self._texts[is_one] = str(compiled)
            if is_one:
                self._places = [name.removeprefix(_OF_ROW) for name in compiled.positiontup or ()]
        return self._texts[is_one]

    def arguments(self, rows: Sequence[Row]) -> list[Any]:
        """Return the parameters for these rows; for many on SQLite, which takes one at a time, a list of them."""
        self.text(rows)
        if len(rows) == 1:
            return self._in_places(rows[0])
        if self.is_sqlite:
            return [self._in_places(row) for row in rows]
        return [orjson.dumps([self._as_json(row) for row in rows], default=_spelled).decode()]

    def _in_places(self, row: Row) -> list[Any]:
        write = self._writers
        return [write[name](row[name]) if name in write else row[name] for name in self._places]

    def _as_json(self, row: Row) -> Row:
        made = dict(row)
        for name, write in self._writers.items():
            if not isinstance(self._table.c[name].type, Document):
                made[name] = write(made[name])
        return made


_kinds: Kept[_Kind] = Kept(STATEMENTS_MAX)
_joined: Kept[str] = Kept(STATEMENTS_MAX)


def _spelled(value: object) -> str:
    """Return a key that PostgreSQL's driver made."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


class _Part:
    """Something to be written, about some rows of a table."""

    __slots__ = ("_text", "kind", "rows", "table")

    def __init__(self, table: Table, rows: list[Any], *, kind: _Kind | None = None, text: str = "") -> None:
        self.table = table
        self.rows = rows
        """Rows; of a statement that takes none its parameters, as the only one."""
        self.kind = kind
        self._text = text

    def takes(self, other: "_Part") -> bool:
        """Tell whether the rows of another part can go with these: both are new."""
        return self.kind is not None and self.kind is other.kind and self.kind.is_new

    @property
    def text(self) -> str:
        """Return the statement."""
        return self._text if self.kind is None else self.kind.text(self.rows)

    @property
    def arguments(self) -> list[Any]:
        """Return the parameters."""
        arguments: list[Any] = self.rows[0] if self.kind is None else self.kind.arguments(self.rows)
        return arguments


def _apart(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield the parts in their order, together as long as each is about another table."""
    together: dict[Table, _Part] = {}
    for part in parts:
        if part.table in together:
            yield list(together.values())
            together = {}
        together[part.table] = part
    yield list(together.values())


def _together(parts: Sequence[_Part]) -> tuple[str, list[Any]]:
    """Return the parts as one statement, with the parameters of all."""
    if len(parts) == 1:
        return parts[0].text, parts[0].arguments
    arguments = [part.arguments for part in parts]
    key = tuple(part.text for part in parts)
    text = _joined.get(key)
    if text is None:
        text = _join(key, [len(each) for each in arguments])
        _joined.put(key, text, weight=1)
    return text, [value for each in arguments for value in each]


def _join(texts: Sequence[str], counts: Sequence[int]) -> str:
    """Return statements as one, the last with all others in its WITH, their parameters numbered through."""
    moved: list[str] = []
    first = 0
    for text, count in zip(texts, counts, strict=True):
        moved.append(_PLACE.sub(lambda found, first=first: f"${int(found[1]) + first}", text))  # type: ignore[misc]
        first += count
    others = ", ".join(f"part_{place} AS ({text})" for place, text in enumerate(moved[:-1]))
    return f"WITH {others} {moved[-1]}"
