"""What is kept ready, and how much of it."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Kept(Generic[_Value]):
    """What was used last, as much as fits; what was not used for longest goes first."""

    def __init__(self, weight_max: int) -> None:
        """Start empty."""
        self._weight_max = weight_max
        self._kept: OrderedDict[object, tuple[int, _Value]] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._kept)

    def get(self, key: object) -> _Value | None:
        """Return what is kept under a key, and keep it longer."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[1]

    def drop(self, key: object) -> None:
        """Keep a value no longer."""
        if key in self._kept:
            weight, _ = self._kept.pop(key)
            self.weight -= weight

    def put(self, key: object, value: _Value, *, weight: int) -> None:
        """Keep a value; one that is too heavy for the whole is not kept."""
        if key in self._kept or weight > self._weight_max:
            return
        self._kept[key] = (weight, value)
        self.weight += weight
        while self.weight > self._weight_max:
            _, (removed, _) = self._kept.popitem(last=False)
            self.weight -= removed
