"""The stream of everything that happens to one customer.

An area lets its events appear in it by declaring, above the function that makes an item of one,

    @shown_in_stream(events.OrderChanged, shows=OrderChanged, policy=ORDERS)
    async def show_orders(info: Info, told: Sequence[Committed]) -> list[OrderChanged | None]: ...

The items are read when they are sent, by whoever listens: the function returns None for what they may not see.
Once every area has said what it has, `schema/customers/subscriptions.py` declares the stream.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import strawberry

from domain.base.events import Event
from domain.base.feed import Committed
from domain.customers import events
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.event_log import Show, told_to_all
from schema.base.events import StreamEvent
from schema.base.policies import Policy
from schema.base.scalars import Cursor
from schema.customers.policies import CUSTOMERS, TEAM
from schema.customers.types.consents import Consent, load_consents
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.merges import CustomerMerge, load_merges


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How events of one kind are shown."""

    show: Show
    shows: type
    policy: Policy


_KINDS: dict[type[Event], _Kind] = {}


def shown_in_stream(event: type[Event], *, shows: type, policy: Policy) -> Callable[[Show], Show]:
    """Declare how events of a kind are shown, and to whom. Others are not told of them."""

    def declare(show: Show) -> Show:
        _KINDS[event] = _Kind(show=show, shows=shows, policy=policy)
        return told_to_all(event, shows=shows, policy=policy)(show)

    return declare


def list_event_kinds() -> frozenset[type[Event]]:
    """Return every kind of event that the stream shows."""
    return frozenset(_KINDS)


def list_item_types() -> list[type]:
    """Return every type of what the stream sends."""
    return list(dict.fromkeys(kind.shows for kind in _KINDS.values()))


async def show_item(info: Info, committed: Committed) -> Any:  # noqa: ANN401  a type of any area
    """Return what happened as this listener may see it now, None where they may not."""
    kind = _KINDS[type(committed.event)]
    return (await kind.show(info, [committed]))[0] if kind.policy.allows(info.context.actor) else None


def place_of(committed: Committed) -> dict[str, Any]:
    """Return what every item shows."""
    return {"cursor": Cursor(committed.cursor), "occurred_at": committed.occurred_at}


def ids_of(told: Sequence[Committed], name: str) -> list[UUID]:
    """Return an id that each of the events names."""
    return [getattr(committed.event, name) for committed in told]


@strawberry.type(description="A customer became known.")
class CustomerCreated(StreamEvent):
    """See the description."""

    customer: Customer = shown("The customer, as they are now.")


@strawberry.type(description="What is known of a customer changed, or a merge of theirs was undone.")
class CustomerUpdated(StreamEvent):
    """See the description."""

    customer: Customer = shown("The customer, as they are now.")


@strawberry.type(description="Two customers turned out to be one. What a client keeps of the absorbed one is void.")
class CustomerMerged(StreamEvent):
    """See the description."""

    customer: Customer = shown("The one customer, as they are now.")
    merge: CustomerMerge = shown("The merge.")


@strawberry.type(description="A customer decided what they may be contacted for.")
class ConsentChanged(StreamEvent):
    """See the description."""

    customer: Customer = shown("The customer, as they are now.")
    consent: Consent = shown("The decision.")


async def _customers(info: Info, told: Sequence[Committed]) -> list[Customer | None]:
    """Read the customers whom the events are about; an event of any kind here names them."""
    return await load_customers(info, ids_of(told, "customer_id"))


@shown_in_stream(events.CustomerCreated, shows=CustomerCreated, policy=CUSTOMERS)
async def show_created(info: Info, told: Sequence[Committed]) -> list[CustomerCreated | None]:
    """Show that customers became known."""
    return [
        None if customer is None else CustomerCreated(**place_of(committed), customer=customer)
        for committed, customer in zip(told, await _customers(info, told), strict=True)
    ]


@shown_in_stream(events.CustomerUnmerged, shows=CustomerUpdated, policy=CUSTOMERS)
@shown_in_stream(events.CustomerUpdated, shows=CustomerUpdated, policy=CUSTOMERS)
async def show_updated(info: Info, told: Sequence[Committed]) -> list[CustomerUpdated | None]:
    """Show that something about customers changed."""
    return [
        None if customer is None else CustomerUpdated(**place_of(committed), customer=customer)
        for committed, customer in zip(told, await _customers(info, told), strict=True)
    ]


@shown_in_stream(events.CustomerMerged, shows=CustomerMerged, policy=CUSTOMERS)
async def show_merged(
    info: Info, told: Sequence[Committed]
) -> Sequence[CustomerMerged | None] | Sequence[CustomerUpdated | None]:
    """Show that two customers are one; to who may not see merges only that something changed."""
    if not TEAM.allows(info.context.actor):
        return await show_updated(info, told)
    customers = await _customers(info, told)
    merges = await load_merges(info, ids_of(told, "merge_id"))
    return [
        None
        if customer is None or merge is None
        else CustomerMerged(**place_of(committed), customer=customer, merge=merge)
        for committed, customer, merge in zip(told, customers, merges, strict=True)
    ]


@shown_in_stream(events.ConsentChanged, shows=ConsentChanged, policy=CUSTOMERS)
async def show_consents(info: Info, told: Sequence[Committed]) -> list[ConsentChanged | None]:
    """Show decisions."""
    customers = await _customers(info, told)
    consents = await load_consents(info, ids_of(told, "consent_id"))
    return [
        None
        if customer is None or consent is None
        else ConsentChanged(**place_of(committed), customer=customer, consent=consent)
        for committed, customer, consent in zip(told, customers, consents, strict=True)
    ]
