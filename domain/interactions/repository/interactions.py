"""Every query about what stands in conversations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import Groups, Ordering, Page, PageRequest, list_pages_by_group
from domain.base.repository.rows import Columns, rows_by_id, rows_by_parent
from domain.base.sight import sight_of
from domain.base.statements import among
from domain.interactions.model import (
    Conversation,
    ConversationReading,
    ConversationTag,
    Interaction,
)
from domain.interactions.repository.sight import is_conversation_seen, is_interaction_seen
from domain.interactions.rules.conversations import AuthorKind, ConversationStatus, InteractionKind


async def list_conversations_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return the conversations among these that the session sees."""
    return await rows_by_id(session, Conversation, ids, where=(_is_seen, Conversation))


async def list_seen_interactions(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return the interactions among these that the session sees, in conversations that it sees."""
    return await rows_by_id(session, Interaction, ids, where=(_is_wholly_seen, Interaction))


def _is_wholly_seen(session: AsyncSession, interaction: type[Interaction]) -> ColumnElement[bool]:
    if sight_of(session).is_whole:
        return true()
    of_seen = select(Conversation.id).where(is_conversation_seen(session))
    return interaction.conversation_id.in_(of_seen) & is_interaction_seen(session, interaction)


async def list_interactions_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return interactions by their ids, whoever may see them."""
    return await rows_by_id(session, Interaction, ids)


def _is_seen(session: AsyncSession, conversation: type[Conversation]) -> ColumnElement[bool]:
    return is_conversation_seen(session, conversation)


NEWEST_INTERACTIONS = Ordering("interactions", (Interaction.seq, Interaction.id))
"""As they happened: the oldest first, as a chat shows them."""

SHOPPER_INTERACTIONS = Ordering("interactions.shopper", (Interaction.shopper_seq, Interaction.id))
"""The same for a shopper, by their own counting: a cursor tells the number of what it stands behind."""


async def list_interactions_by_conversation(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest, columns: Columns = None
) -> list[Page[Any]]:
    """Return a page of what stands in each conversation, as far as the session sees it, aligned to `ids`."""
    is_shopper = sight_of(session).customer_id is not None

    def runs() -> Subquery:
        return select(Conversation.id.label("group_id")).where(among(session, Conversation.id, "ids")).subquery("runs")

    return await list_pages_by_group(
        session,
        Interaction,
        Groups(
            ("by conversation", is_shopper),
            runs,
            lambda run, row: (row.conversation_id == run.c.group_id) & is_interaction_seen(session, row),
        ),
        keys=ids,
        ordering=SHOPPER_INTERACTIONS if is_shopper else NEWEST_INTERACTIONS,
        page=page,
        columns=columns,
    )


async def count_interactions(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how much of each conversation the session sees."""
    statement = (
        select(Interaction.conversation_id, func.count().label("size"))
        .where(Interaction.conversation_id.in_(ids), is_interaction_seen(session))
        .group_by(Interaction.conversation_id)
    )
    counts: dict[UUID, int] = defaultdict(int)
    counts.update({row[0]: row[1] for row in await session.execute(statement)})
    return counts


async def list_tags_by_conversation(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return the tags of each conversation, in alphabetical order."""
    order_by = (ConversationTag.tag,)
    found = await rows_by_parent(session, ConversationTag.conversation_id, ids, order_by=order_by, needed=())
    return defaultdict(list, {key: [row.tag for row in rows] for key, rows in found.items()})


async def count_unread(
    session: AsyncSession, ids: Iterable[UUID], *, reader_kind: str, reader_id: UUID
) -> dict[UUID, int]:
    """Return how many messages of the other side each conversation has that the reader has not read."""
    is_shopper = reader_kind == AuthorKind.CUSTOMER
    is_others = (
        (Interaction.author_kind != AuthorKind.CUSTOMER)
        if is_shopper
        else (Interaction.author_kind == AuthorKind.CUSTOMER)
    )
    place = (
        select(ConversationReading.seq)
        .where(
            ConversationReading.conversation_id == Interaction.conversation_id,
            ConversationReading.reader_kind == reader_kind,
            ConversationReading.reader_id == reader_id,
        )
        .correlate(Interaction)
        .scalar_subquery()
    )
    statement = (
        select(Interaction.conversation_id, func.count().label("size"))
        .where(
            Interaction.conversation_id.in_(list(ids)),
            Interaction.kind == InteractionKind.MESSAGE,
            is_others,
            Interaction.seq > func.coalesce(place, 0),
        )
        .group_by(Interaction.conversation_id)
    )
    counts: dict[UUID, int] = defaultdict(int)
    counts.update({row[0]: row[1] for row in await session.execute(statement)})
    return counts


async def count_open_by_assignee(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many conversations each member of staff is at that are not done, as far as the session sees them."""
    statement = (
        select(Conversation.assignee_id, func.count().label("size"))
        .where(
            Conversation.assignee_id.in_(list(ids)),
            Conversation.status.in_((ConversationStatus.NEW, ConversationStatus.OPEN, ConversationStatus.PENDING)),
            is_conversation_seen(session),
        )
        .group_by(Conversation.assignee_id)
    )
    counts: dict[UUID, int] = defaultdict(int)
    counts.update({row.assignee_id: row.size for row in await session.execute(statement) if row.assignee_id})
    return counts


async def list_readings(
    session: AsyncSession, conversation_ids: Iterable[UUID], *, reader_ids: Iterable[UUID]
) -> dict[tuple[UUID, UUID], Any]:
    """Return who of these has read how far in which conversation, in the counting of whoever asks."""
    shown = (
        select(func.max(Interaction.shopper_seq))
        .where(
            Interaction.conversation_id == ConversationReading.conversation_id,
            Interaction.seq <= ConversationReading.seq,
        )
        .correlate(ConversationReading)
        .scalar_subquery()
    )
    is_shopper = sight_of(session).customer_id is not None
    counted = func.coalesce(shown, 0) if is_shopper else ConversationReading.seq
    reading = ConversationReading
    statement = select(reading.conversation_id, reading.reader_id, reading.reader_kind, counted.label("seq")).where(
        reading.conversation_id.in_(list(set(conversation_ids))), reading.reader_id.in_(list(set(reader_ids)))
    )
    return {(row.conversation_id, row.reader_id): row for row in await session.execute(statement)}
