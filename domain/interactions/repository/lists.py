"""Lists of conversations: the inbox, its filters and counts, and a customer's own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, false, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import Groups, Ordering, Page, PageRequest, list_page, list_pages_by_group
from domain.base.repository.rows import Columns, plan_by_values
from domain.base.sight import sight_of
from domain.customers.repository.families import is_in_family, members
from domain.identity.model import Store
from domain.interactions.model import Channel, Conversation, ConversationReading, ConversationTag, ConversationTerm
from domain.interactions.repository.sight import is_conversation_seen
from domain.interactions.rules.conversations import statuses_behind

_HIGHEST_CHARACTER = "\U0010ffff"


class SortField(StrEnum):
    """By what conversations are ordered."""

    UPDATED_AT = "UPDATED_AT"
    CREATED_AT = "CREATED_AT"
    PRIORITY = "PRIORITY"


_COLUMNS: Mapping[SortField, tuple[Any, ...]] = {
    SortField.UPDATED_AT: (Conversation.updated_at, Conversation.id),
    SortField.CREATED_AT: (Conversation.created_at, Conversation.id),
    SortField.PRIORITY: (Conversation.priority_rank, Conversation.updated_at, Conversation.id),
}
ORDERINGS = {
    (field, is_descending): Ordering(f"conversations.{field}", columns, is_descending=is_descending)
    for field, columns in _COLUMNS.items()
    for is_descending in (True, False)
}
"""Every order of a list of conversations; each has an index that it is read from."""

_BY_SHOPPER = (Conversation.shopper_updated_at, Conversation.id)
SHOPPER_ORDERINGS = {
    **{key: ordering for key, ordering in ORDERINGS.items() if key[0] is SortField.CREATED_AT},
    (SortField.UPDATED_AT, True): Ordering("conversations.shopper", _BY_SHOPPER, is_descending=True),
    (SortField.UPDATED_AT, False): Ordering("conversations.shopper", _BY_SHOPPER),
}
"""Those of a shopper, who neither notices a note nor learns how urgent the shop thinks they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks what they have not read."""

    kind: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """Which conversations a list is about; None and empty mean all."""

    statuses: Sequence[str] = ()
    store_codes: Sequence[str] = ()
    assignee_id: UUID | None = None
    is_unassigned: bool | None = None
    channel_kinds: Sequence[str] = ()
    customer_id: UUID | None = None
    priorities: Sequence[str] = ()
    tags: Sequence[str] = ()
    waiting_on: Sequence[str] = ()
    is_unread: bool | None = None
    words: Sequence[str] | None = None
    """Each begins a word of the conversation; none at all finds nothing."""


async def list_conversations(
    session: AsyncSession, *, wanted: ConversationFilter, ordering: Ordering, page: PageRequest, reader: Reader | None
) -> Page[Row[Any]]:
    """Return one page of the conversations that the filter names."""
    statement = _narrowed(session, select(*Conversation.__table__.c), wanted, reader)
    if wanted.words:
        await plan_by_values(session)
    return await list_page(
        session,
        lambda: statement.where(is_conversation_seen(session)),
        ordering=ordering,
        page=page,
        key=("conversations",) if wanted == ConversationFilter() else None,
    )


async def count_conversations(session: AsyncSession, *, wanted: ConversationFilter, reader: Reader | None) -> int:
    """Return how many conversations the filter names."""
    statement = _narrowed(session, select(func.count()).select_from(Conversation), wanted, reader)
    count: int = (await session.execute(statement.where(is_conversation_seen(session)))).scalar_one()
    return count


async def list_conversations_by_customer(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest, columns: Columns = None
) -> list[Page[Any]]:
    """Return a page of conversations for each customer, with all their family's, the newest first, aligned to `ids`."""
    orderings = ORDERINGS if sight_of(session).customer_id is None else SHOPPER_ORDERINGS
    return await list_pages_by_group(
        session,
        Conversation,
        Groups(
            ("by customer",),
            lambda: members(session),
            lambda family, row: (row.customer_id == family.c.id) & is_conversation_seen(session, row),
        ),
        keys=ids,
        ordering=orderings[SortField.UPDATED_AT, True],
        page=page,
        columns=columns,
    )


def _narrowed(
    session: AsyncSession, statement: Select[Any], wanted: ConversationFilter, reader: Reader | None
) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [_has_status(session, wanted.statuses)] if wanted.statuses else []
    for column, values in (
        (Conversation.priority, wanted.priorities),
        (Conversation.waiting_on, wanted.waiting_on),
    ):
        if values:
            conditions.append(column.in_(values))
    if wanted.store_codes:
        conditions.append(Conversation.store_id.in_(select(Store.id).where(Store.code.in_(wanted.store_codes))))
    if wanted.channel_kinds:
        conditions.append(Conversation.channel_id.in_(select(Channel.id).where(Channel.kind.in_(wanted.channel_kinds))))
    if wanted.assignee_id is not None:
        conditions.append(Conversation.assignee_id == wanted.assignee_id)
    if wanted.is_unassigned is not None:
        is_free = Conversation.assignee_id.is_(None)
        conditions.append(is_free if wanted.is_unassigned else ~is_free)
    if wanted.customer_id is not None:
        conditions.append(is_in_family(Conversation.customer_id, wanted.customer_id))
    if wanted.tags:
        tagged = exists().where(
            ConversationTag.conversation_id == Conversation.id, ConversationTag.tag.in_(wanted.tags)
        )
        conditions.append(tagged)
    if wanted.is_unread is not None and reader is not None:
        is_unread = _is_unread(reader)
        conditions.append(is_unread if wanted.is_unread else ~is_unread)
    return statement.where(*conditions, *_words(session, wanted.words))


def _words(session: AsyncSession, words: Sequence[str] | None) -> list[ColumnElement[bool]]:
    if words is None:
        return []
    return [_has_word(session, word) for word in words] or [false()]


def _has_word(session: AsyncSession, word: str) -> ColumnElement[bool]:
    """Say that a word of a conversation begins so; a shopper's search knows nothing of notes."""
    term = ConversationTerm
    begins = and_(term.term >= word, term.term < word + _HIGHEST_CHARACTER)
    is_seen = true() if sight_of(session).customer_id is None else term.is_shown
    return Conversation.id.in_(select(term.conversation_id).where(begins, is_seen))


def _has_status(session: AsyncSession, statuses: Collection[str]) -> ColumnElement[bool]:
    """Say that a conversation has one of these statuses, as the session sees them: maybe none has."""
    behind = statuses_behind(statuses, is_shopper=sight_of(session).customer_id is not None)
    return Conversation.status.in_(sorted(behind))


def _is_unread(reader: Reader) -> ColumnElement[bool]:
    """Say that a conversation has a message of the other side that the reader has not read."""
    newest = Conversation.staff_message_seq if reader.kind == "CUSTOMER" else Conversation.customer_message_seq
    is_read = exists().where(
        ConversationReading.conversation_id == Conversation.id,
        ConversationReading.reader_kind == reader.kind,
        ConversationReading.reader_id == reader.id,
        ConversationReading.seq >= newest,
    )
    return (newest > 0) & ~is_read
