"""Types that show a row as it is: what is not asked for is neither computed nor read.

    @view(description="One purchase, as the shop knows it now.")
    class Order(TimelineItem):
        row: strawberry.Private[Any]
        number: str = column("The number that people know it by.")
        total: Money = derived("…", of=lambda order: Money.of(…), reads=("total", "currency_code"))

An object holds its row, and each field says which columns of it are needed. So a list is read with the columns that a
document names (`schema/base/execution/columns.py`), and an object costs nothing but a reference to its row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, TypeVar, dataclass_transform

import strawberry
from strawberry.types.field import StrawberryField

READ = "sportello.read"
"""The key of a field's metadata under which an engine finds where its value comes from."""

_Class = TypeVar("_Class", bound=type)


@dataclass(frozen=True, slots=True)
class Read:
    """Where the value of a field comes from."""

    of: Callable[[Any], Any] | None
    """Computes it; None: it is the row's column of the same name."""
    columns: frozenset[str] | None
    """What is needed of the row; None: the column of the same name."""

    def needs(self, name: str) -> frozenset[str]:
        """Return the columns behind a field of this name."""
        return frozenset({name}) if self.columns is None else self.columns


def column(description: str = "", *, init: Literal[False] = False) -> Any:  # noqa: ANN401, ARG001  a field of whatever type it annotates
    """Declare a field that is a column of the row. Without a description it has that of the interface."""
    return _field(description, Read(None, None))


def derived(
    description: str = "",
    *,
    of: Callable[[Any], Any],
    reads: tuple[str, ...] = (),
    init: Literal[False] = False,  # noqa: ARG001  how type checkers know that it is no argument
) -> Any:  # noqa: ANN401
    """Declare a field that is computed, from these columns of the row if it has one."""
    return _field(description, Read(of, frozenset(reads)))


def _field(description: str, read: Read) -> StrawberryField:
    field = strawberry.field(description=description or None, metadata={READ: read})
    assert isinstance(field, StrawberryField)  # noqa: S101  it has no resolver
    field.init = False
    return field


@dataclass_transform(kw_only_default=True, field_specifiers=(column, derived))
def view(*, description: str) -> Callable[[_Class], _Class]:
    """Declare a type of the API whose fields are read off a row."""

    def declare(cls: _Class) -> _Class:
        made = strawberry.type(cls, description=description)
        for field in made.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            read: Read | None = field.metadata.get(READ)
            if read is not None:
                setattr(made, field.python_name, property(read.of or attrgetter(f"row.{field.python_name}")))
                field.description = field.description or _inherited(made, field.python_name)
        return made

    return declare


def _inherited(made: type, name: str) -> str | None:
    """Return how an interface describes the field."""
    for base in made.__mro__[1:]:
        definition = getattr(base, "__strawberry_definition__", None)
        for field in () if definition is None else definition.fields:
            if field.python_name == name and field.description:
                return str(field.description)
    return None
