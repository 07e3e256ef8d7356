"""What happens in conversations, in the streams of their customers, of one of them, and of the inbox."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from domain.base.events import Event
from domain.base.feed import Committed
from domain.customers.actions.streams import Told
from domain.interactions import events
from domain.interactions.repository.interactions import find_reading
from schema.base.authors import Author
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.event_log import told_to_all
from schema.base.events import StreamEvent
from schema.customers.types.stream import place_of, shown_in_stream
from schema.interactions.policies import CONVERSATIONS, TEAM
from schema.interactions.types.conversations import (
    Conversation,
    Interaction,
    load_authors,
    load_conversations,
    load_interactions,
)


@strawberry.type(description="A conversation began.")
class ConversationStarted(StreamEvent):
    """See the description."""

    conversation: Conversation = shown("The conversation, as it is now.")


@strawberry.type(description="What is known of a conversation changed: its status, who is at it, what it is about.")
class ConversationChanged(StreamEvent):
    """See the description."""

    conversation: Conversation = shown("The conversation, as it is now.")


@strawberry.type(description="Something was said or done in a conversation. Notes are told to staff only.")
class InteractionAdded(StreamEvent):
    """See the description."""

    conversation: Conversation = shown("The conversation, as it is now.")
    interaction: Interaction = shown("What was added.")


@strawberry.type(description="A message was sent, delivered, read, edited or failed.")
class InteractionChanged(StreamEvent):
    """See the description."""

    conversation: Conversation = shown("The conversation, as it is now.")
    interaction: Interaction = shown("The message, as it is now.")


@strawberry.type(description="Somebody has read a conversation so far.")
class ConversationRead(StreamEvent):
    """See the description."""

    conversation: Conversation = shown("The conversation, as it is now.")
    reader: Author = shown("Who has read.")
    seq: int = shown("The newest number that they have read, in the counting of whoever asks.")


Show = Callable[[Info, Committed], Awaitable[Any]]


async def _conversation(info: Info, committed: Committed) -> Conversation | None:
    event: Any = committed.event
    found: Conversation | None
    (found,) = await load_conversations(info, [event.conversation_id])
    return found


async def show_started(info: Info, committed: Committed) -> ConversationStarted | None:
    """Show that a conversation began, to who sees it."""
    found = await _conversation(info, committed)
    return None if found is None else ConversationStarted(**place_of(committed), conversation=found)


async def show_changed(info: Info, committed: Committed) -> ConversationChanged | None:
    """Show that a conversation changed, to who sees it."""
    found = await _conversation(info, committed)
    return None if found is None else ConversationChanged(**place_of(committed), conversation=found)


async def show_arranged(info: Info, committed: Committed) -> ConversationChanged | None:
    """Show what changed for staff alone, to staff."""
    return await show_changed(info, committed) if TEAM.allows(info.context.actor) else None


async def show_added(info: Info, committed: Committed) -> InteractionAdded | None:
    """Show what was added, to who sees it."""
    event: Any = committed.event
    found = await _conversation(info, committed)
    (interaction,) = await load_interactions(info, [event.interaction_id])
    if found is None or interaction is None:
        return None
    return InteractionAdded(**place_of(committed), conversation=found, interaction=interaction)


async def show_changed_interaction(info: Info, committed: Committed) -> InteractionChanged | None:
    """Show a message that came further, to who sees it."""
    event: Any = committed.event
    found = await _conversation(info, committed)
    (interaction,) = await load_interactions(info, [event.interaction_id])
    if found is None or interaction is None:
        return None
    return InteractionChanged(**place_of(committed), conversation=found, interaction=interaction)


async def show_read(info: Info, committed: Committed) -> ConversationRead | None:
    """Show that somebody has read, to who sees the conversation."""
    event: Any = committed.event
    found = await _conversation(info, committed)
    async with info.context.reading() as session:
        reading = await find_reading(session, event.conversation_id, reader_id=event.reader_id)
    if found is None or reading is None:
        return None
    (reader,) = await load_authors(info, [(reading.reader_kind, event.reader_id)])
    if reader is None:
        return None
    return ConversationRead(**place_of(committed), conversation=found, reader=reader, seq=reading.seq)


async def show_notes_read(info: Info, committed: Committed) -> ConversationRead | None:
    """Show that somebody has read what staff alone see, to staff."""
    return await show_read(info, committed) if TEAM.allows(info.context.actor) else None


SHOWN: dict[type[Event], Show] = {
    events.ConversationStarted: show_started,
    events.ConversationChanged: show_changed,
    events.InteractionAdded: show_added,
    events.NoteAdded: show_added,
    events.InteractionChanged: show_changed_interaction,
    events.ConversationRead: show_read,
    events.ConversationArranged: show_arranged,
    events.NotesRead: show_notes_read,
}
"""How each kind of event is shown in the streams of conversations."""


def _in_customers(show: Show) -> Callable[[Info, Told], Awaitable[Any]]:
    async def show_told(info: Info, told: Told) -> Any:  # noqa: ANN401
        return await show(info, told.committed)

    return show_told


for _event, _shows, _policy in (
    (events.ConversationStarted, ConversationStarted, CONVERSATIONS),
    (events.ConversationChanged, ConversationChanged, CONVERSATIONS),
    (events.ConversationArranged, ConversationChanged, TEAM),
    (events.InteractionAdded, InteractionAdded, CONVERSATIONS),
    (events.InteractionChanged, InteractionChanged, CONVERSATIONS),
):
    shown_in_stream(_event, shows=_shows, policy=_policy)(_in_customers(SHOWN[_event]))
told_to_all(events.NoteAdded, shows=InteractionAdded, policy=CONVERSATIONS)(show_added)
told_to_all(events.NotesRead, shows=ConversationRead, policy=TEAM)(show_notes_read)
told_to_all(events.ConversationRead, shows=ConversationRead, policy=CONVERSATIONS)(show_read)
