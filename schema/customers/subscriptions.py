"""Following a customer, live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Union
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.errors import Invalid
from domain.customers.actions.streams import follow_customer
from domain.customers.errors import CustomerNotFound
from schema.base.context import Info
from schema.base.descriptions import given
from schema.base.events import AfterCursor, ResyncRequired, begin_after, until_resync
from schema.base.extends import extends
from schema.base.ids import key_of
from schema.customers.types.customers import load_customers
from schema.customers.types.stream import list_event_kinds, list_item_types, show_item

_CustomerId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The customer's global id; an absorbed one's id follows who absorbed them."),
]


@strawberry.type
class CustomerSubscriptions:
    """Root fields that follow customers; their items are those that the areas have declared."""


def declare_customer_stream() -> None:
    """Add `customerEvents`, whose items are those that the areas have declared."""
    items = strawberry.union(
        "CustomerStreamItem",
        description="What a stream of one customer sends: events, or the news that some were missed.",
    )

    async def customer_events(
        self: CustomerSubscriptions,  # noqa: ARG001  how Strawberry calls resolvers
        info: Info,
        customer_id: _CustomerId = UNSET,
        after: AfterCursor = UNSET,
    ) -> Any:  # noqa: ANN401  a union that is made at run time
        begin_after(info, after)
        return until_resync(info, _seen(info, await _followed_key(info, given(customer_id))))

    item: Any = Union[(*list_item_types(), ResyncRequired)]
    customer_events.__annotations__["return"] = AsyncGenerator[Annotated[item, items], None]
    extends(CustomerSubscriptions)(
        strawberry.subscription(
            resolver=customer_events,
            description=(
                "All that happens to one customer, over all areas: the timeline, live. A shopper leaves `customerId` "
                "out and follows themselves; everyone else needs `customers:read`. An item is sent only to who could "
                "read it by query at that moment."
            ),
        )
    )


async def _followed_key(info: Info, customer_id: str | None) -> UUID:
    """Return whom this actor follows.

    Raises `Invalid`, `CustomerNotFound`: a stranger is answered like one who is not there.
    """
    own = info.context.actor.customer_id
    if customer_id is None and own is not None:
        return own
    if customer_id is None:
        message = "Say whom to follow: customerId is left out by shoppers only, who follow themselves."
        raise Invalid(message)
    key = key_of(customer_id, "Customer")
    if key is None or (await load_customers(info, [key]))[0] is None:
        raise CustomerNotFound
    await info.context.close_reading()
    return key


async def _seen(info: Info, key: UUID) -> AsyncGenerator[Any, None]:
    """Yield what the listener may see, read anew for each event."""
    context = info.context
    followed = follow_customer(context.works, following=context.following, customer_id=key, kinds=list_event_kinds())
    async with aclosing(followed) as happenings:
        async for told in happenings:
            item = await show_item(info, told.committed)
            if item is not None:
                yield item
            await context.close_reading()  # nothing is held while the next event is waited for
