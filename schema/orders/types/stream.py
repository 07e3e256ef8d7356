"""What happens to orders, in the streams of their customers."""

from collections.abc import Sequence

import strawberry

from domain.base.feed import Committed
from domain.orders import events
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.events import StreamEvent
from schema.customers.types.stream import ids_of, place_of, shown_in_stream
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
async def show_orders(info: Info, told: Sequence[Committed]) -> list[OrderChanged | None]:
    """Show orders, to who sees them now: one that turned out to be another customer's is not told to a shopper.

    A credit note may be on no order.
    """
    keys = ids_of(told, "order_id")
    wanted = [key for key in keys if key is not None]
    orders = dict(zip(wanted, await load_orders(info, wanted), strict=True)) if wanted else {}
    return [
        None if (order := orders.get(key)) is None else OrderChanged(**place_of(committed), order=order)
        for committed, key in zip(told, keys, strict=True)
    ]
