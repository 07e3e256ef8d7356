"""Pages of long lists, by keyset: stable while rows come in, as quick at the end as at the start."""

import base64
import binascii
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Integer, Select, Subquery, bindparam, func, literal_column, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.base.columns import from_micros, to_micros
from domain.base.errors import Invalid
from domain.base.money import from_units, to_units
from domain.base.repository.rows import Columns, columns_of
from domain.base.statements import prepared

PAGE_SIZE_MAX = 100

_AFTER, _BEFORE = "after", "before"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: `limit` items after and before cursors, from the end where `is_backward`."""

    limit: int
    after: str | None = None
    before: str | None = None
    is_backward: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Return what of it statements differ by; the rest are parameters."""
        return self.limit, self.after is not None, self.before is not None, self.is_backward


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of a list. The last column makes it total; none may be NULL, which the databases sort apart."""

    name: str
    columns: tuple[InstrumentedAttribute[Any], ...]
    is_descending: bool = False

    def cursor(self, row: Any) -> str:  # noqa: ANN401
        """Return the opaque position of `row`."""
        values = [_plain(getattr(row, column.key)) for column in self.columns]
        return base64.urlsafe_b64encode(orjson.dumps([self.tag, *values])).rstrip(b"=").decode()

    def position(self, cursor: str) -> tuple[Any, ...]:
        """Return the key values in a cursor. Raises `Invalid` for one that was not made by this order."""
        try:
            padded = cursor.encode() + b"=" * (-len(cursor) % 4)
            tag, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if tag == self.tag and len(values) == len(self.columns):
                return tuple(_typed(column, value) for column, value in zip(self.columns, values, strict=True))
        except (binascii.Error, ValueError, TypeError, OverflowError):
            pass
        message = "This is no cursor of this list in this order; take one from its pageInfo or edges."
        raise Invalid(message)

    def of(self, source: Any) -> "Ordering":  # noqa: ANN401  an alias of the table
        """Return the same order by the columns of an alias."""
        return replace(self, columns=tuple(getattr(source, column.key) for column in self.columns))

    @property
    def tag(self) -> str:
        """Return what tells this order from others of the same list."""
        return f"{self.name}{'-' if self.is_descending else '+'}"


@dataclass(slots=True)
class Page(Generic[Item]):
    """One part of a list, in the list's order."""

    items: Sequence[Item]
    has_next: bool
    has_previous: bool
    cursor: Callable[[Item], str]
    """Returns where an item stands."""


EMPTY: Page[Any] = Page((), has_next=False, has_previous=False, cursor=str)
"""A page of a list that has nothing."""


