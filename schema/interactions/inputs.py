"""What is said, and what becomes of conversations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from domain.base.changes import UNCHANGED, Change
from domain.base.errors import Invalid
from domain.interactions.actions.channels import ChannelDetails
from domain.interactions.actions.conversations import ConversationChanges, ConversationStart
from domain.interactions.repository.lists import ConversationFilter as Wanted
from domain.interactions.rules.conversations import MessageDetails
from schema.base.descriptions import change, given, optional, shown
from schema.base.ids import key_of, required_key
from schema.base.types import Direction
from schema.customers.types.consents import ChannelKind
from schema.interactions.types.channels import ConversationStatus, Priority, WaitingOn
from schema.interactions.types.lists import SortField
from schema.interactions.types.presence import PresenceState

_OWN_ID = "An id that the client gives this: sent again with it, it is written once. TOO_LONG, IDEMPOTENCY_MISMATCH."
FILTER_VALUES_MAX = 250


@strawberry.input(description="A door through which customers come in, known by its name.")
class ChannelUpsertInput:
    """See the description."""

    name: str = shown("What it is called. REQUIRED, TOO_LONG.")
    kind: ChannelKind = shown("What sort of door; it keeps it. INVALID_STATE.")
    store_code: str | None = optional("The store that it is of; left out, of every store. NOT_FOUND, INVALID_STATE.")
    is_active: bool = strawberry.field(description="Whether anything new comes in through it.", default=True)

    def details(self) -> ChannelDetails:
        """Return the input as the domain takes it."""
        return ChannelDetails(
            name=self.name, kind=self.kind, store_code=given(self.store_code), is_active=self.is_active
        )


@strawberry.input(description="A new conversation with its first message.")
class ConversationStartInput:
    """See the description."""

    channel_id: strawberry.ID = shown("Through which channel. NOT_FOUND, CHANNEL_CLOSED.")
    customer_id: strawberry.ID | None = optional("With whom; a shopper leaves it out. REQUIRED, NOT_FOUND.")
    subject: str | None = optional("What it is about, in a few words, at most 200 characters. TOO_LONG.")
    text: str = shown("The first message, at most 10,000 characters. REQUIRED, TOO_LONG.")
    order_id: strawberry.ID | None = optional("The customer's order that it is about. NOT_FOUND.")
    client_message_id: str | None = optional(_OWN_ID)

    def details(self) -> ConversationStart:
        """Return the input as the domain takes it."""
        customer_id, order_id = given(self.customer_id), given(self.order_id)
        return ConversationStart(
            channel_id=required_key(self.channel_id, "Channel", "channel_id"),
            message=MessageDetails(text=self.text, client_message_id=given(self.client_message_id)),
            customer_id=None if customer_id is None else required_key(customer_id, "Customer", "customer_id"),
            subject=given(self.subject),
            order_id=None if order_id is None else required_key(order_id, "Order", "order_id"),
        )


@strawberry.input(
    description=(
        "A message. With `expectedLastSeq` a reply that missed something newer is refused, and what was missed comes "
        "back."
    )
)
class MessageSendInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("In which conversation. NOT_FOUND, INVALID_STATE.")
    text: str = shown("What is said, at most 10,000 characters. REQUIRED, TOO_LONG.")
    client_message_id: str | None = optional(_OWN_ID)
    expected_last_seq: int | None = optional("The newest number that the author has seen. STALE_CONVERSATION.")

    def key(self) -> UUID:
        """Return in which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")

    def details(self) -> MessageDetails:
        """Return the input as the domain takes it."""
        return MessageDetails(text=self.text, client_message_id=given(self.client_message_id))


@strawberry.input(description="A note that staff see, and no shopper.")
class NoteAddInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("In which conversation. NOT_FOUND.")
    text: str = shown("What is noted, at most 10,000 characters. REQUIRED, TOO_LONG.")
    client_message_id: str | None = optional(_OWN_ID)

    def key(self) -> UUID:
        """Return in which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")

    def details(self) -> MessageDetails:
        """Return the input as the domain takes it."""
        return MessageDetails(text=self.text, client_message_id=given(self.client_message_id))


@strawberry.input(description="How far somebody has read.")
class ConversationReadInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("Which conversation. NOT_FOUND.")
    seq: int = shown("The newest number that was read, in the reader's own counting. INVALID.")

    def key(self) -> UUID:
        """Return which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")


@strawberry.input(description="Whether somebody writes.")
class TypingSetInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("In which conversation. NOT_FOUND.")
    is_typing: bool = shown("Whether they write; say true again every three seconds while it holds.")
    is_note: bool = strawberry.field(
        description="Whether it becomes a note: then no shopper is told that somebody writes.", default=False
    )

    def key(self) -> UUID:
        """Return in which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")


@strawberry.input(description="Whether a member of staff is there.")
class PresenceSetInput:
    """See the description."""

    presence: PresenceState = shown("How they are from now on.")


@strawberry.input(description="Who is at it. Without `assigneeId` the conversation goes back to the queue.")
class ConversationAssignInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("Which conversation. NOT_FOUND.")
    assignee_id: strawberry.ID | None = optional("The member of staff. NOT_FOUND.")
    expected_version: int | None = optional("The version that this was decided on. VERSION_CONFLICT.")

    def key(self) -> UUID:
        """Return which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")

    def assignee_key(self) -> UUID | None:
        """Return who is at it."""
        value = given(self.assignee_id)
        return None if value is None else required_key(value, "StaffMember", "assignee_id")


