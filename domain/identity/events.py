"""What can have happened to the shop itself."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreChanged(Event):
    """A store was added, or what is known of it changed."""

    store_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRevoked(Event):
    """A key opens no door any more."""

    api_key_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyCreated(Event):
    """A program was given a key."""

    api_key_id: UUID
