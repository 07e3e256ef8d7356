"""Following conversations, live: one of them, or all that somebody may see."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.events import Event
from domain.base.feed import ResyncNeeded
from domain.interactions.errors import ConversationNotFound
from schema.base.context import Info
from schema.base.descriptions import GlobalId
from schema.base.events import AfterCursor, ResyncRequired, cursor_after
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
        cursor = cursor_after(info, after)
        key = key_of(conversation_id, "Conversation")
        if key is None or (await load_conversations(info, [key]))[0] is None:
            raise ConversationNotFound
        await info.context.close_reading()
        return _follow(info, cursor, key)

    @strawberry.subscription(
        description="Every conversation that the agent may see: the inbox, live. Needs `conversations:read`."
    )
    async def inbox_events(
        self, info: Info, after: AfterCursor = UNSET
    ) -> AsyncGenerator[ConversationStreamItem, None]:
        """Follow the inbox."""
        return _follow(info, cursor_after(info, after), None)


async def _follow(info: Info, after: str | None, key: UUID | None) -> AsyncGenerator[Any, None]:
    """Yield what the listener may see; end where they missed something."""
    try:
        async with aclosing(_seen(info, after, key)) as items:
            async for item in items:
                yield item
    except ResyncNeeded as needed:
        yield ResyncRequired(reason=needed.reason)


async def _seen(info: Info, after: str | None, key: UUID | None) -> AsyncGenerator[Any, None]:
    """Yield what the listener may see at that moment, read anew for each event."""

    def wants(event: Event) -> bool:
        return type(event) in SHOWN and (key is None or getattr(event, "conversation_id", None) == key)

    async with info.context.works.feed.listen(wants, after=after) as listener:
        while True:
            committed = await listener.take()
            item = await SHOWN[type(committed.event)](info, committed)
            await info.context.close_reading()  # nothing is held while the next event is waited for
            if item is not None:
                yield item
