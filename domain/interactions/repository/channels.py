"""Every query about channels, and what comes in and goes out through them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, bindparam, case, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import UNSYNCHRONISED, insert_rows, rows_by_id, update_rows
from domain.base.sight import Sight
from domain.base.statements import prepared
from domain.interactions.errors import ConversationNotFound, MessageNotFound
from domain.interactions.model import Channel, Conversation, Interaction, ReceivedMessage
from domain.interactions.repository.conversations import get_conversation_for_update
from domain.interactions.rules.channels import Contact, forgotten_id
from domain.interactions.rules.conversations import AuthorKind, InteractionKind

CHANNELS_MAX = 1_000
"""An organisation's channels are a short list, read whole."""


async def find_channel_by_name(session: AsyncSession, name: str) -> Channel | None:
    """Return the channel with this name."""
    return (await session.scalars(select(Channel).where(Channel.name == name))).one_or_none()


async def list_channels(session: AsyncSession) -> list[Row[Any]]:
    """Return all channels, by their names."""
    statement = select(*Channel.__table__.c).order_by(Channel.name, Channel.id).limit(CHANNELS_MAX)
    return list((await session.execute(statement)).all())


async def list_channels_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return channels by their ids."""
    return await rows_by_id(session, Channel, ids)


async def lock_contact(session: AsyncSession, channel_id: UUID, contact: str) -> None:
    """Let nobody else take in what this contact writes on a channel until the end of the transaction.

    Two messages that come at once are then of one conversation. SQLite has one writer anyway.
    """

    def build() -> Select[Any]:
        key = func.hashtextextended(bindparam("key", type_=Text()), 2)
        return select(cast(func.pg_advisory_xact_lock(key), Text()).label("lock"))

    if session.get_bind().dialect.name == "postgresql":
        await prepared(session, ("lock contact",), build).rows(session, key=f"{channel_id} {contact}")


async def find_received(session: AsyncSession, channel_id: UUID, external_id: str) -> Any | None:  # noqa: ANN401  a row
    """Return the message that came in under an id of the channel's server, also where it was erased."""
    ids = (external_id, forgotten_id(external_id))
    statement = (
        select(Interaction.id, Interaction.text, Interaction.conversation_id)
        .join(ReceivedMessage, ReceivedMessage.interaction_id == Interaction.id)
        .where(ReceivedMessage.channel_id == channel_id, ReceivedMessage.external_id.in_(ids))
    )
    return (await session.execute(statement)).first()


async def add_received(session: AsyncSession, *, channel_id: UUID, external_id: str, interaction_id: UUID) -> None:
    """Keep under which id a message came in."""
    row = {"channel_id": channel_id, "external_id": external_id, "interaction_id": interaction_id}
    await insert_rows(session, ReceivedMessage, [row])


async def find_newest_of_contact(
    session: AsyncSession, channel_id: UUID, *, contact: Contact, thread_key: str | None
) -> UUID | None:
    """Return the newest conversation of whoever writes under this sign on a channel, in this thread.

    What the shop began has no thread before the customer answers: where none has this one, that is it.
    """
    is_theirs = (
        (Conversation.channel_id == channel_id)
        & (Conversation.contact_value == contact.value)
        & (Conversation.contact_kind == contact.kind)
        & (Conversation.contact_namespace == contact.namespace)
    )
    has_none: ColumnElement[bool] = Conversation.thread_key.is_(None)
    is_thread = has_none
    if thread_key is not None:
        is_thread = (Conversation.thread_key == thread_key) | (has_none & (Conversation.customer_message_seq == 0))
    order = (case((has_none, 1), else_=0), Conversation.number.desc())
    statement = select(Conversation.id).where(is_theirs, is_thread).order_by(*order).limit(1)
    return (await session.execute(statement)).scalar_one_or_none()


async def get_message_for_update(session: AsyncSession, message_id: UUID, *, sight: Sight) -> tuple[Any, Any]:
    """Return a message and its conversation, which is locked. Raises `MessageNotFound`."""
    statement = select(Interaction.conversation_id).where(
        Interaction.id == message_id, Interaction.kind == InteractionKind.MESSAGE
    )
    conversation_id = (await session.execute(statement)).scalar_one_or_none()
    if conversation_id is None:
        raise MessageNotFound
    try:
        conversation = await get_conversation_for_update(session, conversation_id, sight=sight)
    except ConversationNotFound:
        raise MessageNotFound from None
    found = await session.execute(select(*Interaction.__table__.c).where(Interaction.id == message_id))
    return found.one(), conversation


async def change_message(session: AsyncSession, message_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change these columns of a message whose conversation is locked."""
    await update_rows(session, Interaction, [{"id": message_id, **changes}])


async def adopt_messages(session: AsyncSession, conversation_id: UUID, *, customer_id: UUID) -> Sequence[Row[Any]]:
    """Let what an unknown caller said be a customer's; return the conversation's messages, whoever wrote them."""
    is_here = Interaction.conversation_id == conversation_id
    is_unknown = (Interaction.author_kind == AuthorKind.CUSTOMER) & Interaction.author_id.is_(None)
    await session.execute(
        update(Interaction).where(is_here, is_unknown).values(author_id=customer_id),
        execution_options=UNSYNCHRONISED,
    )
    told: list[Any] = [Interaction.id, Interaction.occurred_at]
    statement = select(*told).where(is_here, Interaction.kind == InteractionKind.MESSAGE).order_by(Interaction.seq)
    return (await session.execute(statement)).all()
