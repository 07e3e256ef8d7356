"""Conversations: what customers and the shop say to each other, numbered without a hole, and who has read how far."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.columns import SortedText
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.customers.rules.consents import ChannelKind
from domain.interactions.rules.conversations import (
    AuthorKind,
    ConversationStatus,
    DeliveryState,
    InteractionKind,
    Priority,
    WaitingOn,
)


class Channel(Base, kw_only=True):
    """A door through which customers come in."""

    __tablename__ = "channels"
    __table_args__ = (one_of("kind", ChannelKind), STRICT)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    store_id: Mapped[UUID | None] = mapped_column(ForeignKey("stores.id"))
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Conversation(Base, kw_only=True):
    """One matter between a customer and the shop, on one channel.

    `last_seq` is the number of the newest interaction, `shopper_seq` that of the newest one that the customer sees, in
    their own counting. Both rise under the lock of this row, so neither has a hole.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        one_of("status", ConversationStatus),
        one_of("waiting_on", WaitingOn),
        one_of("priority", Priority),
        Index("ix_conversations_updated_at", "updated_at", "id"),
        Index("ix_conversations_created_at", "created_at", "id"),
        Index("ix_conversations_customer_id", "customer_id", "updated_at", "id"),
        Index("ix_conversations_assignee_id", "assignee_id", "status", "updated_at"),
        Index("ix_conversations_status", "status", "updated_at", "id"),
        Index("ix_conversations_waiting_on", "waiting_on", "updated_at", "id"),
        Index("ix_conversations_priority", "priority_rank", "updated_at", "id"),
        Index(
            "ix_conversations_snoozed_until",
            "snoozed_until",
            sqlite_where=text("snoozed_until IS NOT NULL"),
            postgresql_where=text("snoozed_until IS NOT NULL"),
        ),
        Index(
            "ix_conversations_contact",
            "channel_id",
            "contact_value",
            sqlite_where=text("contact_value IS NOT NULL"),
            postgresql_where=text("contact_value IS NOT NULL"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    """By which people name it; it rises, and may have holes."""
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"), index=True)
    store_id: Mapped[UUID | None] = mapped_column(ForeignKey("stores.id"), index=True)
    """The channel's store: who works for it sees the conversation."""
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer_records.id"))
    """The record that it came in through, whoever that record is merged with."""
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    subject: Mapped[str | None]
    status: Mapped[str]
    waiting_on: Mapped[str]
    priority: Mapped[str]
    priority_rank: Mapped[int]
    """The priority as lists are ordered by it."""
    last_seq: Mapped[int]
    shopper_seq: Mapped[int]
    customer_message_seq: Mapped[int]
    """The number of the newest message of the customer; 0 where there is none."""
    staff_message_seq: Mapped[int]
    """The number of the newest message to the customer; 0 where there is none."""
    last_message_id: Mapped[UUID | None]
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    follow_up_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"), index=True)
    contact_kind: Mapped[str | None]
    contact_namespace: Mapped[str | None]
    contact_value: Mapped[str | None]
    """The sign under which the customer wrote, on a channel from outside: replies leave to it, whoever they are merged
    with. None in the shop's own chat."""
    contact_name: Mapped[str | None]
    """What they call themselves there."""
    thread_key: Mapped[str | None]
    """By which the channel's server knows the thread."""
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    shopper_version: Mapped[int]
    """Rises with what the customer sees, so that they do not notice a note."""
    shopper_updated_at: Mapped[datetime]
    """When something last happened that the customer sees."""


class ConversationTag(Base, kw_only=True):
    """A word that staff put on a conversation."""

    __tablename__ = "conversation_tags"
    __table_args__ = (Index("ix_conversation_tags_tag", "tag", "conversation_id"), STRICT)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class Interaction(Base, kw_only=True):
    """Something that happened in a conversation: a message, a note, a change of its status."""

    __tablename__ = "interactions"
    __table_args__ = (
        one_of("kind", InteractionKind),
        one_of("author_kind", AuthorKind),
        one_of("delivery", DeliveryState),
        one_of("status", ConversationStatus),
        one_of("previous_status", ConversationStatus),
        CheckConstraint("(kind = 'MESSAGE') = (delivery IS NOT NULL)", name="message"),
        CheckConstraint("kind != 'NOTE' OR shopper_seq IS NULL", name="note"),
        Index("uq_interactions_seq", "conversation_id", "seq", unique=True),
        Index(
            "uq_interactions_shopper_seq",
            "conversation_id",
            "shopper_seq",
            unique=True,
            sqlite_where=text("shopper_seq IS NOT NULL"),
            postgresql_where=text("shopper_seq IS NOT NULL"),
        ),
        Index(
            "uq_interactions_client_message_id",
            "author_kind",
            "author_id",
            "client_message_id",
            unique=True,
            sqlite_where=text("client_message_id IS NOT NULL"),
            postgresql_where=text("client_message_id IS NOT NULL"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]
    shopper_seq: Mapped[int | None]
    """Its number as the customer counts; None for what they do not see."""
    kind: Mapped[str]
    author_kind: Mapped[str]
    author_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    text: Mapped[str | None]
    client_message_id: Mapped[str | None]
    delivery: Mapped[str | None]
    edited_at: Mapped[datetime | None]
    previous_status: Mapped[str | None]
    status: Mapped[str | None]
    failure_reason: Mapped[str | None]
    """Why a message could not be sent, in the words of the channel's server."""


class ReceivedMessage(Base, kw_only=True):
    """A message that came in from outside, by the id that its channel's server gave it: it came once."""

    __tablename__ = "received_messages"
    __table_args__ = (STRICT,)

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    interaction_id: Mapped[UUID] = mapped_column(ForeignKey("interactions.id"), index=True)


class ConversationTerm(Base, kw_only=True):
    """A word that finds a conversation: folded, so that a search is a look-up in an index.

    `is_shown`: something that the customer sees has it, so that they find it by that, too.
    """

    __tablename__ = "conversation_terms"
    __table_args__ = (Index("ix_conversation_terms_term", "term", "conversation_id"), STRICT)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    term: Mapped[str] = mapped_column(SortedText(), primary_key=True)
    is_shown: Mapped[bool]


class ConversationReading(Base, kw_only=True):
    """How far somebody has read a conversation, in the staff's counting."""

    __tablename__ = "conversation_readings"
    __table_args__ = (one_of("reader_kind", AuthorKind), STRICT)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    reader_kind: Mapped[str] = mapped_column(primary_key=True)
    reader_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int]
    read_at: Mapped[datetime]
