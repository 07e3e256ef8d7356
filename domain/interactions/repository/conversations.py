"""Every query about conversations that write: what is locked, and what is added."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, bindparam, func, select, update
from sqlalchemy import Sequence as Numbers
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.columns import Key, Whole
from domain.base.repository.rows import (
    UNSYNCHRONISED,
    insert_new_rows,
    insert_or_flag_rows,
    insert_rows,
    replace_rows,
    update_rows,
    upsert_rows,
)
from domain.base.sight import Sight
from domain.base.statements import prepared
from domain.customers.repository.families import is_in_family
from domain.interactions.errors import ConversationNotFound
from domain.interactions.model import (
    Channel,
    Conversation,
    ConversationReading,
    ConversationTag,
    ConversationTerm,
    Interaction,
)
from domain.interactions.repository.sight import is_channel_served, is_conversation_seen
from domain.interactions.rules.conversations import ConversationStatus, DeliveryState
from domain.orders.model import Order

NUMBERS = Numbers("conversation_numbers")
"""PostgreSQL's; SQLite's only writer counts."""


async def find_channel(session: AsyncSession, channel_id: UUID, *, sight: Sight) -> Any | None:  # noqa: ANN401  a row
    """Return the channel, where whoever acts sees the conversations that come in through it."""

    def build() -> Select[Any]:
        is_meant = Channel.id == bindparam("id", type_=Key())
        return select(*Channel.__table__.c).where(is_meant, is_channel_served(session, sight=sight))

    statement = prepared(session, ("channel", sight.kind), build)
    rows = await statement.rows(session, id=channel_id, **sight.parameters)
    return rows[0] if rows else None


async def get_conversation_for_update(session: AsyncSession, conversation_id: UUID, *, sight: Sight) -> Any:  # noqa: ANN401
    """Return the conversation, locked, so that whatever is added to it follows what was added before.

    Raises `ConversationNotFound` also for one that whoever acts does not see.
    """

    def build() -> Select[Any]:
        is_meant = Conversation.id == bindparam("id", type_=Key())
        statement = select(*Conversation.__table__.c).where(is_meant, is_conversation_seen(session, sight=sight))
        return statement.with_for_update(key_share=True)

    statement = prepared(session, ("conversation for update", sight.kind), build)
    rows = await statement.rows(session, id=conversation_id, **sight.parameters)
    if not rows:
        raise ConversationNotFound
    return rows[0]


async def find_by_client_message_id(
    session: AsyncSession, *, author_kind: str, author_id: UUID | None, client_message_id: str
) -> Any | None:  # noqa: ANN401  a row
    """Return what this author sent under an id of their own."""

    def build() -> Select[Any]:
        told: list[Any] = [Interaction.id, Interaction.conversation_id, Interaction.kind, Interaction.text]
        place = select(*told, Conversation.follow_up_of_id).join(
            Conversation, Conversation.id == Interaction.conversation_id
        )
        return place.where(
            Interaction.author_kind == bindparam("author_kind", type_=Text()),
            Interaction.author_id == bindparam("author_id", type_=Key()),
            Interaction.client_message_id == bindparam("client_message_id", type_=Text()),
        )

    rows = await prepared(session, ("by client message id",), build).rows(
        session, author_kind=author_kind, author_id=author_id, client_message_id=client_message_id
    )
    return rows[0] if rows else None


async def list_seqs_after(
    session: AsyncSession, conversation_id: UUID, *, seq: int, is_shopper: bool, limit: int
) -> list[UUID]:
    """Return the interactions behind a number, in whoever's counting, the oldest first."""

    def build() -> Select[Any]:
        counted = Interaction.shopper_seq if is_shopper else Interaction.seq
        is_meant = Interaction.conversation_id == bindparam("id", type_=Key())
        behind = counted > bindparam("seq", type_=Whole())
        return select(Interaction.id).where(is_meant, behind).order_by(counted).limit(bindparam("limit", type_=Whole()))

    statement = prepared(session, ("interactions after", is_shopper), build)
    return [row.id for row in await statement.rows(session, id=conversation_id, seq=seq, limit=limit)]


async def take_number(session: AsyncSession) -> int:
    """Return a number that no conversation has, greater than those before."""

    def build() -> Select[Any]:
        if session.get_bind().dialect.name == "sqlite":
            return select((func.coalesce(func.max(Conversation.number), 0) + 1).label("number"))
        return select(NUMBERS.next_value().label("number"))

    (row,) = await prepared(session, ("conversation number",), build).rows(session)
    return int(row.number)


async def add_conversation(session: AsyncSession, row: Mapping[str, Any]) -> None:
    """Keep a new conversation."""
    await insert_rows(session, Conversation, [row])


