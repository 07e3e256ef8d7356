"""What happens in conversations, in the streams of their customers, of one of them, and of the inbox."""

from collections.abc import Sequence
from typing import Any

import strawberry

from domain.base.events import Event
from domain.base.feed import Committed
from domain.interactions import events
from domain.interactions.repository.interactions import list_readings
from schema.base.authors import Author
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.event_log import Show, told_to_all
from schema.base.events import StreamEvent
from schema.customers.types.stream import ids_of, place_of, shown_in_stream
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


async def _conversations(info: Info, told: Sequence[Committed]) -> Sequence[Conversation | None]:
    return await load_conversations(info, ids_of(told, "conversation_id"))


async def show_started(info: Info, told: Sequence[Committed]) -> list[ConversationStarted | None]:
    """Show that conversations began, to who sees them."""
    return [
        None if found is None else ConversationStarted(**place_of(committed), conversation=found)
        for committed, found in zip(told, await _conversations(info, told), strict=True)
    ]


async def show_changed(info: Info, told: Sequence[Committed]) -> list[ConversationChanged | None]:
    """Show that conversations changed, to who sees them."""
    return [
        None if found is None else ConversationChanged(**place_of(committed), conversation=found)
        for committed, found in zip(told, await _conversations(info, told), strict=True)
    ]


async def show_arranged(info: Info, told: Sequence[Committed]) -> Sequence[ConversationChanged | None]:
    """Show what changed for staff alone, to staff."""
    return await show_changed(info, told) if TEAM.allows(info.context.actor) else [None] * len(told)


async def _said(info: Info, told: Sequence[Committed]) -> list[dict[str, Any] | None]:
    """Return what an item about an interaction shows; None to who does not see it."""
    conversations = await _conversations(info, told)
    interactions = await load_interactions(info, ids_of(told, "interaction_id"))
    return [
        None
        if conversation is None or interaction is None
        else {**place_of(committed), "conversation": conversation, "interaction": interaction}
        for committed, conversation, interaction in zip(told, conversations, interactions, strict=True)
    ]


async def show_added(info: Info, told: Sequence[Committed]) -> list[InteractionAdded | None]:
    """Show what was added, to who sees it."""
    return [None if said is None else InteractionAdded(**said) for said in await _said(info, told)]


async def show_changed_interactions(info: Info, told: Sequence[Committed]) -> list[InteractionChanged | None]:
    """Show messages that came further, to who sees them."""
    return [None if said is None else InteractionChanged(**said) for said in await _said(info, told)]


async def show_read(info: Info, told: Sequence[Committed]) -> list[ConversationRead | None]:
    """Show that somebody has read, to who sees the conversation."""
    conversations = await _conversations(info, told)
    reader_ids = ids_of(told, "reader_id")
    async with info.context.reading() as session:
        readings = await list_readings(session, ids_of(told, "conversation_id"), reader_ids=reader_ids)
    named = [(each.reader_kind, each.reader_id) for each in readings.values()]
    readers = dict(zip(named, await load_authors(info, named), strict=True))
    items: list[ConversationRead | None] = []
    for committed, conversation, reader_id in zip(told, conversations, reader_ids, strict=True):
        reading = None if conversation is None else readings.get((conversation.key, reader_id))
        reader = None if reading is None else readers[reading.reader_kind, reader_id]
        if conversation is None or reading is None or reader is None:
            items.append(None)
            continue
        words = {**place_of(committed), "conversation": conversation, "reader": reader}
        items.append(ConversationRead(**words, seq=reading.seq))
    return items


async def show_notes_read(info: Info, told: Sequence[Committed]) -> Sequence[ConversationRead | None]:
    """Show that somebody has read what staff alone see, to staff."""
    return await show_read(info, told) if TEAM.allows(info.context.actor) else [None] * len(told)


SHOWN: dict[type[Event], Show] = {
    events.ConversationStarted: show_started,
    events.ConversationChanged: show_changed,
    events.InteractionAdded: show_added,
    events.NoteAdded: show_added,
    events.InteractionChanged: show_changed_interactions,
    events.ConversationRead: show_read,
    events.ConversationArranged: show_arranged,
    events.NotesRead: show_notes_read,
}
"""How each kind of event is shown in the streams of conversations."""


for _event, _shows, _policy in (
    (events.ConversationStarted, ConversationStarted, CONVERSATIONS),
    (events.ConversationChanged, ConversationChanged, CONVERSATIONS),
    (events.ConversationArranged, ConversationChanged, TEAM),
    (events.InteractionAdded, InteractionAdded, CONVERSATIONS),
    (events.InteractionChanged, InteractionChanged, CONVERSATIONS),
):
    shown_in_stream(_event, shows=_shows, policy=_policy)(SHOWN[_event])
told_to_all(events.NoteAdded, shows=InteractionAdded, policy=CONVERSATIONS)(show_added)
told_to_all(events.NotesRead, shows=ConversationRead, policy=TEAM)(show_notes_read)
told_to_all(events.ConversationRead, shows=ConversationRead, policy=CONVERSATIONS)(show_read)
