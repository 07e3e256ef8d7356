"""Projections: generated functions that shape the plain attributes of all objects of a level at once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NoReturn

from graphql import GraphQLEnumType, GraphQLOutputType, Undefined, get_nullable_type, is_non_null_type
from strawberry.types.field import StrawberryField

from schema.base.policies import Policy, masked
from schema.base.views import READ, Read

_INT_MAX = 2**31
_DIRECT = {
    "String": "str",
    "ID": "str",
    "CountryCode": "str",
    "CurrencyCode": "str",
    "Cursor": "str",
    "Duration": "str",
    "EmailAddress": "str",
    "Locale": "str",
    "PhoneNumber": "str",
    "TimeZone": "str",
    "URL": "str",
    "Boolean": "bool",
}
"""Types whose values stand in the answer as they are, where they are of this class."""


PROJECTION = "<projection>"
"""What tracebacks and profiles call a generated function."""

OBJECT = "o"
"""What an object of the level is called in the text, whose row is `r`."""


class Unfit(Exception):  # noqa: N818  reads as what it is
    """A plan met values that it was not made for."""


def unfit() -> NoReturn:
    """Give up, in the middle of an expression."""
    raise Unfit


class Source:
    """The values that the text of a projection names."""

    def __init__(self) -> None:
        """Start with none."""
        self.reads_rows = False
        self._names: dict[str, Any] = {}
        self._locals = 0

    def name(self, value: Any) -> str:  # noqa: ANN401
        """Return a name for a value in the text."""
        name = f"v{len(self._names)}"
        self._names[name] = value
        return name

    def local(self) -> str:
        """Return a name for something that is different for each object."""
        self._locals += 1
        return f"o{self._locals}"

    def compiled(self, shape: str) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
        """Return the function that shapes each object as the expression says."""
        each = "for o in objects for r in [o.row]" if self.reads_rows else "for o in objects"
        text = f"def project(objects):\n    return [{shape} {each}]\n"
        exec(compile(text, PROJECTION, "exec"), self._names)  # noqa: S102  made of names of the schema, and of aliases, which are names of GraphQL
        project: Callable[[Sequence[Any]], list[dict[str, Any]]] = self._names["project"]
        return project


def read_of(source: Source, definition: StrawberryField, name: str) -> str:
    """Return the expression for an attribute of the object with this name."""
    read: Read | None = definition.metadata.get(READ)
    if read is None:
        return f"{name}.{definition.python_name}"
    if read.of is not None:
        return f"{source.name(read.of)}({name})"
    if name != OBJECT:
        return f"{name}.row.{definition.python_name}"
    source.reads_rows = True
    return f"r.{definition.python_name}"


def leaf(
    source: Source, kind: GraphQLOutputType, definition: StrawberryField, policy: Policy | None, *, name: str
) -> str:
    """Return the expression for what stands in the answer for a plain attribute; `policy`: masked as it says."""
    value = read_of(source, definition, name)
    if policy is not None and policy.part is not None:
        value = f"{source.name(policy.part)}({name})"
    elif policy is not None:
        value = f"{source.name(masked)}({value}, {source.name(policy.mask)})"
    own = source.local()
    nullable: Any = get_nullable_type(kind)
    shaped = f"{source.name(coercion(nullable))}({own})"
    plain, shown = _plain(source, nullable.name, own)
    if is_non_null_type(kind):
        return f"{shown} if ({own} := {value}){plain} else {shaped}" if plain else shaped.replace(own, value)
    shaped = f"{shown} if {own}{plain} else {shaped}" if plain else shaped
    return f"None if ({own} := {value}) is None else {shaped}"


def _plain(source: Source, type_name: str, own: str) -> tuple[str, str]:
    """Return how a value is told that needs no coercion, and what then stands in the answer; empty: there is none.

    An instant in UTC stands there as it is: whoever writes the JSON writes it as the scalar would, only faster.
    """
    if type_name in _DIRECT:
        return f".__class__ is {_DIRECT[type_name]}", own
    if type_name == "Int":
        return f".__class__ is int and {-_INT_MAX} <= {own} < {_INT_MAX}", own
    if type_name == "DateTime":
        return f".__class__ is {source.name(datetime)} and {own}.tzinfo is {source.name(UTC)}", own
    if type_name == "Decimal":
        return f".__class__ is {source.name(Decimal)}", f"str({own})"
    return "", ""


@cache
def coercion(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401  a leaf type
    """Return the function that makes what stands in the answer of a value that is not null; it raises for null."""
    coerce = kind.coerce_output_value

    def checked(value: Any) -> Any:  # noqa: ANN401
        found = None if value is None else coerce(value)
        if found is None or found is Undefined:
            message = f"no value of {kind}"
            raise TypeError(message)
        return found

    return _remembered(checked) if isinstance(kind, GraphQLEnumType) else checked


def _remembered(coerce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the coercion of an enum: it has few values."""
    known: dict[int, tuple[Any, Any]] = {}

    def look_up(value: Any) -> Any:  # noqa: ANN401
        found = known.get(id(value))  # hashing it would cost more
        if found is None:
            found = (value, coerce(value))
            if isinstance(value, Enum):
                known[id(value)] = found
        return found[1]

    return look_up
