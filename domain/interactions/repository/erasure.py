"""Every statement that removes what conversations say of a person."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, UpdateBase, and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.base.repository.rows import UNSYNCHRONISED, chunks
from domain.customers.model import CustomerIdentity
from domain.customers.rules.identities import IdentityVerification
from domain.interactions.model import (
    Conversation,
    ConversationReading,
    ConversationTag,
    ConversationTerm,
    Interaction,
    ReceivedMessage,
)
from domain.interactions.rules.channels import CONTACT_COLUMNS, forgotten_id
from domain.interactions.rules.conversations import AuthorKind

_NOTHING = dict.fromkeys(("subject", "customer_id", "order_id", *CONTACT_COLUMNS))


async def lock_conversations_of(session: AsyncSession, customer_ids: Collection[UUID]) -> list[UUID]:
    """Return the conversations of these customers, locked, always in the same order.

    With them those of whom nobody was recognised in, but who wrote under a sign that is proven to be theirs.
    """
    found: list[UUID] = []
    for some in chunks(customer_ids):
        for statement in (select(Conversation.id).where(Conversation.customer_id.in_(some)), _of_unknown(some)):
            locked = statement.order_by(Conversation.id).with_for_update(key_share=True, of=Conversation)
            found += await session.scalars(locked)
    return list(dict.fromkeys(found))


def _of_unknown(customer_ids: Collection[UUID]) -> Select[Any]:
    sign, shared = CustomerIdentity, aliased(CustomerIdentity)
    is_shared = (
        select(shared.id)
        .where(
            shared.kind == sign.kind, shared.namespace == sign.namespace, shared.value == sign.value, shared.is_shared
        )
        .exists()
    )
    is_proven = (sign.verification == IdentityVerification.VERIFIED) & ~is_shared
    is_theirs = and_(
        sign.kind == Conversation.contact_kind,
        sign.namespace == Conversation.contact_namespace,
        sign.value == Conversation.contact_value,
    )
    statement = select(Conversation.id).join(sign, is_theirs)
    return statement.where(Conversation.customer_id.is_(None), sign.customer_id.in_(customer_ids), is_proven)


async def empty_conversations(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Take away what was said in conversations that are locked, by whom, and the words that find them.

    That there were conversations, when, and how long they took, stays.
    """
    for some in chunks(ids):
        is_here = Interaction.conversation_id.in_(some)
        read = ConversationReading
        await _forget_external_ids(session, some)
        statements: tuple[UpdateBase, ...] = (
            update(Interaction).where(is_here).values(text=None, client_message_id=None, failure_reason=None),
            update(Interaction).where(is_here, Interaction.author_kind == AuthorKind.CUSTOMER).values(author_id=None),
            delete(read).where(read.conversation_id.in_(some), read.reader_kind == AuthorKind.CUSTOMER),
            delete(ConversationTerm).where(ConversationTerm.conversation_id.in_(some)),
            delete(ConversationTag).where(ConversationTag.conversation_id.in_(some)),
            update(Conversation).where(Conversation.id.in_(some)).values(_NOTHING),
        )
        for statement in statements:
            await session.execute(statement, execution_options=UNSYNCHRONISED)


async def _forget_external_ids(session: AsyncSession, conversation_ids: Collection[UUID]) -> None:
    """Keep of the ids that channels' servers gave only by what they are recognised: what was told comes in once."""
    said = select(Interaction.id).where(Interaction.conversation_id.in_(conversation_ids))
    told: list[Any] = [ReceivedMessage.channel_id, ReceivedMessage.external_id]
    for row in (await session.execute(select(*told).where(ReceivedMessage.interaction_id.in_(said)))).all():
        is_meant = (ReceivedMessage.channel_id == row.channel_id) & (ReceivedMessage.external_id == row.external_id)
        await session.execute(
            update(ReceivedMessage).where(is_meant).values(external_id=forgotten_id(row.external_id)),
            execution_options=UNSYNCHRONISED,
        )


async def list_ids_in(session: AsyncSession, conversation_ids: Iterable[UUID]) -> list[UUID]:
    """Return everything that stands in these conversations."""
    found: list[UUID] = []
    for some in chunks(conversation_ids):
        found += await session.scalars(select(Interaction.id).where(Interaction.conversation_id.in_(some)))
    return found