async def change_conversation(session: AsyncSession, conversation_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change these columns of a conversation that is locked."""
    await update_rows(session, Conversation, [{"id": conversation_id, **changes}])


async def add_interactions(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep new interactions of a conversation that is locked."""
    await insert_rows(session, Interaction, rows)


async def add_terms(
    session: AsyncSession, conversation_id: UUID, *, shown: Sequence[str], hidden: Sequence[str]
) -> None:
    """Let these words find a conversation; `hidden` ones staff only, unless something shown has them, too."""
    await _write_terms(session, conversation_id, sorted(set(shown)), is_shown=True)
    await _write_terms(session, conversation_id, sorted(set(hidden) - set(shown)), is_shown=False)


async def _write_terms(session: AsyncSession, conversation_id: UUID, words: Sequence[str], *, is_shown: bool) -> None:
    rows = [{"conversation_id": conversation_id, "term": word, "is_shown": is_shown} for word in words]
    if is_shown:
        await insert_or_flag_rows(session, ConversationTerm, rows, flag="is_shown")
    else:
        await insert_new_rows(session, ConversationTerm, rows)


async def replace_tags(session: AsyncSession, conversation_id: UUID, tags: Sequence[str]) -> None:
    """Make these the tags of a conversation that is locked."""
    rows = [{"conversation_id": conversation_id, "tag": tag} for tag in tags]
    await replace_rows(session, ConversationTag.conversation_id, [conversation_id], rows)


async def note_reading_place(session: AsyncSession, row: Mapping[str, Any]) -> None:
    """Keep how far somebody has read a conversation that is locked."""
    await upsert_rows(session, ConversationReading, [row])


async def find_order_of(session: AsyncSession, order_id: UUID, *, customer_id: UUID | None) -> UUID | None:
    """Return the order, where it is of the customer or of whoever they are merged with."""
    if customer_id is None:
        return None
    statement = select(Order.id).where(Order.id == order_id, is_in_family(Order.customer_id, customer_id))
    return (await session.execute(statement)).scalar_one_or_none()


async def list_tags(session: AsyncSession, conversation_id: UUID) -> list[str]:
    """Return the tags of a conversation, in alphabetical order."""
    statement = select(ConversationTag.tag).where(ConversationTag.conversation_id == conversation_id)
    return sorted((await session.scalars(statement)).all())


async def has_shown_between(session: AsyncSession, conversation_id: UUID, *, after: int, up_to: int) -> bool:
    """Tell whether the customer sees anything that stands behind one number and not behind the other."""
    statement = select(Interaction.id).where(
        Interaction.conversation_id == conversation_id,
        Interaction.seq > after,
        Interaction.seq <= up_to,
        Interaction.shopper_seq.is_not(None),
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def find_seq(session: AsyncSession, conversation_id: UUID, *, shopper_seq: int) -> int:
    """Return the number, in the staff's counting, of what has this number for the customer; 0 for none."""
    statement = select(Interaction.seq).where(
        Interaction.conversation_id == conversation_id, Interaction.shopper_seq == shopper_seq
    )
    return (await session.execute(statement)).scalar_one_or_none() or 0


async def find_reading_place(session: AsyncSession, conversation_id: UUID, *, reader_kind: str, reader_id: UUID) -> int:
    """Return how far somebody has read; 0 where they have not."""
    statement = select(ConversationReading.seq).where(
        ConversationReading.conversation_id == conversation_id,
        ConversationReading.reader_kind == reader_kind,
        ConversationReading.reader_id == reader_id,
    )
    return (await session.execute(statement)).scalar_one_or_none() or 0


async def deliver_up_to(session: AsyncSession, conversation_id: UUID, *, seq: int) -> list[UUID]:
    """Let the messages to the customer up to this number be READ; return those that were not before."""
    statement = (
        update(Interaction)
        .where(
            Interaction.conversation_id == conversation_id,
            Interaction.seq <= seq,
            Interaction.delivery.in_((DeliveryState.SENT, DeliveryState.DELIVERED)),
        )
        .values(delivery=DeliveryState.READ)
        .returning(Interaction.id, Interaction.seq)
    )
    rows = (await session.execute(statement, execution_options=UNSYNCHRONISED)).all()
    return [row.id for row in sorted(rows, key=lambda row: row.seq)]


async def list_snoozed(session: AsyncSession, *, before: datetime, limit: int) -> list[UUID]:
    """Return the conversations whose sleep is over, the longest over first."""
    statement = (
        select(Conversation.id)
        .where(Conversation.snoozed_until <= before, Conversation.status == ConversationStatus.SNOOZED)
        .order_by(Conversation.snoozed_until, Conversation.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def list_resolved(session: AsyncSession, *, before: datetime, limit: int) -> list[UUID]:
    """Return the conversations that were resolved before, and are not closed; the longest resolved first."""
    statement = (
        select(Conversation.id)
        .where(Conversation.status == ConversationStatus.RESOLVED, Conversation.resolved_at < before)
        .order_by(Conversation.resolved_at, Conversation.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))