@strawberry.input(description="What becomes of a conversation.")
class ConversationStatusSetInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("Which conversation. NOT_FOUND.")
    status: ConversationStatus = shown("What it is from now on. INVALID_STATE where that does not follow.")
    snoozed_until: datetime | None = optional(
        "Of SNOOZED: when it wakes, within a year; left out, with the customer's next message. INVALID."
    )
    expected_version: int | None = optional("The version that this was decided on. VERSION_CONFLICT.")

    def key(self) -> UUID:
        """Return which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")


@strawberry.input(description="What is to be known of a conversation; what is left out stays as it is.")
class ConversationUpdateInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("Which conversation. NOT_FOUND.")
    expected_version: int | None = optional("The version that this was decided on. VERSION_CONFLICT.")
    subject: str | None = optional("What it is about; null empties it. TOO_LONG.")
    priority: Priority | None = optional("How urgent it is.")
    tags: list[str] | None = optional("All its tags, at most 50. REQUIRED, TOO_LONG.")
    waiting_on: WaitingOn | None = optional("Whose turn it is.")
    order_id: strawberry.ID | None = optional("The customer's order that it is about; null: none. NOT_FOUND.")
    customer_id: strawberry.ID | None = optional(
        "With whom it is, of a conversation whose customer nobody knew. NOT_FOUND, INVALID_STATE."
    )

    def key(self) -> UUID:
        """Return which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")

    def changes(self) -> ConversationChanges:
        """Return the input as the domain takes it: null is no change where there must be something."""
        customer_id = given(self.customer_id)
        return ConversationChanges(
            subject=change(self.subject),
            priority=given(self.priority) or UNCHANGED,
            tags=UNCHANGED if (tags := given(self.tags)) is None else tags,
            waiting_on=given(self.waiting_on) or UNCHANGED,
            order_id=_order_key(change(self.order_id)),
            customer_id=UNCHANGED if customer_id is None else required_key(customer_id, "Customer", "customer_id"),
        )


def _order_key(value: Change[strawberry.ID | None]) -> Change[UUID | None]:
    if value is UNCHANGED or value is None:
        return value
    return required_key(str(value), "Order", "order_id")


@strawberry.input(description="Which conversations; several conditions count together.")
class ConversationFilter:
    """See the description."""

    status: list[ConversationStatus] | None = optional("In one of these; for staff.")
    store_code: list[str] | None = optional("Of channels of these stores.")
    assignee_id: strawberry.ID | None = optional("That this member of staff is at.")
    is_unassigned: bool | None = optional("True: in the queue; false: somebody is at them.")
    channel_kind: list[ChannelKind] | None = optional("That came in through such channels.")
    customer_id: strawberry.ID | None = optional("With this customer, whoever they are merged with.")
    priority: list[Priority] | None = optional("As urgent as one of these.")
    tag: list[str] | None = optional("With one of these tags.")
    waiting_on: list[WaitingOn] | None = optional("Where it is the turn of one of these.")
    is_unread: bool | None = optional("True: with messages that whoever asks has not read; false: without.")

    def wanted(self) -> Wanted:
        """Return the filter as the repository takes it. Raises `Invalid` for a list that is too long."""
        lists = (self.status, self.store_code, self.channel_kind, self.priority, self.tag, self.waiting_on)
        if any(len(given(each) or ()) > FILTER_VALUES_MAX for each in lists):
            message = f"A filter takes at most {FILTER_VALUES_MAX} values of a kind."
            raise Invalid(message)
        assignee, customer = given(self.assignee_id), given(self.customer_id)
        return Wanted(
            statuses=_all(self.status),
            store_codes=_all(self.store_code),
            assignee_id=None if assignee is None else key_of(assignee, "StaffMember") or _NOBODY,
            is_unassigned=given(self.is_unassigned),
            channel_kinds=_all(self.channel_kind),
            customer_id=None if customer is None else key_of(customer, "Customer") or _NOBODY,
            priorities=_all(self.priority),
            tags=_all(self.tag),
            waiting_on=_all(self.waiting_on),
            is_unread=given(self.is_unread),
        )


_NOBODY = UUID(int=0)
"""Whose id is of another type."""


def _all(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(given(values) or ())


@strawberry.input(description="In which order conversations come.")
class ConversationSort:
    """See the description."""

    field: SortField = shown("By what.")
    direction: Direction = strawberry.field(description="Which end first.", default=Direction.DESC)
