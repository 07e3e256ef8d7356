"""Portable column types: what SQLite's STRICT tables and PostgreSQL both keep without loss.

SQLAlchemy's own `Numeric` and aware `DateTime` lose data silently on SQLite (docs/architecture.md,
"Two databases"), and `Boolean`, `Enum` and `Uuid` use names that STRICT tables refuse.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import (
    TEXT,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Dialect,
    Integer,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.base.money import from_units, to_units

Reader = Callable[[Any], Any]
"""Makes a value of what a driver gives, never given None."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_Value = TypeVar("_Value")


def to_micros(instant: datetime) -> int:
    """Return the microseconds from 1970 to an aware instant, exactly."""
    if instant.tzinfo is None:
        message = f"an instant needs a time zone: {instant!r}"
        raise ValueError(message)
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant so many microseconds after 1970, in UTC."""
    return _EPOCH + micros * _MICROSECOND


def _in_utc(value: datetime) -> datetime:
    """Return an instant of PostgreSQL's driver in UTC; the very first and the very last come without a zone."""
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Portable(TypeDecorator[_Value]):
    """A type with one storage on SQLite and another on PostgreSQL."""

    kind: ClassVar[type]
    on_sqlite: ClassVar[TypeEngine[Any]] = Text()
    elsewhere: ClassVar[TypeEngine[Any]]

    @property
    def python_type(self) -> type:
        """Return the Python type of the values."""
        return self.kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's storage."""
        return dialect.type_descriptor(self.on_sqlite if dialect.name == "sqlite" else self.elsewhere)

    def reader(self, dialect: Dialect) -> Reader | None:
        """Return how values are read off the driver where it gives them in another form; None: it gives them."""
        del dialect
        return None


class Whole(_Portable[int]):
    """A 64 bit integer."""

    impl = BigInteger
    cache_ok = True
    kind = int
    on_sqlite = Integer()
    elsewhere = BigInteger()


class SortedText(_Portable[str]):
    """Text that lists are ordered by: byte by byte on both databases, whatever PostgreSQL's locale."""

    impl = Text
    cache_ok = True
    kind = str
    elsewhere = TEXT(collation="C")


class Flag(_Portable[bool]):
    """True or false."""

    impl = Boolean
    cache_ok = True
    kind = bool
    on_sqlite = Integer()
    elsewhere = Boolean()

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:  # noqa: FBT001, ANN401
        """Write the database's own true and false."""
        return value if value is None or dialect.name != "sqlite" else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:  # noqa: ANN401, ARG002
        """Read Python's true and false."""
        return None if value is None else bool(value)

    def reader(self, dialect: Dialect) -> Reader | None:
        """Read Python's true and false."""
        return bool if dialect.name == "sqlite" else None


class Key(_Portable[UUID]):
    """A UUID: native on PostgreSQL, 32 hexadecimal digits on SQLite, which sort as the key does."""

    impl = Uuid
    cache_ok = True
    kind = UUID
    elsewhere = Uuid()

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write the digits on SQLite."""
        return value if value is None or dialect.name != "sqlite" else value.hex

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:  # noqa: ANN401
        """Read the digits on SQLite."""
        return value if value is None or dialect.name != "sqlite" else UUID(hex=value)

    def reader(self, dialect: Dialect) -> Reader | None:
        """Read the digits on SQLite."""
        return UUID if dialect.name == "sqlite" else None


class Instant(_Portable[datetime]):
    """A point in time in UTC: microseconds since 1970 on SQLite, `timestamptz` on PostgreSQL."""

    impl = DateTime
    cache_ok = True
    kind = datetime
    on_sqlite = Integer()
    elsewhere = DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Refuse a naive value: nobody knows which instant it is."""
        if value is None:
            return None
        micros = to_micros(value)
        return micros if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401
        """Read an aware instant in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return from_micros(value)
        return _in_utc(value)

    def reader(self, dialect: Dialect) -> Reader | None:
        """Read an aware instant in UTC."""
        return from_micros if dialect.name == "sqlite" else _in_utc


class Day(_Portable[date]):
    """A calendar day without a time zone."""

    impl = Date
    cache_ok = True
    kind = date
    elsewhere = Date()

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write text on SQLite."""
        return value if value is None or dialect.name != "sqlite" else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:  # noqa: ANN401
        """Read text on SQLite."""
        return value if value is None or dialect.name != "sqlite" else date.fromisoformat(value)

    def reader(self, dialect: Dialect) -> Reader | None:
        """Read text on SQLite."""
        return date.fromisoformat if dialect.name == "sqlite" else None


class Amount(_Portable[Decimal]):
    """Money in ten-thousandths of the currency's main unit: exact to four decimals, summed as integers."""

    impl = BigInteger
    cache_ok = True
    kind = Decimal
    on_sqlite = Integer()
    elsewhere = BigInteger()

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse what four decimals cannot hold."""
        return None if value is None else to_units(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ANN401, ARG002
        """Read a decimal; PostgreSQL's `sum` of integers comes as one already."""
        return None if value is None else from_units(int(value))

    def reader(self, dialect: Dialect) -> Reader | None:
        """Read a decimal."""
        del dialect
        return from_units  # PostgreSQL's `sum` of integers comes as a decimal, which it takes too


class Document(_Portable[Any]):
    """A small structure that is only ever read whole: JSONB on PostgreSQL, JSON text on SQLite."""

    impl = Text
    cache_ok = True
    kind = object
    elsewhere = JSONB(none_as_null=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write text on SQLite; PostgreSQL's driver does it itself."""
        return value if value is None or dialect.name != "sqlite" else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read text on SQLite."""
        return value if value is None or dialect.name != "sqlite" else orjson.loads(value)


def writer_of(kind: TypeEngine[Any], dialect: Dialect) -> Reader | None:
    """Return how a parameter is written for the driver; None: as it is."""
    if isinstance(kind, _Portable) and not isinstance(kind, Instant | Amount) and dialect.name != "sqlite":
        return None if not isinstance(kind, Document) else kind.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(kind, ARRAY):
        write = writer_of(kind.item_type, dialect)
        return None if write is None else lambda values: [write(value) for value in values]
    return kind.dialect_impl(dialect).bind_processor(dialect)


def reader_of(kind: TypeEngine[Any], dialect: Dialect) -> Reader | None:
    """Return how values of a column are read off the driver; None: they are what they are."""
    if isinstance(kind, _Portable) and not isinstance(kind, Document):
        return kind.reader(dialect)
    return kind.dialect_impl(dialect).result_processor(dialect, None)
