"""What is said, and what becomes of conversations."""

from datetime import datetime
from uuid import UUID

import strawberry

from domain.base.changes import UNCHANGED, Change
from domain.interactions.actions.conversations import ConversationChanges, ConversationStart
from domain.interactions.rules.conversations import MessageDetails
from schema.base.descriptions import change, given, optional, shown
from schema.base.ids import required_key
from schema.interactions.types.channels import ConversationStatus, Priority, WaitingOn

FILES = (
    "Files that the author has sent before (`attachmentCreate`), in their order, at most 10. ATTACHMENT_NOT_READY, "
    "TOO_LONG."
)
_OWN_ID = "An id that the client gives this: sent again with it, it is written once. TOO_LONG, IDEMPOTENCY_MISMATCH."


def attachment_keys(ids: list[strawberry.ID] | None) -> tuple[UUID, ...]:
    """Return which files. Raises `NotFound`."""
    return tuple(required_key(each, "Attachment", "attachment_ids") for each in given(ids) or ())


def _message(text: str, own_id: str | None, ids: list[strawberry.ID] | None) -> MessageDetails:
    return MessageDetails(text=text, client_message_id=given(own_id), attachment_ids=attachment_keys(ids))


@strawberry.input(description="A new conversation with its first message.")
class ConversationStartInput:
    """See the description."""

    channel_id: strawberry.ID = shown("Through which channel. NOT_FOUND, CHANNEL_CLOSED.")
    customer_id: strawberry.ID | None = optional("With whom; a shopper leaves it out. REQUIRED, NOT_FOUND.")
    subject: str | None = optional("What it is about, in a few words, at most 200 characters. TOO_LONG.")
    text: str = shown(
        "The first message, at most 10,000 characters; it may be blank beside a file. REQUIRED, TOO_LONG."
    )
    order_id: strawberry.ID | None = optional("The customer's order that it is about. NOT_FOUND.")
    attachment_ids: list[strawberry.ID] | None = optional(FILES)
    client_message_id: str | None = optional(_OWN_ID)

    def details(self) -> ConversationStart:
        """Return the input as the domain takes it."""
        customer_id, order_id = given(self.customer_id), given(self.order_id)
        return ConversationStart(
            channel_id=required_key(self.channel_id, "Channel", "channel_id"),
            message=_message(self.text, self.client_message_id, self.attachment_ids),
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
    text: str = shown("What is said, at most 10,000 characters; it may be blank beside a file. REQUIRED, TOO_LONG.")
    attachment_ids: list[strawberry.ID] | None = optional(FILES)
    client_message_id: str | None = optional(_OWN_ID)
    expected_last_seq: int | None = optional("The newest number that the author has seen. STALE_CONVERSATION.")

    def key(self) -> UUID:
        """Return in which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")

    def details(self) -> MessageDetails:
        """Return the input as the domain takes it."""
        return _message(self.text, self.client_message_id, self.attachment_ids)


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
