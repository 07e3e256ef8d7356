"""Descriptions as data: the one text that a developer reads of a field, an argument, a value."""

from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar

import strawberry
from strawberry import UNSET

from domain.base.changes import UNCHANGED, Change

_Enum = TypeVar("_Enum", bound=StrEnum)
_Value = TypeVar("_Value")

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many items from the start, 1 to 100. Either this or `last`."),
]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Only what comes after this cursor of the same list.")
]
Last: TypeAlias = Annotated[
    int | None, strawberry.argument(description="How many items from the end, 1 to 100. Either this or `first`.")
]
Before: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Only what comes before this cursor of the same list.")
]

Input: TypeAlias = Annotated[_Value, strawberry.argument(description="What is to be written.")]
Filter: TypeAlias = Annotated[
    _Value | None, strawberry.argument(description="Only those to whom this applies; left out, all.")
]
OrderBy: TypeAlias = Annotated[_Value | None, strawberry.argument(description="In which order.")]
GlobalId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="The object's global id.")]
GlobalIds: TypeAlias = Annotated[
    list[strawberry.ID], strawberry.argument(description="The objects' global ids, at most 100.")
]
ExternalId: TypeAlias = Annotated[str, strawberry.argument(description="The shop's own id of the object.")]


def shown(description: str) -> Any:  # noqa: ANN401  a dataclass field of whatever type it annotates
    """Declare a field of an answer, or an input field that must be given."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:  # noqa: ANN401
    """Declare an input field that may be left out."""
    return strawberry.field(description=description, default=UNSET)


def described_enum(enum: type[_Enum], *, name: str, description: str, values: dict[_Enum, str]) -> type[_Enum]:
    """Declare an enum of the API, each value with its description; a value without one is an error."""
    if missing := set(enum) - set(values):
        message = f"values of {name} without a description: {sorted(missing)}"
        raise TypeError(message)
    if hasattr(enum, "__strawberry_definition__"):
        message = f"{name} was used before it was described: import it from the file that describes it"
        raise TypeError(message)
    declared = strawberry.enum(enum, name=name, description=description)
    for value in declared.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[enum[value.name]]
    return declared


def given(value: _Value | None) -> _Value | None:
    """Return an input field's value, None where it was left out."""
    return None if value is UNSET else value


def change(value: _Value) -> Change[_Value]:
    """Return an input field as a change: left out means unchanged, null means emptied."""
    return UNCHANGED if value is UNSET else value
