"""Every query about what stands in conversations."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import UNSYNCHRONISED, chunks, rows_by_id
from domain.interactions.model import Conversation, ConversationReading, Interaction
from domain.interactions.repository.sight import is_conversation_seen
from domain.interactions.rules.conversations import AuthorKind


async def list_conversations_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return the conversations among these that the session sees."""
    return await rows_by_id(session, Conversation, ids, where=(_is_seen, Conversation))


async def list_interactions_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return interactions by their ids, whoever may see them."""
    return await rows_by_id(session, Interaction, ids)


def _is_seen(session: AsyncSession, conversation: type[Conversation]) -> Any:  # noqa: ANN401
    return is_conversation_seen(session, conversation)


async def empty_conversations(session: AsyncSession, customer_ids: Iterable[UUID]) -> list[UUID]:
    """Take away what these customers said and what was said to them; return the conversations.

    That there were conversations, when, and how long they took, stays.
    """
    emptied: list[UUID] = []
    for chunk in chunks(customer_ids):
        ids = list(await session.scalars(select(Conversation.id).where(Conversation.customer_id.in_(chunk))))
        for some in chunks(ids):
            await session.execute(
                update(Interaction)
                .where(Interaction.conversation_id.in_(some))
                .values(text=None, client_message_id=None),
                execution_options=UNSYNCHRONISED,
            )
            await session.execute(
                update(Interaction)
                .where(Interaction.conversation_id.in_(some), Interaction.author_kind == AuthorKind.CUSTOMER)
                .values(author_id=None),
                execution_options=UNSYNCHRONISED,
            )
            await session.execute(
                ConversationReading.__table__.delete().where(
                    ConversationReading.conversation_id.in_(some),
                    ConversationReading.reader_kind == AuthorKind.CUSTOMER,
                )
            )
            await session.execute(
                update(Conversation)
                .where(Conversation.id.in_(some))
                .values(subject=None, customer_id=None, order_id=None),
                execution_options=UNSYNCHRONISED,
            )
        emptied += ids
    return emptied
