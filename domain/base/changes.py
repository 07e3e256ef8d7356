"""Changes of an object: what is left out stays, None empties."""

from enum import Enum
from typing import TypeAlias, TypeVar


class Unchanged(Enum):
    """The mark of a value that was left out."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED

_Value = TypeVar("_Value")
Change: TypeAlias = _Value | Unchanged


def changed(change: _Value | Unchanged, current: _Value) -> _Value:
    """Return the new value where there is one, else the current one."""
    return current if isinstance(change, Unchanged) else change
