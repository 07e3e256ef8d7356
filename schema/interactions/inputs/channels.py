"""Channels, and what comes in and goes out through them."""

from datetime import datetime
from uuid import UUID

import strawberry

from domain.interactions.actions.channels import ChannelDetails
from domain.interactions.rules.channels import Contact, Received
from schema.base.descriptions import given, optional, shown
from schema.base.ids import required_key
from schema.customers.types.consents import ChannelKind
from schema.customers.types.identities import IdentityKind
from schema.interactions.inputs.conversations import FILES, attachment_keys
from schema.interactions.types.channels import DeliveryState


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


@strawberry.input(description="The sign under which somebody wrote.")
class CustomerIdentityInput:
    """See the description."""

    kind: IdentityKind = shown("What sort of sign.")
    namespace: str | None = optional("Of a social handle the network, of an account the system. REQUIRED, INVALID.")
    value: str = shown("The sign: an address, a telephone number, a handle. REQUIRED, INVALID, TOO_LONG.")
    name: str | None = optional("What they call themselves there. TOO_LONG.")


@strawberry.input(description="A message as a channel's server received it.")
class MessageReceiveInput:
    """See the description."""

    channel_id: strawberry.ID = shown("Through which channel. NOT_FOUND, CHANNEL_CLOSED.")
    external_id: str = shown(
        "The server's own id of the message: told again, it is the same message. REQUIRED, TOO_LONG, "
        "IDEMPOTENCY_MISMATCH."
    )
    from_: CustomerIdentityInput = strawberry.field(name="from", description="Who wrote.")
    text: str = shown("What was written, at most 10,000 characters; it may be blank beside a file. REQUIRED, TOO_LONG.")
    attachment_ids: list[strawberry.ID] | None = optional(FILES)
    thread_key: str | None = optional(
        "By which the server knows the thread; left out, whoever writes has one on this channel. TOO_LONG."
    )
    subject: str | None = optional("What it is about, as an e-mail says it. TOO_LONG.")
    occurred_at: datetime | None = optional("When it was written; left out, now.")

    def channel_key(self) -> UUID:
        """Return through which channel."""
        return required_key(self.channel_id, "Channel", "channel_id")

    def details(self) -> Received:
        """Return the input as the domain takes it."""
        contact = Contact(
            kind=self.from_.kind,
            namespace=given(self.from_.namespace) or "",
            value=self.from_.value,
            name=given(self.from_.name),
        )
        return Received(
            external_id=self.external_id,
            contact=contact,
            text=self.text,
            thread_key=given(self.thread_key),
            subject=given(self.subject),
            occurred_at=given(self.occurred_at),
            attachment_ids=attachment_keys(self.attachment_ids),
        )


@strawberry.input(description="How far a message has come that a channel's server sent.")
class MessageDeliveryRecordInput:
    """See the description."""

    message_id: strawberry.ID = shown("Which message. NOT_FOUND.")
    state: DeliveryState = shown("How far: SENT, DELIVERED, READ or FAILED; it never goes back. INVALID.")
    failure_reason: str | None = optional("Of FAILED: why, for staff, at most 500 characters. TOO_LONG, INVALID.")

    def key(self) -> UUID:
        """Return which message."""
        return required_key(self.message_id, "Message", "message_id")


@strawberry.input(description="A message that failed.")
class MessageRetryInput:
    """See the description."""

    message_id: strawberry.ID = shown("Which message. NOT_FOUND, INVALID_STATE.")

    def key(self) -> UUID:
        """Return which message."""
        return required_key(self.message_id, "Message", "message_id")
