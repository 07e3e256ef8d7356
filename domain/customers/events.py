"""What can have happened to a customer."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerCreated(Event):
    """A customer became known."""

    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerUpdated(Event):
    """What is known of a customer changed."""

    customer_id: UUID
