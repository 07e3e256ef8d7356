"""What happens to orders, in the streams of their customers."""

from typing import Any

import strawberry

from domain.customers.actions.streams import Told
from domain.orders import events
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.events import StreamEvent
from schema.customers.types.stream import place_of, shown_in_stream
from schema.orders.policies import ORDERS
from schema.orders.types.documents import Order, load_orders


@strawberry.type(
    description="An order was placed, changed, cancelled, shipped or delivered, or something was given back on it."
)
class OrderChanged(StreamEvent):
    """See the description."""

    order: Order = shown("The order, as it is now.")


@shown_in_stream(events.CreditNoteChanged, shows=OrderChanged, policy=ORDERS)
@shown_in_stream(events.OrderChanged, shows=OrderChanged, policy=ORDERS)
async def show_order(info: Info, told: Told) -> OrderChanged | None:
    """Show an order, to who sees it now: an order that turned out to be another customer's is not told to a shopper."""
    event: Any = told.committed.event
    if event.order_id is None:
        return None
    (order,) = await load_orders(info, [event.order_id])
    return None if order is None else OrderChanged(**place_of(told.committed), order=order)
