"""What follows from a change of an order, in the same transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.base.work import Work
from domain.customers.actions.search import index_order_numbers
from domain.customers.actions.spending import Spending, set_spendings
from domain.customers.actions.timeline import Happening, place_in_timeline
from domain.customers.repository.families import hold_families
from domain.orders.events import CreditNoteChanged, OrderChanged
from domain.orders.repository.credit_notes import list_credit_notes_by_id, list_credit_notes_by_order
from domain.orders.repository.orders import list_orders_by_id
from domain.orders.repository.spending import list_sums


async def count_spending(work: Work, events: Sequence[OrderChanged | CreditNoteChanged]) -> None:
    """Count anew what the customers of these orders spent: a sum of what is there cannot drift.

    Locks the customers' families, so that of two orders at once the later one counts both.
    """
    ids = {event.customer_id for event in events} | {event.previous_customer_id for event in events}
    customer_ids = sorted(customer_id for customer_id in ids if customer_id is not None)
    if not customer_ids:
        return
    await hold_families(work.session, customer_ids)
    known: list[Any] = []
    sums: dict[tuple[UUID, str], Spending] = {}
    for row in await list_sums(work.session, customer_ids):
        if row.canonical_id is not None:
            known.append(row)
            continue
        key = (row.customer_id, row.currency_code)
        sums[key] = sums.get(key, Spending.none(*key)).plus(row)
    await set_spendings(work, customer_ids=customer_ids, spendings=list(sums.values()), known=known)


async def index_numbers(work: Work, events: Sequence[OrderChanged]) -> None:
    """Let the orders' numbers find their customers."""
    order_ids = [event.order_id for event in events]
    orders = await work.recall(order_ids, list_orders_by_id)
    numbers = [
        (order.id, order.customer_id, number)
        for order in orders.values()
        if order.customer_id is not None
        for number in {order.number, order.external_id}
    ]
    await index_order_numbers(work, order_ids=order_ids, numbers=numbers)


async def note_orders(work: Work, events: Sequence[OrderChanged]) -> None:
    """Let the orders stand in their customers' timelines, and their credit notes with them."""
    orders = await work.recall([event.order_id for event in events], list_orders_by_id)
    await place_in_timeline(
        work,
        kind="ORDER",
        happenings=[
            Happening(id=order.id, customer_id=order.customer_id, occurred_at=order.placed_at, store_id=order.store_id)
            for order in orders.values()
        ],
    )
    notes = await list_credit_notes_by_order(work.session, [key for key in orders if not work.made(key)])
    await _place_notes(work, [note for of_order in notes.values() for note in of_order])


async def note_credit_notes(work: Work, events: Sequence[CreditNoteChanged]) -> None:
    """Let the credit notes stand in their customers' timelines."""
    notes = await work.recall([event.credit_note_id for event in events], list_credit_notes_by_id)
    await _place_notes(work, list(notes.values()))


async def _place_notes(work: Work, notes: Sequence[Any]) -> None:
    order_ids = [note.order_id for note in notes if note.order_id is not None]
    orders = await work.recall(order_ids, list_orders_by_id)
    happened = [
        Happening(
            id=note.id,
            customer_id=note.customer_id,
            occurred_at=note.issued_at,
            store_id=None if note.order_id is None else orders[note.order_id].store_id,
        )
        for note in notes
    ]
    await place_in_timeline(work, kind="CREDIT_NOTE", happenings=happened)
