"""The doors themselves, and what comes in and goes out through those that others guard."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import strawberry

from domain.base.work import Work
from domain.interactions.actions.channels import upsert_channel
from domain.interactions.actions.receiving import receive_message, record_delivery, retry_message
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.errors import UserError
from schema.base.writes import write
from schema.interactions.inputs.channels import (
    ChannelUpsertInput,
    MessageDeliveryRecordInput,
    MessageReceiveInput,
    MessageRetryInput,
)
from schema.interactions.types.channels import load_channels
from schema.interactions.types.conversations import Message, load_messages
from schema.interactions.types.payloads import (
    ChannelUpsertPayload,
    MessageDeliveryRecordPayload,
    MessageReceivePayload,
    MessageRetryPayload,
)


async def _write_message(
    info: Info, action: str, story: Callable[[Work], Awaitable[UUID]]
) -> tuple[Message | None, list[UserError]]:
    written = await write(info, action, story)
    if not isinstance(written, UUID):
        return None, written
    (message,) = await load_messages(info, [written])
    return message, []


@strawberry.type
class ChannelMutations:
    """Root fields that write about channels."""

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
            "For a channel's own server: what came in from outside, once for each `externalId`. The customer is "
            "recognised by a sign that is verified as theirs; of somebody unknown the conversation has no customer "
            "yet. Needs `channels:write`."
        )
    )
    async def message_receive(self, info: Info, input: Input[MessageReceiveInput]) -> MessageReceivePayload | None:  # noqa: A002
        """Take in a message."""
        message, errors = await _write_message(
            info,
            "messageReceive",
            lambda work: receive_message(work, channel_id=input.channel_key(), received=input.details()),
        )
        return MessageReceivePayload(message=message, user_errors=errors)

    @strawberry.mutation(
        description=(
            "For a channel's own server: how far a message has come that it sent. Reports may come late, twice and in "
            "any order. Needs `channels:write`."
        )
    )
    async def message_delivery_record(
        self,
        info: Info,
        input: Input[MessageDeliveryRecordInput],  # noqa: A002
    ) -> MessageDeliveryRecordPayload | None:
        """Note how far it came."""
        message, errors = await _write_message(
            info,
            "messageDeliveryRecord",
            lambda work: record_delivery(
                work, message_id=input.key(), state=input.state, reason=given(input.failure_reason)
            ),
        )
        return MessageDeliveryRecordPayload(message=message, user_errors=errors)

    @strawberry.mutation(description="Lets a message that FAILED be sent again. Needs `conversations:write`.")
    async def message_retry(self, info: Info, input: Input[MessageRetryInput]) -> MessageRetryPayload | None:  # noqa: A002
        """Send it again."""
        message, errors = await _write_message(
            info, "messageRetry", lambda work: retry_message(work, message_id=input.key())
        )
        return MessageRetryPayload(message=message, user_errors=errors)
