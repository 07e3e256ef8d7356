"""Why conversations are refused."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from domain.base.errors import ErrorCode, FieldPath, NotFound, Refusal


class ConversationNotFound(NotFound):
    """There is no such conversation for whoever asks."""

    def __init__(self, *, field: FieldPath = ("conversation_id",)) -> None:
        """Say so."""
        super().__init__("There is no conversation with this id.", field=field)


class MessageNotFound(NotFound):
    """There is no such message for whoever asks."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("There is no message with this id.", field=("message_id",))


class ChannelClosed(Refusal):
    """Nothing comes in through this channel any more."""

    code: ClassVar[ErrorCode] = ErrorCode.CHANNEL_CLOSED


class StaleConversation(Refusal):
    """Somebody wrote meanwhile: read that first."""

    code: ClassVar[ErrorCode] = ErrorCode.STALE_CONVERSATION

    def __init__(self, missed: Sequence[UUID]) -> None:
        """Take what was missed, the oldest first."""
        message = (
            "There are newer interactions than you had seen: read them, and send your reply again if it still fits."
        )
        super().__init__(message, field=("expected_last_seq",))
        self.missed = tuple(missed)
