"""Which conversations are seen, as part of a query: a shopper's own, a partner agent's stores'."""

from sqlalchemy import ColumnElement, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.sight import Sight, sight_of
from domain.base.statements import is_of_stores, shopper_of
from domain.customers.repository.families import is_in_family
from domain.interactions.model import Channel, Conversation, Interaction


def is_conversation_seen(
    session: AsyncSession, conversation: type[Conversation] = Conversation, *, sight: Sight | None = None
) -> ColumnElement[bool]:
    """Say that the session sees a conversation; `sight`: who acts, in a write, whose session sees everything."""
    seen = sight_of(session) if sight is None else sight
    if seen.customer_id is not None:
        return is_in_family(conversation.customer_id, shopper_of(seen))
    return true() if seen.store_ids is None else is_of_stores(session, seen, conversation.store_id)


def is_channel_served(session: AsyncSession, *, sight: Sight) -> ColumnElement[bool]:
    """Say that whoever acts sees what comes in through a channel: a partner agent, through those of their stores."""
    return true() if sight.store_ids is None else is_of_stores(session, sight, Channel.store_id)


def is_interaction_seen(session: AsyncSession, interaction: type[Interaction] = Interaction) -> ColumnElement[bool]:
    """Say that a session that sees the conversation sees this of it: a shopper what counts for them."""
    return true() if sight_of(session).customer_id is None else interaction.shopper_seq.is_not(None)
