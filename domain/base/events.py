"""What an event is: something that has happened, told by the ids that it is about."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A committed fact. Its fields are ids only: a reader reads what it may see."""

    registry: ClassVar[dict[str, type["Event"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register each kind of event under its name, which is also its name in the log."""
        Event.registry[cls.__name__] = cls

    @property
    def subjects(self) -> dict[str, str]:
        """Return the ids that the event is about, as the log keeps them."""
        values = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return {name: value.hex for name, value in values if isinstance(value, UUID)}
