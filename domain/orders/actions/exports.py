"""What is told of a person's orders."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.database import Session
from domain.base.exports import Told, told
from domain.orders.repository.credit_notes import list_lines_by_credit_note
from domain.orders.repository.deliveries import list_deliveries_by_order, list_delivery_lines_by_delivery
from domain.orders.repository.exports import list_credit_notes_of, list_orders_of
from domain.orders.repository.orders import list_lines_by_order


async def tell_orders(session: Session, ids: Sequence[UUID]) -> dict[str, list[Told]]:
    """Tell what they bought, what was sent to them, and what they were given back."""
    orders = await list_orders_of(session, ids)
    order_ids = [order.id for order in orders]
    lines = await list_lines_by_order(session, order_ids)
    deliveries = await list_deliveries_by_order(session, order_ids)
    pieces = await list_delivery_lines_by_delivery(session, [each.id for sent in deliveries.values() for each in sent])
    notes = await list_credit_notes_of(session, ids)
    note_lines = await list_lines_by_credit_note(session, [note.id for note in notes])
    return {
        "orders": [
            told(order)
            | {
                "lines": [told(line) for line in lines[order.id]],
                "deliveries": [
                    told(sent) | {"lines": [told(piece) for piece in pieces[sent.id]]} for sent in deliveries[order.id]
                ],
            }
            for order in orders
        ],
        "creditNotes": [told(note) | {"lines": [told(line) for line in note_lines[note.id]]} for note in notes],
    }
