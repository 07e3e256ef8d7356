"""What can have happened to an order."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderChanged(Event):
    """An order was placed, changed, cancelled, shipped or delivered.

    `previous_customer_id` is who it belonged to before, where that changed.
    """

    order_id: UUID
    customer_id: UUID | None
    previous_customer_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRecorded(Event):
    """A delivery was announced, shipped or handed over; recorded beside `OrderChanged`."""

    delivery_id: UUID
    order_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNoteChanged(Event):
    """A credit note was issued or corrected."""

    credit_note_id: UUID
    order_id: UUID | None
    customer_id: UUID | None
    previous_customer_id: UUID | None = None
