"""The doors through which customers come in, and the words that conversations are told in."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from domain.customers.rules.consents import ChannelKind
from domain.interactions.repository.channels import list_channels_by_id
from domain.interactions.rules.conversations import (
    ConversationStatus as ConversationStatus,  # inputs take these from here
)
from domain.interactions.rules.conversations import DeliveryState as DeliveryState
from domain.interactions.rules.conversations import Priority as Priority
from domain.interactions.rules.conversations import WaitingOn as WaitingOn
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.views import column, derived, view
from schema.customers.types.identities import IdentityKind
from schema.identity.types.stores import Store, load_stores
from schema.interactions.policies import CONVERSATIONS

described_enum(
    ConversationStatus,
    name="ConversationStatus",
    description="How far a conversation has come. A shopper is shown SNOOZED as PENDING, and SPAM as CLOSED.",
    values={
        ConversationStatus.NEW: "Nobody of the shop has answered yet.",
        ConversationStatus.OPEN: "Somebody is at it.",
        ConversationStatus.PENDING: "It waits for an answer of the customer.",
        ConversationStatus.SNOOZED: "It sleeps until an instant, or a message of the customer.",
        ConversationStatus.RESOLVED: "It is done; a message of the customer within seven days opens it again.",
        ConversationStatus.CLOSED: "It is done for good: what comes later begins another one.",
        ConversationStatus.SPAM: "It bothers nobody.",
    },
)
described_enum(
    WaitingOn,
    name="WaitingOn",
    description="Whose turn it is.",
    values={
        WaitingOn.CUSTOMER: "The customer's.",
        WaitingOn.US: "The shop's.",
        WaitingOn.THIRD_PARTY: "Somebody else's, such as a carrier's.",
        WaitingOn.NOBODY: "Nobody's: it is done.",
    },
)
described_enum(
    Priority,
    name="Priority",
    description="How urgent it is.",
    values={
        Priority.LOW: "When there is time.",
        Priority.NORMAL: "In its turn.",
        Priority.HIGH: "Before the others.",
        Priority.URGENT: "Now.",
    },
)
described_enum(
    DeliveryState,
    name="DeliveryState",
    description="How far a message has come; it never goes back, but for one that failed and is tried again.",
    values={
        DeliveryState.RECEIVED: "It came in.",
        DeliveryState.ACCEPTED: "It is to go out.",
        DeliveryState.SENT: "It went out.",
        DeliveryState.DELIVERED: "It has arrived.",
        DeliveryState.READ: "The customer has read it.",
        DeliveryState.FAILED: "It could not be sent.",
    },
)


@view(description="A door through which customers come in.")
class Channel(Node):
    """See the description."""

    row: strawberry.Private[Any]
    id: strawberry.ID = derived(of=lambda own: global_id("Channel", own.row.id))
    kind: ChannelKind = derived("What sort of door.", of=lambda own: ChannelKind(own.row.kind), reads=("kind",))
    name: str = column("What it is called; no other one is called so.")
    is_active: bool = column("Whether anything new comes in through it.")

    @batched(description="The store that it is of; null: of every store.", reads=("store_id",))
    async def store(channels: list["Channel"], info: Info) -> list[Store | None]:  # noqa: N805
        """Read the stores of a level."""
        wanted = list(dict.fromkeys(each.row.store_id for each in channels if each.row.store_id is not None))
        found = dict(zip(wanted, await load_stores(info, wanted), strict=True))
        return [found.get(each.row.store_id) for each in channels]


@loads("Channel", policy=CONVERSATIONS)
async def load_channels(info: Info, ids: Sequence[UUID]) -> list[Channel | None]:
    """Read channels by their ids."""
    async with info.context.reading() as session:
        rows = await list_channels_by_id(session, ids)
    return [Channel(row=rows[key]) if key in rows else None for key in ids]


@strawberry.type(description="A sign under which somebody writes on a channel: who they say they are.")
class Contact:
    """See the description."""

    person_key: strawberry.Private[UUID]
    kind: IdentityKind = shown("What sort of sign.")
    namespace: str | None = shown("Of a social handle the network, of an account the system.")
    value: str = shown("The sign. A partner agent sees a part of it.")
    name: str | None = shown("What they call themselves there. A partner agent sees its first letter.")


def contact_of(own: Any) -> Contact | None:  # noqa: ANN401  a conversation
    """Return the sign under which somebody writes in a conversation; None in the shop's own chat."""
    row = own.row
    if row.contact_value is None:
        return None
    return Contact(
        person_key=row.customer_id or row.id,  # nobody in particular yet: each such conversation is about somebody
        kind=IdentityKind(row.contact_kind),
        namespace=row.contact_namespace or None,
        value=row.contact_value,
        name=row.contact_name,
    )
