"""What follows from a change of an order, in the same transaction."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from domain.base.work import Work
from domain.customers.actions.search import index_order_numbers
from domain.customers.actions.spending import Spending, set_spendings
from domain.customers.repository.customers import lock_customers
from domain.orders.events import CreditNoteChanged, OrderChanged
from domain.orders.repository.orders import list_orders_by_id
from domain.orders.repository.spending import sum_credit_notes_by_customer, sum_orders_by_customer


async def count_spending(work: Work, events: Sequence[OrderChanged | CreditNoteChanged]) -> None:
    """Count anew what the customers of these orders spent: a sum of what is there cannot drift.

    Locks the customers, so that of two orders at once the later one counts both.
    """
    ids = {event.customer_id for event in events} | {event.previous_customer_id for event in events}
    customer_ids = sorted(customer_id for customer_id in ids if customer_id is not None)
    if not customer_ids:
        return
    await work.session.flush()
    await lock_customers(work.session, customer_ids)
    sums: dict[tuple[UUID, str], Spending] = {}
    for row in await sum_orders_by_customer(work.session, customer_ids):
        sums[row.customer_id, row.currency_code] = Spending(
            customer_id=row.customer_id,
            currency_code=row.currency_code,
            order_count=row.order_count,
            ordered=row.ordered,
            credited=Decimal(0),
            first_order_at=row.first_order_at,
            last_order_at=row.last_order_at,
        )
    for row in await sum_credit_notes_by_customer(work.session, customer_ids):
        key = (row.customer_id, row.currency_code)
        sums[key] = sums.get(key, Spending.none(*key)).less(row.credited)
    await set_spendings(work, customer_ids=customer_ids, spendings=list(sums.values()))


async def index_numbers(work: Work, events: Sequence[OrderChanged]) -> None:
    """Let the orders' numbers find their customers."""
    order_ids = [event.order_id for event in events]
    await work.session.flush()
    orders = await list_orders_by_id(work.session, order_ids)
    numbers = [
        (order.id, order.customer_id, number)
        for order in orders.values()
        if order.customer_id is not None
        for number in {order.number, order.external_id}
    ]
    await index_order_numbers(work, order_ids=order_ids, numbers=numbers)
