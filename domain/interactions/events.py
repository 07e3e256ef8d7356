"""What happens in conversations, told by ids."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationStarted(Event):
    """A conversation began."""

    conversation_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationChanged(Event):
    """What is known of a conversation changed: its status, whose it is, what it is about."""

    conversation_id: UUID
    customer_id: UUID | None
    previous_customer_id: UUID | None = None
    """Whose it was before, where that changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationArranged(Event):
    """Something changed that staff alone see of a conversation, such as its tags; no shopper is ever told."""

    conversation_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InteractionAdded(Event):
    """Something was said, noted or done in a conversation."""

    conversation_id: UUID
    interaction_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteAdded(Event):
    """Staff noted something; no shopper is ever told."""

    conversation_id: UUID
    interaction_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class InteractionChanged(Event):
    """A message was sent, delivered, read, or failed."""

    conversation_id: UUID
    interaction_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationRead(Event):
    """Somebody has read a conversation so far."""

    conversation_id: UUID
    customer_id: UUID | None
    reader_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class NotesRead(Event):
    """Somebody has read a conversation so far, of which only staff saw what was new; no shopper is ever told."""

    conversation_id: UUID
    reader_id: UUID
