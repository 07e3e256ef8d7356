"""The stream of everything that happens to one customer.

An area lets its events appear in it by declaring, above the function that makes an item of one,

    @shown_in_stream(events.OrderChanged, shows=OrderChanged, policy=ORDERS)
    async def show_order(info: Info, told: Told) -> OrderChanged | None: ...

The item is read when it is sent, by whoever listens: the function returns None for what they may not see.
Once every area has said what it has, `schema/customers/subscriptions.py` declares the stream.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import strawberry

from domain.base.events import Event
from domain.base.feed import Committed
from domain.customers import events
from domain.customers.actions.streams import Told
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.event_log import told_to_all
from schema.base.events import StreamEvent
from schema.base.policies import Policy
from schema.base.scalars import Cursor
from schema.customers.policies import CUSTOMERS, TEAM
from schema.customers.types.consents import Consent, load_consents
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.merges import CustomerMerge, load_merges

_Show = Callable[[Info, Told], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How events of one kind are shown."""

    show: _Show
    shows: type
    policy: Policy


_KINDS: dict[type[Event], _Kind] = {}


def shown_in_stream(event: type[Event], *, shows: type, policy: Policy) -> Callable[[_Show], _Show]:
    """Declare how events of a kind are shown, and to whom. Others are not told of them."""

    def declare(show: _Show) -> _Show:
        _KINDS[event] = _Kind(show=show, shows=shows, policy=policy)

        async def show_to_all(info: Info, committed: Committed) -> Any:  # noqa: ANN401
            return await show(info, Told(committed=committed, family=frozenset()))

        told_to_all(event, shows=shows, policy=policy)(show_to_all)
        return show

    return declare


def list_event_kinds() -> frozenset[type[Event]]:
    """Return every kind of event that the stream shows."""
    return frozenset(_KINDS)


def list_item_types() -> list[type]:
    """Return every type of what the stream sends."""
    return list(dict.fromkeys(kind.shows for kind in _KINDS.values()))


async def show_item(info: Info, told: Told) -> Any:  # noqa: ANN401  a type of any area
    """Return what happened as this listener may see it now, None where they may not."""
    kind = _KINDS[type(told.committed.event)]
    return await kind.show(info, told) if kind.policy.allows(info.context.actor) else None


def place_of(committed: Committed) -> dict[str, Any]:
    """Return what every item shows."""
    return {"cursor": Cursor(committed.cursor), "occurred_at": committed.occurred_at}


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


async def _customer(info: Info, told: Told) -> Customer | None:
    """Read the customer whom the event is about; an event of any kind here names them."""
    event: Any = told.committed.event
    return (await load_customers(info, [event.customer_id]))[0]


@shown_in_stream(events.CustomerCreated, shows=CustomerCreated, policy=CUSTOMERS)
async def show_created(info: Info, told: Told) -> CustomerCreated | None:
    """Show that a customer became known."""
    customer = await _customer(info, told)
    return None if customer is None else CustomerCreated(**place_of(told.committed), customer=customer)


async def _updated(info: Info, told: Told) -> CustomerUpdated | None:
    customer = await _customer(info, told)
    return None if customer is None else CustomerUpdated(**place_of(told.committed), customer=customer)


@shown_in_stream(events.CustomerUnmerged, shows=CustomerUpdated, policy=CUSTOMERS)
@shown_in_stream(events.CustomerUpdated, shows=CustomerUpdated, policy=CUSTOMERS)
async def show_updated(info: Info, told: Told) -> CustomerUpdated | None:
    """Show that something about a customer changed."""
    return await _updated(info, told)


@shown_in_stream(events.CustomerMerged, shows=CustomerMerged, policy=CUSTOMERS)
async def show_merged(info: Info, told: Told) -> CustomerMerged | CustomerUpdated | None:
    """Show that two customers are one; to who may not see merges only that something changed."""
    if not TEAM.allows(info.context.actor):
        return await _updated(info, told)
    event: Any = told.committed.event
    customer = await _customer(info, told)
    (merge,) = await load_merges(info, [event.merge_id])
    if customer is None or merge is None:
        return None
    return CustomerMerged(**place_of(told.committed), customer=customer, merge=merge)


@shown_in_stream(events.ConsentChanged, shows=ConsentChanged, policy=CUSTOMERS)
async def show_consent(info: Info, told: Told) -> ConsentChanged | None:
    """Show a decision."""
    event: Any = told.committed.event
    customer = await _customer(info, told)
    (consent,) = await load_consents(info, [event.consent_id])
    if customer is None or consent is None:
        return None
    return ConsentChanged(**place_of(told.committed), customer=customer, consent=consent)