def check_page(*, first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Return the request in four words of Relay. Raises `Invalid` unless one size is given, 1 to 100."""
    if (first is None) == (last is None):
        message = "Give either first or last, not both and not none."
        raise Invalid(message)
    limit = first if first is not None else last
    if limit is None or not 1 <= limit <= PAGE_SIZE_MAX:
        message = f"first and last are from 1 to {PAGE_SIZE_MAX}."
        raise Invalid(message)
    return PageRequest(limit=limit, after=after, before=before, is_backward=first is None)


def narrowed(statement: Select[Any], ordering: Ordering, page: PageRequest) -> Select[Any]:
    """Return the statement with the rows between the page's cursors only."""
    key = tuple_(*ordering.columns)
    values = _bounds(ordering, page)
    for cursor, end in ((page.after, _AFTER), (page.before, _BEFORE)):
        if cursor is None:
            continue
        names = [f"{end}_{place}" for place in range(len(ordering.columns))]
        bound = tuple_(
            *(bindparam(name, values[name], c.type) for name, c in zip(names, ordering.columns, strict=True))
        )
        statement = statement.where(key > bound if (end == _AFTER) != ordering.is_descending else key < bound)
    return statement


def _bounds(ordering: Ordering, page: PageRequest) -> dict[str, Any]:
    """Return the parameters of the page's cursors. Raises `Invalid` for what is no cursor of this order."""
    return {
        f"{end}_{place}": value
        for end, cursor in ((_AFTER, page.after), (_BEFORE, page.before))
        if cursor is not None
        for place, value in enumerate(ordering.position(cursor))
    }


def ordered(ordering: Ordering, page: PageRequest) -> list[Any]:
    """Return the ORDER BY of the page: turned round where it is read from the end."""
    is_descending = ordering.is_descending != page.is_backward
    return [column.desc() if is_descending else column.asc() for column in ordering.columns]


def _one_more(page: PageRequest) -> ColumnElement[int]:
    """Return how many rows are read for a page: whether there is more is seen by that.

    Written out, not as a parameter: a plan for any number would rather sort a table than walk along an index.
    """
    return literal_column(str(page.limit + 1), Integer())


async def list_page(
    session: AsyncSession,
    build: Callable[[], Select[Any]],
    *,
    ordering: Ordering,
    page: PageRequest,
    key: tuple[Hashable, ...] | None = None,
) -> Page[Any]:
    """Return one page of a statement's rows. It selects the columns of the ordering too.

    `key` says which statement it is, where it is always the same: it is then built once.
    """

    def sought() -> Select[Any]:
        return narrowed(build(), ordering, page).order_by(*ordered(ordering, page)).limit(_one_more(page))

    values = _bounds(ordering, page)
    if key is None:
        return cut((await session.execute(sought(), values)).all(), ordering=ordering, page=page)
    statement = prepared(session, ("page", *key, ordering.tag, page.shape), sought)
    return cut(await statement.rows(session, **values), ordering=ordering, page=page)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of rows, each of one or several runs: rows that an index has in the order of the pages."""

    key: tuple[Hashable, ...]
    """Which groups they are: the same key, the same statement."""
    runs: Callable[[], Subquery]
    """Builds a row for each run, with the key of its group as `group_id`."""
    belongs: Callable[[Any, Any], ColumnElement[bool]]
    """Says, given a run, which rows of the table (or an alias of it) are in it."""


async def list_pages_by_group(
    session: AsyncSession,
    table: type[Any],
    groups: Groups,
    *,
    keys: Sequence[UUID],
    ordering: Ordering,
    page: PageRequest,
    columns: Columns = None,
) -> list[Page[Any]]:
    """Return the page of each group of rows, in one statement, aligned to `keys`, its parameter `ids`.

    A group consists of runs. Of each no more is read than the page may show, however long it is.
    """

    def build() -> Select[Any]:
        return _by_group(session, table, groups, ordering=ordering, page=page, columns=columns)

    statement = prepared(session, ("pages", table.__name__, *groups.key, ordering.tag, page.shape, columns), build)
    values = _bounds(ordering, page)
    rows_by_group: dict[UUID, list[Any]] = {key: [] for key in keys}
    for row in await statement.rows(session, ids=list(rows_by_group), **values):
        rows_by_group[row.group_id].append(row)
    return [cut(rows_by_group[key], ordering=ordering, page=page) for key in keys]


def _by_group(
    session: AsyncSession,
    table: type[Any],
    groups: Groups,
    *,
    ordering: Ordering,
    page: PageRequest,
    columns: Columns,
) -> Select[Any]:
    runs = groups.runs()
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    sought = aliased(table)
    within = ordering.of(sought)
    needed = ["id", *(column.key for column in ordering.columns)]
    chosen = [sought.id] if is_sqlite else columns_of(sought, columns, *needed)
    top = narrowed(select(*chosen).where(groups.belongs(runs, sought)), within, page).order_by(*ordered(within, page))
    top = top.limit(_one_more(page)).correlate(runs)
    if is_sqlite:  # it has no LATERAL, but looks up the keys of a correlated list one by one
        source: Any = table
        joined = runs.join(table, table.id.in_(top))
    else:
        source = top.lateral()
        joined = runs.join(source, true())
        source = source.c
    position = func.row_number().over(partition_by=runs.c.group_id, order_by=ordered(ordering.of(source), page))
    shown = [getattr(source, column.key) for column in columns_of(table, columns, *needed)]
    placed = select(*shown, runs.c.group_id).add_columns(position.label("position")).select_from(joined).subquery()
    place = placed.c.position
    return select(*(each for each in placed.c if each is not place)).where(place <= _one_more(page)).order_by(place)


def cut(rows: Sequence[Any], *, ordering: Ordering, page: PageRequest) -> Page[Any]:
    """Return the page out of the rows that were read for it: one more than it shows, if there are more."""
    has_more = len(rows) > page.limit
    shown = rows[: page.limit]
    return Page(
        items=shown[::-1] if page.is_backward else shown,
        has_next=page.before is not None if page.is_backward else has_more,
        has_previous=has_more if page.is_backward else page.after is not None,
        cursor=ordering.cursor,
    )


def _plain(value: Any) -> str | int:  # noqa: ANN401
    """Return a key value as JSON carries it without loss."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, Decimal):
        return to_units(value)
    if isinstance(value, str | int):
        return value
    raise TypeError(type(value))


def _typed(column: InstrumentedAttribute[Any], value: object) -> Any:  # noqa: ANN401
    """Return a key value as the column has it. Raises `TypeError` or `ValueError` for another kind."""
    wanted = column.type.python_type
    if wanted is str and isinstance(value, str) and "\0" not in value:  # PostgreSQL knows no text with NUL
        return value
    if wanted is UUID and isinstance(value, str):
        return UUID(hex=value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        if wanted is int:
            return value
        if wanted is datetime:
            return from_micros(value)
        if wanted is Decimal:
            return from_units(value)
    raise TypeError(wanted)
