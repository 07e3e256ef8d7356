"""Conversations and what stands in them, as the API shows them to whoever asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.pages import check_page
from domain.customers.rules.consents import ChannelKind
from domain.interactions.repository.channels import list_channels_by_id
from domain.interactions.repository.interactions import (
    count_interactions,
    count_unread,
    list_conversations_by_id,
    list_interactions_by_conversation,
    list_seen_interactions_by_id,
    list_tags_by_conversation,
)
from domain.interactions.rules.conversations import (
    AuthorKind,
    ConversationStatus,
    DeliveryState,
    Priority,
    WaitingOn,
    shown_status,
)
from schema.base.authors import Author
from schema.base.batched import batched
from schema.base.connections import Connection, Total, connect
from schema.base.context import Info
from schema.base.descriptions import After, Before, First, Last, described_enum, given, shown
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.views import column, derived, view
from schema.customers.types.customers import Customer, load_as_themselves, load_customers
from schema.customers.types.timeline import TimelineItem, shown_in_timeline
from schema.identity.types.staff import StaffMember, load_staff
from schema.identity.types.stores import Store, load_stores
from schema.interactions.policies import CONVERSATIONS, TEAM
from schema.orders.types.documents import Order, load_orders

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


@strawberry.type(description="A program that writes for the shop.")
class Bot(Author):
    """See the description."""

    key: strawberry.Private[UUID | None]


@strawberry.interface(description="Something that happened in a conversation.")
class Interaction(Node):
    """See the description."""

    row: strawberry.Private[Any]
    seq: int = shown("Its number in the conversation: 1, 2, 3 … without a hole, in the counting of whoever asks.")
    occurred_at: datetime = shown("When it happened.")

    @batched(description="Who did it; null where nobody in particular did, or they were erased.", reads=("author_kind", "author_id"))
    async def author(interactions: list["Interaction"], info: Info) -> list[Author | None]:  # noqa: N805
        """Read the authors of a level."""
        return await load_authors(info, [(each.row.author_kind, each.row.author_id) for each in interactions])

    @batched(description="In which it stands.", reads=("conversation_id",))
    async def conversation(interactions: list["Interaction"], info: Info) -> list["Conversation"]:  # noqa: N805
        """Read the conversations of a level."""
        wanted = list(dict.fromkeys(each.row.conversation_id for each in interactions))
        found = dict(zip(wanted, await load_conversations(info, wanted), strict=True))
        return [found[each.row.conversation_id] for each in interactions]  # type: ignore[misc]  # who sees one sees both


@view(description="What somebody said.")
class Message(Interaction, TimelineItem):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Message", own.row.id))
    seq: int = derived(of=lambda own: _seq(own), reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    summary: str = derived(of=lambda own: _summary(own.row.text), reads=("text",))
    text: str = derived("What was said; empty where its author was erased.", of=lambda own: own.row.text or "", reads=("text",))
    delivery: DeliveryState = derived(
        "How far it has come.", of=lambda own: DeliveryState(own.row.delivery), reads=("delivery",)
    )
    edited_at: datetime | None = column("When it was last edited; null where it never was.")
    client_message_id: str | None = column("The id that its author's client gave it.")


@view(description="What staff noted. No shopper ever sees it, in whatever list, count, cursor or event.")
class Note(Interaction):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Note", own.row.id))
    seq: int = derived(of=lambda own: _seq(own), reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    text: str = derived("What was noted.", of=lambda own: own.row.text or "", reads=("text",))


@view(description="The conversation came to another status.")
class StatusChange(Interaction):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("StatusChange", own.row.id))
    seq: int = derived(of=lambda own: _seq(own), reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    previous_status: ConversationStatus | None = derived(
        "What it was before.",
        of=lambda own: _status(own.row.previous_status, is_shopper=own.is_shopper),
        reads=("previous_status",),
    )
    status: ConversationStatus = derived(
        "What it is from then on.",
        of=lambda own: _status(own.row.status, is_shopper=own.is_shopper),
        reads=("status",),
    )


@view(description="One matter between a customer and the shop, on one channel.")
class Conversation(Node):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Conversation", own.row.id))
    number: str = derived("The number that people know it by.", of=lambda own: str(own.row.number), reads=("number",))
    subject: str | None = column("What it is about, in a few words.")
    status: ConversationStatus = derived(
        "How far it has come.", of=lambda own: _status(own.row.status, is_shopper=own.is_shopper), reads=("status",)
    )
    waiting_on: WaitingOn = derived("Whose turn it is.", of=lambda own: WaitingOn(own.row.waiting_on), reads=("waiting_on",))
    priority: Priority | None = derived(
        "How urgent it is; null for a shopper.", of=lambda own: Priority(own.row.priority), reads=("priority",)
    )
    last_seq: int = derived(
        "The number of the newest interaction, in the counting of whoever asks.",
        of=lambda own: own.row.shopper_seq if own.is_shopper else own.row.last_seq,
        reads=("last_seq", "shopper_seq"),
    )
    snoozed_until: datetime | None = column("When it wakes; null where it does not sleep, and for a shopper.")
    version: int = column("Rises with each change: send it back as `expectedVersion`.")
    created_at: datetime = column("When it began.")
    updated_at: datetime = column("When something last happened in it.")

    @property
    def key(self) -> UUID:
        """Return the key behind the id."""
        key: UUID = self.row.id
        return key


def _seq(own: Any) -> int:  # noqa: ANN401
    return int(own.row.shopper_seq if own.is_shopper else own.row.seq)


def _status(name: str | None, *, is_shopper: bool) -> ConversationStatus | None:
    return None if name is None else shown_status(ConversationStatus(name), is_shopper=is_shopper)


_SUMMARY_LENGTH = 100


def _summary(text: str | None) -> str:
    line = (text or "").replace("\n", " ")
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[: _SUMMARY_LENGTH - 1]}…"
