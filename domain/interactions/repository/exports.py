"""What is told of a person's conversations: every row, in the order in which it became known."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import rows_by_parent
from domain.interactions.model import Conversation, ConversationReading, Interaction, ReceivedMessage
from domain.interactions.rules.conversations import AuthorKind


async def list_conversations_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return every conversation of these customers."""
    statement = select(*Conversation.__table__.c).where(Conversation.customer_id.in_(ids))
    return (await session.execute(statement.order_by(Conversation.created_at, Conversation.id))).all()


async def list_shown_by_conversation(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Any]]:
    """Return what stands in each conversation that its customer sees."""
    found = await rows_by_parent(session, Interaction.conversation_id, ids, order_by=(Interaction.seq,))
    return {key: [row for row in rows if row.shopper_seq is not None] for key, rows in found.items()}


async def list_received_by_interaction(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Any]]:
    """Return under which ids of a channel's server these messages came in."""
    order_by = (ReceivedMessage.external_id,)
    return await rows_by_parent(session, ReceivedMessage.interaction_id, ids, order_by=order_by, needed=())


async def list_own_readings(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return how far these customers have read their conversations."""
    is_own = (ConversationReading.reader_kind == AuthorKind.CUSTOMER) & ConversationReading.reader_id.in_(ids)
    statement = select(*ConversationReading.__table__.c).where(
        is_own,
        ConversationReading.conversation_id.in_(select(Conversation.id).where(Conversation.customer_id.in_(ids))),
    )
    return (await session.execute(statement.order_by(ConversationReading.conversation_id))).all()
