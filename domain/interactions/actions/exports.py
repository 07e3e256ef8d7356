"""What is told of a person's conversations."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.database import Session
from domain.base.exports import Told, told
from domain.files.repository import list_attachment_ids, list_attachments_by_id
from domain.interactions.repository.exports import (
    list_conversations_of,
    list_own_readings,
    list_received_by_interaction,
    list_shown_by_conversation,
)
from domain.interactions.repository.interactions import list_tags_by_conversation

_COUNTING_NOTES = ("last_seq", "customer_message_seq", "staff_message_seq", "version", "updated_at")
_OPENING = ("secret", "upload_id")
"""Of files: what opens them, and where their bytes stand."""


async def tell_conversations(session: Session, ids: Sequence[UUID]) -> dict[str, list[Told]]:
    """Tell what was said, as they see it: not what the team notes for itself, nor what counts such notes."""
    conversations = await list_conversations_of(session, ids)
    keys = [conversation.id for conversation in conversations]
    tags = await list_tags_by_conversation(session, keys)
    shown = await list_shown_by_conversation(session, keys)
    said = [row.id for rows in shown.values() for row in rows]
    received = await list_received_by_interaction(session, said)
    files = await list_attachments_by_id(session, await list_attachment_ids(session, holder_ids=said, customer_ids=ids))
    return {
        "conversations": [
            told(conversation, without=_COUNTING_NOTES)
            | {
                "tags": tags[conversation.id],
                "interactions": [
                    told(row, without=("seq",)) | {"externalIds": [each.external_id for each in received[row.id]]}
                    for row in shown[conversation.id]
                ],
            }
            for conversation in conversations
        ],
        "files": [told(row, without=_OPENING) for row in files.values()],
        "readings": [told(row, without=("seq",)) for row in await list_own_readings(session, ids)],
    }
