"""Following conversations, live: one of them, or all that somebody may see."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.events import Event
from domain.base.signals import Signal, SignalKind
from domain.interactions.actions.presence import typing_of, viewing
from domain.interactions.errors import ConversationNotFound
from domain.interactions.rules.presence import is_typing_shown
from schema.base.context import Info
from schema.base.descriptions import GlobalId
from schema.base.events import AfterCursor, ResyncRequired, begin_after, until_resync
from schema.base.ids import key_of
from schema.identity.types.staff import StaffMember, load_staff
from schema.interactions.types.conversations import Conversation, load_authors, load_conversations
from schema.interactions.types.presence import TypingState
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
        begin_after(info, after)
        key = key_of(conversation_id, "Conversation")
        if key is None or (await load_conversations(info, [key]))[0] is None:
            raise ConversationNotFound
        await info.context.close_reading()
        await info.context.stay(viewing(info.context.works.signals, actor=info.context.actor, conversation_id=key))
        return until_resync(info, _seen(info, key))

    @strawberry.subscription(
        description="Every conversation that the agent may see: the inbox, live. Needs `conversations:read`."
    )
    async def inbox_events(
        self, info: Info, after: AfterCursor = UNSET
    ) -> AsyncGenerator[ConversationStreamItem, None]:
        """Follow the inbox."""
        begin_after(info, after)
        return until_resync(info, _seen(info, None))


async def _seen(info: Info, key: UUID | None) -> AsyncGenerator[Any, None]:
    """Yield what the listener may see at that moment, read anew for each event."""

    def wants(event: Event) -> bool:
        return type(event) in SHOWN and (key is None or getattr(event, "conversation_id", None) == key)

    topics = SHOWN if key is None else (key,)
    async with info.context.following.listen(wants, topics=topics) as listener:
        while True:
            committed = await listener.take()
            (item,) = await SHOWN[type(committed.event)](info, [committed])
            await info.context.close_reading()  # nothing is held while the next event is waited for
            if item is not None:
                yield item


@strawberry.type
class SignalSubscriptions:
    """Root fields that follow what holds for a moment: never in the event log, never replayed."""

    @strawberry.subscription(
        description=(
            "Who else writes in a conversation: first those who do, then each change. Ephemeral: not in the log, never "
            "replayed. Needs `conversations:read`."
        )
    )
    async def typing_changed(self, info: Info, conversation_id: GlobalId) -> AsyncGenerator[TypingState, None]:
        """Follow who writes."""
        return _typing(info, await _seen_key(info, conversation_id))

    @strawberry.subscription(
        description=(
            "The conversation, first as it is, then whenever another member of staff opens or closes it: ask for its "
            "`viewers`. Ephemeral. Needs `conversations:read`."
        )
    )
    async def viewers_changed(self, info: Info, conversation_id: GlobalId) -> AsyncGenerator[Conversation, None]:
        """Follow who looks on."""
        return _viewers(info, await _seen_key(info, conversation_id))

    @strawberry.subscription(
        description=(
            "Members of staff whose presence changed; first all who are there. Ephemeral: not in the log, never "
            "replayed. Needs `staff:read`."
        )
    )
    async def presence_changed(self, info: Info) -> AsyncGenerator[StaffMember, None]:
        """Follow who is there."""
        return _presence(info)


async def _seen_key(info: Info, conversation_id: strawberry.ID) -> UUID:
    """Return the key of a conversation that whoever asks sees. Raises `ConversationNotFound`."""
    key = key_of(conversation_id, "Conversation")
    if key is None or (await load_conversations(info, [key]))[0] is None:
        raise ConversationNotFound
    await info.context.close_reading()
    return key


async def _typing(info: Info, key: UUID) -> AsyncGenerator[TypingState, None]:
    """Yield who writes, as far as the listener may know at that moment."""

    def wants(signal: Signal) -> bool:
        return signal.kind is SignalKind.TYPING and signal.subject_id == key

    shown: set[Signal] = set()
    async with info.context.works.signals.follow(wants) as follower:
        while True:
            signal, audience = await follower.take()
            actor = info.context.actor
            is_shopper = actor.customer_id is not None
            is_typing = audience is not None and is_typing_shown(
                audience=audience, is_shopper=is_shopper, is_own=signal == typing_of(actor, conversation_id=key)
            )
            if not is_typing and signal not in shown:
                continue
            (shown.add if is_typing else shown.discard)(signal)
            (conversation,) = await load_conversations(info, [key])
            (author,) = await load_authors(info, [(signal.author_kind, signal.author_id)])
            await info.context.close_reading()
            if conversation is not None and author is not None:
                yield TypingState(conversation=conversation, author=author, is_typing=is_typing)


async def _viewers(info: Info, key: UUID) -> AsyncGenerator[Conversation, None]:
    """Yield the conversation at first, and whenever another one opens or closes it."""

    def wants(signal: Signal) -> bool:
        is_viewing = signal.kind is SignalKind.VIEWING and signal.subject_id == key
        return is_viewing and signal.author_id != info.context.actor.id

    async with info.context.works.signals.follow(wants) as follower:
        while True:
            (conversation,) = await load_conversations(info, [key])
            await info.context.close_reading()
            if conversation is not None:
                yield conversation
            await follower.take()


async def _presence(info: Info) -> AsyncGenerator[StaffMember, None]:
    """Yield members of staff whose presence is another one."""
    async with info.context.works.signals.follow(lambda signal: signal.kind is SignalKind.PRESENCE) as follower:
        while True:
            signal, _ = await follower.take()
            (member,) = await load_staff(info, [signal.subject_id])
            await info.context.close_reading()
            if member is not None:
                yield member
