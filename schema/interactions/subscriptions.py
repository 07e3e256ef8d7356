"""Following conversations, live: one of them, or all that somebody may see."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.events import Event
from domain.interactions.errors import ConversationNotFound
from schema.base.context import Info
from schema.base.descriptions import GlobalId, given
from schema.base.events import AfterCursor, ResyncRequired, until_resync
from schema.base.ids import key_of
from schema.interactions.types.conversations import load_conversations
from schema.interactions.types.stream import (
    SHOWN,
    ConversationChanged,
    ConversationRead,
    ConversationStarted,
    InteractionAdded,
    InteractionChanged,
)

ConversationStreamItem = Annotated[
    ConversationStarted
    | ConversationChanged
    | InteractionAdded
    | InteractionChanged
    | ConversationRead
    | ResyncRequired,
    strawberry.union(
        "ConversationStreamItem",
        description="What a stream of conversations sends: events, or the news that some were missed.",
    ),
]


@strawberry.type
class InteractionSubscriptions:
    """Root fields that follow conversations."""

    @strawberry.subscription(
        description="All that happens in one conversation, as far as whoever asks sees it. Needs `conversations:read`."
    )
    async def conversation_events(
        self, info: Info, conversation_id: GlobalId, after: AfterCursor = UNSET
    ) -> AsyncGenerator[ConversationStreamItem, None]:
        """Follow a conversation."""
        info.context.following.begin(given(after))
        key = key_of(conversation_id, "Conversation")
        if key is None or (await load_conversations(info, [key]))[0] is None:
            raise ConversationNotFound
        await info.context.close_reading()
        return until_resync(info, _seen(info, key))

    @strawberry.subscription(
        description="Every conversation that the agent may see: the inbox, live. Needs `conversations:read`."
    )
    async def inbox_events(
        self, info: Info, after: AfterCursor = UNSET
    ) -> AsyncGenerator[ConversationStreamItem, None]:
        """Follow the inbox."""
        info.context.following.begin(given(after))
        return until_resync(info, _seen(info, None))


async def _seen(info: Info, key: UUID | None) -> AsyncGenerator[Any, None]:
    """Yield what the listener may see at that moment, read anew for each event."""

    def wants(event: Event) -> bool:
        return type(event) in SHOWN and (key is None or getattr(event, "conversation_id", None) == key)

    topics = SHOWN if key is None else (key,)
    async with info.context.following.listen(wants, topics=topics) as listener:
        while True:
            committed = await listener.take()
            item = await SHOWN[type(committed.event)](info, committed)
            await info.context.close_reading()  # nothing is held while the next event is waited for
            if item is not None:
                yield item
