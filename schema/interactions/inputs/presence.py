"""What holds for a moment."""

from uuid import UUID

import strawberry

from schema.base.descriptions import shown
from schema.base.ids import required_key
from schema.interactions.types.presence import PresenceState


@strawberry.input(description="Whether somebody writes.")
class TypingSetInput:
    """See the description."""

    conversation_id: strawberry.ID = shown("In which conversation. NOT_FOUND.")
    is_typing: bool = shown("Whether they write; say true again every three seconds while it holds.")
    is_note: bool = strawberry.field(
        description="Whether it becomes a note: then no shopper is told that somebody writes.", default=False
    )

    def key(self) -> UUID:
        """Return in which conversation."""
        return required_key(self.conversation_id, "Conversation", "conversation_id")


@strawberry.input(description="Whether a member of staff is there.")
class PresenceSetInput:
    """See the description."""

    presence: PresenceState = shown("How they are from now on.")
