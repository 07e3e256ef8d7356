"""What writes about conversations answer."""

from uuid import UUID

import strawberry

from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.interactions.types.channels import Channel
from schema.interactions.types.conversations import (
    Conversation,
    Interaction,
    Message,
    Note,
    load_conversations,
    load_interactions,
)

_REFUSED = "Why it was refused; empty where it was not."


@strawberry.type(
    name="StaleConversation", description="Something was said that the author had not seen. Nothing was sent."
)
class StaleConversationError(UserError):
    """See the description."""

    keys: strawberry.Private[tuple[UUID, ...]]

    @batched(description="What was missed, the oldest first; at most 100.")
    async def missed(errors: list["StaleConversationError"], info: Info) -> list[list[Interaction]]:  # noqa: N805
        """Read what was missed, for a level."""
        wanted = list(dict.fromkeys(key for each in errors for key in each.keys))
        found = dict(zip(wanted, await load_interactions(info, wanted), strict=True))
        return [[seen for key in each.keys if (seen := found[key]) is not None] for each in errors]


@strawberry.type(description="The channel as it is now, or why it was not opened.")
class ChannelUpsertPayload:
    """See the description."""

    channel: Channel | None = shown("The channel; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The new conversation, or why there is none.")
class ConversationStartPayload:
    """See the description."""

    conversation: Conversation | None = shown("The conversation; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The message that was sent, or why it was not.")
class MessageSendPayload:
    """See the description."""

    message: Message | None = shown("The message; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The note, or why there is none.")
class NoteAddPayload:
    """See the description."""

    note: Note | None = shown("The note; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The conversation, as far as it is read now.")
class ConversationReadPayload:
    """See the description."""

    conversation: Conversation | None = shown("The conversation; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The conversation with whoever is at it now.")
class ConversationAssignPayload:
    """See the description."""

    conversation: Conversation | None = shown("The conversation; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The conversation with its status as it is now.")
class ConversationStatusSetPayload:
    """See the description."""

    conversation: Conversation | None = shown("The conversation; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The conversation as it is now.")
class ConversationUpdatePayload:
    """See the description."""

    conversation: Conversation | None = shown("The conversation; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The message that came in, or why it was not taken.")
class MessageReceivePayload:
    """See the description."""

    message: Message | None = shown("The message; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)

    @batched(description="The conversation that it stands in.")
    async def conversation(payloads: list["MessageReceivePayload"], info: Info) -> list[Conversation | None]:  # noqa: N805
        """Read the conversations of a level."""
        wanted = [each.message.row.conversation_id for each in payloads if each.message is not None]
        found = dict(zip(wanted, await load_conversations(info, wanted), strict=True)) if wanted else {}
        return [None if each.message is None else found[each.message.row.conversation_id] for each in payloads]


@strawberry.type(description="The message as far as it has come.")
class MessageDeliveryRecordPayload:
    """See the description."""

    message: Message | None = shown("The message; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)


@strawberry.type(description="The message, on its way again.")
class MessageRetryPayload:
    """See the description."""

    message: Message | None = shown("The message; null where the write was refused.")
    user_errors: list[UserError] = shown(_REFUSED)
