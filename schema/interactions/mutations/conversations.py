"""Saying something, and deciding what becomes of conversations."""

from uuid import UUID

import strawberry

from domain.interactions.actions.channels import upsert_channel
from domain.interactions.actions.conversations import (
    assign,
    mark_read,
    set_status,
    start_conversation,
    update_conversation,
)
from domain.interactions.actions.messages import add_note, send_message
from domain.interactions.errors import StaleConversation
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.writes import write
from schema.interactions.inputs import (
    ChannelUpsertInput,
    ConversationAssignInput,
    ConversationReadInput,
    ConversationStartInput,
    ConversationStatusSetInput,
    ConversationUpdateInput,
    MessageSendInput,
    NoteAddInput,
)
from schema.interactions.types.channels import load_channels
from schema.interactions.types.conversations import load_conversations, load_messages, load_notes
from schema.interactions.types.payloads import (
    ChannelUpsertPayload,
    ConversationAssignPayload,
    ConversationReadPayload,
    ConversationStartPayload,
    ConversationStatusSetPayload,
    ConversationUpdatePayload,
    MessageSendPayload,
    NoteAddPayload,
    StaleConversationError,
)


@strawberry.type
class InteractionMutations:
    """Root fields that write about conversations."""

    @strawberry.mutation(description="Opens a channel, or says whether it takes anything in. Needs `stores:write`.")
    async def channel_upsert(self, info: Info, input: Input[ChannelUpsertInput]) -> ChannelUpsertPayload | None:  # noqa: A002
        """Open a channel."""
        written = await write(info, "channelUpsert", lambda work: upsert_channel(work, details=input.details()))
        if not isinstance(written, UUID):
            return ChannelUpsertPayload(channel=None, user_errors=written)
        (channel,) = await load_channels(info, [written])
        return ChannelUpsertPayload(channel=channel, user_errors=[])

    @strawberry.mutation(
        description=(
            "Begins a conversation with its first message: a shopper's own, or with a customer. Needs "
            "`conversations:write`."
        )
    )
    async def conversation_start(
        self,
        info: Info,
        input: Input[ConversationStartInput],  # noqa: A002
    ) -> ConversationStartPayload | None:
        """Begin a conversation."""
        written = await write(info, "conversationStart", lambda work: start_conversation(work, start=input.details()))
        if not isinstance(written, UUID):
            return ConversationStartPayload(conversation=None, user_errors=written)
        (conversation,) = await load_conversations(info, [written])
        return ConversationStartPayload(conversation=conversation, user_errors=[])

    @strawberry.mutation(
        description="Sends a message: a shopper in their own conversation. Others need `conversations:write`."
    )
    async def message_send(self, info: Info, input: Input[MessageSendInput]) -> MessageSendPayload | None:  # noqa: A002
        """Send a message."""
        try:
            written = await write(
                info,
                "messageSend",
                lambda work: send_message(
                    work,
                    conversation_id=input.key(),
                    details=input.details(),
                    expected_last_seq=given(input.expected_last_seq),
                ),
                passing=StaleConversation,
            )
        except StaleConversation as stale:
            missed = StaleConversationError(
                code=stale.code, message=stale.message, field=["expectedLastSeq"], keys=stale.missed
            )
            return MessageSendPayload(message=None, user_errors=[missed])
        if not isinstance(written, UUID):
            return MessageSendPayload(message=None, user_errors=written)
        (message,) = await load_messages(info, [written])
        return MessageSendPayload(message=message, user_errors=[])

    @strawberry.mutation(description="Notes something that no shopper ever sees. Needs `conversations:write`.")
    async def note_add(self, info: Info, input: Input[NoteAddInput]) -> NoteAddPayload | None:  # noqa: A002
        """Add a note."""
        written = await write(
            info,
            "noteAdd",
            lambda work: add_note(work, conversation_id=input.key(), details=input.details()),
        )
        if not isinstance(written, UUID):
            return NoteAddPayload(note=None, user_errors=written)
        (note,) = await load_notes(info, [written])
        return NoteAddPayload(note=note, user_errors=[])

    @strawberry.mutation(description="Says how far whoever asks has read. All but shoppers need `conversations:read`.")
    async def conversation_read(
        self,
        info: Info,
        input: Input[ConversationReadInput],  # noqa: A002
    ) -> ConversationReadPayload | None:
        """Note how far somebody has read."""
        written = await write(
            info, "conversationRead", lambda work: mark_read(work, conversation_id=input.key(), seq=input.seq)
        )
        if not isinstance(written, UUID):
            return ConversationReadPayload(conversation=None, user_errors=written)
        (conversation,) = await load_conversations(info, [written])
        return ConversationReadPayload(conversation=conversation, user_errors=[])

    @strawberry.mutation(description="Gives it to a member of staff, or to the queue. Needs `conversations:write`.")
    async def conversation_assign(
        self,
        info: Info,
        input: Input[ConversationAssignInput],  # noqa: A002
    ) -> ConversationAssignPayload | None:
        """Give it to somebody."""
        written = await write(
            info,
            "conversationAssign",
            lambda work: assign(
                work,
                conversation_id=input.key(),
                assignee_id=input.assignee_key(),
                expected_version=given(input.expected_version),
            ),
        )
        if not isinstance(written, UUID):
            return ConversationAssignPayload(conversation=None, user_errors=written)
        (conversation,) = await load_conversations(info, [written])
        return ConversationAssignPayload(conversation=conversation, user_errors=[])

    @strawberry.mutation(description="Says what becomes of it. Needs `conversations:write`.")
    async def conversation_status_set(
        self,
        info: Info,
        input: Input[ConversationStatusSetInput],  # noqa: A002
    ) -> ConversationStatusSetPayload | None:
        """Give it another status."""
        written = await write(
            info,
            "conversationStatusSet",
            lambda work: set_status(
                work,
                conversation_id=input.key(),
                status=input.status,
                snoozed_until=given(input.snoozed_until),
                expected_version=given(input.expected_version),
            ),
        )
        if not isinstance(written, UUID):
            return ConversationStatusSetPayload(conversation=None, user_errors=written)
        (conversation,) = await load_conversations(info, [written])
        return ConversationStatusSetPayload(conversation=conversation, user_errors=[])

    @strawberry.mutation(
        description=(
            "Subject, priority, tags, and what it is about; an unknown caller becomes a known customer. Needs "
            "`conversations:write`."
        )
    )
    async def conversation_update(
        self,
        info: Info,
        input: Input[ConversationUpdateInput],  # noqa: A002
    ) -> ConversationUpdatePayload | None:
        """Change what is known of it."""
        written = await write(
            info,
            "conversationUpdate",
            lambda work: update_conversation(
                work,
                conversation_id=input.key(),
                changes=input.changes(),
                expected_version=given(input.expected_version),
            ),
        )
        if not isinstance(written, UUID):
            return ConversationUpdatePayload(conversation=None, user_errors=written)
        (conversation,) = await load_conversations(info, [written])
        return ConversationUpdatePayload(conversation=conversation, user_errors=[])
