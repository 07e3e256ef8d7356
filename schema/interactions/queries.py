"""Reading conversations: one, the inbox, and a customer's own."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.database import Session
from domain.base.errors import Forbidden, Invalid
from domain.base.pages import Ordering, check_page
from domain.customers.repository.families import count_by_family
from domain.interactions.actions.threads import author_of
from domain.interactions.model import Conversation as ConversationRow
from domain.interactions.repository.channels import list_channels
from domain.interactions.repository.lists import (
    ORDERINGS,
    SHOPPER_ORDERINGS,
    Reader,
    SortField,
    count_conversations,
    list_conversations,
    list_conversations_by_customer,
)
from domain.interactions.repository.lists import (
    ConversationFilter as Wanted,
)
from domain.interactions.repository.sight import is_conversation_seen
from schema.base.batched import batched
from schema.base.connections import Connection, Total, connect, count_of
from schema.base.context import Info
from schema.base.descriptions import After, Before, Filter, First, GlobalId, Last, OrderBy, given
from schema.base.extends import extends
from schema.base.ids import key_of
from schema.base.types import Direction
from schema.customers.types.customers import Customer
from schema.customers.types.merges import CustomerMergePreview
from schema.interactions.inputs.lists import ConversationFilter, ConversationSort
from schema.interactions.types.channels import Channel
from schema.interactions.types.conversations import Conversation, load_conversations

FILTERS_MAX = 20


def _reader(info: Info) -> Reader | None:
    """Return who asks what they have not read."""
    actor = info.context.actor
    return None if actor.id is None else Reader(kind=author_of(actor), id=actor.id)


def _wanted(info: Info, named: ConversationFilter) -> Wanted:
    """Return what is asked for. Raises `Forbidden` for a shopper who asks by what only staff see."""
    wanted = named.wanted()
    if wanted.priorities or wanted.tags:
        _require_staff(info, "Shoppers do not filter by priority or tag; leave them out.")
    return wanted


def _ordering(info: Info, sort: ConversationSort | None) -> Ordering:
    """Return the order that is asked for, by default the newest first. Raises `Forbidden` as `_wanted` does."""
    field = SortField.UPDATED_AT if sort is None else sort.field
    if field is SortField.PRIORITY:
        _require_staff(info, "Shoppers do not sort by priority; choose another field.")
    orderings = ORDERINGS if info.context.actor.customer_id is None else SHOPPER_ORDERINGS
    return orderings[field, sort is None or sort.direction is Direction.DESC]


def _require_staff(info: Info, message: str) -> None:
    if info.context.actor.customer_id is not None:
        raise Forbidden(message)


@strawberry.type
class InteractionQueries:
    """Root fields about conversations."""

    @strawberry.field(description="The doors through which customers come in. Needs `conversations:read`.")
    async def channels(self, info: Info) -> list[Channel]:
        """Read the channels."""
        async with info.context.reading() as session:
            rows = await list_channels(session)
        is_shopper = info.context.actor.customer_id is not None
        return [Channel(row=row) for row in rows if row.is_active or not is_shopper]

    @strawberry.field(description="One conversation; null where there is none. Needs `conversations:read`.")
    async def conversation(self, info: Info, id: GlobalId) -> Conversation | None:  # noqa: A002
        """Read one conversation."""
        key = key_of(id, "Conversation")
        return None if key is None else (await load_conversations(info, [key]))[0]

    @strawberry.field(
        description="Conversations, filtered, those first in which something happened last. Needs `conversations:read`."
    )
    async def conversations(
        self,
        info: Info,
        filter: Filter[ConversationFilter] = UNSET,  # noqa: A002
        order_by: OrderBy[ConversationSort] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Conversation] | None:
        """Read a page of conversations."""
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        named, sort, reader = given(filter), given(order_by), _reader(info)
        wanted = Wanted() if named is None else _wanted(info, named)
        ordering = _ordering(info, sort)
        async with info.context.reading() as session:
            found = await list_conversations(session, wanted=wanted, ordering=ordering, page=page, reader=reader)
        is_shopper = info.context.actor.customer_id is not None
        count = count_of(lambda session: count_conversations(session, wanted=wanted, reader=reader))
        return connect(found, lambda row: Conversation(row=row, is_shopper=is_shopper), total=Total(count))

    @strawberry.field(
        description="How many conversations each filter names, at most 20 filters. Needs `conversations:read`."
    )
    async def conversation_counts(
        self,
        info: Info,
        filters: Annotated[
            list[ConversationFilter], strawberry.argument(description="Which conversations are counted, each apart.")
        ],
    ) -> list[int]:
        """Count conversations."""
        if len(filters) > FILTERS_MAX:
            message = f"At most {FILTERS_MAX} filters at once."
            raise Invalid(message)
        reader = _reader(info)
        async with info.context.reading() as session:
            return [await count_conversations(session, wanted=_wanted(info, each), reader=reader) for each in filters]


@extends(Customer)
@batched(description="Their conversations on all channels, those first in which something happened last.", reads=())
async def conversations(
    customers: list[Customer],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> list[Connection[Conversation]]:
    """Read a page of conversations for each customer of a level."""
    page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
    keys = [customer.key for customer in customers]
    async with info.context.reading() as session:
        pages = await list_conversations_by_customer(session, keys, page=page)
    is_shopper = info.context.actor.customer_id is not None
    return [
        connect(page, lambda row: Conversation(row=row, is_shopper=is_shopper), total=Total(_count_by_customer, key))
        for key, page in zip(keys, pages, strict=True)
    ]


async def _count_by_customer(session: Session, keys: Sequence[UUID | None]) -> list[int]:
    counts = await count_by_family(
        session,
        ConversationRow.customer_id,
        [key for key in keys if key is not None],
        where=(is_conversation_seen, ConversationRow),
    )
    return [0 if key is None else counts[key] for key in keys]


@extends(CustomerMergePreview)
@batched(description="How many conversations the one customer would have.")
async def conversation_count(previews: list[CustomerMergePreview], info: Info) -> list[int]:
    """Count what both have now."""
    keys = list(dict.fromkeys(key for preview in previews for key in preview.keys))
    async with info.context.reading() as session:
        counts = dict(zip(keys, await _count_by_customer(session, keys), strict=True))
    return [sum(counts[key] for key in preview.keys) for preview in previews]
