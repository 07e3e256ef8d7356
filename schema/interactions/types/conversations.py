"""Conversations and what stands in them, as the API shows them to whoever asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.base.database import Session
from domain.base.pages import check_page
from domain.files.rules import HolderKind
from domain.identity.repository.keys import list_program_ids
from domain.interactions.actions.threads import author_of
from domain.interactions.repository.interactions import (
    count_interactions,
    count_unread,
    list_conversations_by_id,
    list_interactions_by_conversation,
    list_seen_interactions,
    list_tags_by_conversation,
)
from domain.interactions.rules.channels import CONTACT_COLUMNS
from domain.interactions.rules.conversations import AuthorKind, InteractionKind, shown_status
from schema.base.authors import Author
from schema.base.batched import batched
from schema.base.connections import Connection, Total, connect
from schema.base.context import Info
from schema.base.descriptions import After, Before, First, Last, given, shown
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.views import column, derived, view
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.timeline import TimelineItem, shown_in_timeline
from schema.files.types.attachments import Attachment, holds_files, load_attached
from schema.identity.types.staff import StaffMember, load_staff
from schema.interactions.policies import CONVERSATIONS, TEAM
from schema.interactions.types.channels import (
    Channel,
    Contact,
    ConversationStatus,
    DeliveryState,
    Priority,
    WaitingOn,
    contact_of,
    load_channels,
)
from schema.orders.types.documents import Order, load_orders

_SUMMARY_LENGTH = 100
_FILES_ONLY = "Attachment"
"""What stands for a message without words."""


def _seq(own: Any) -> int:  # noqa: ANN401
    return int(own.row.shopper_seq if own.is_shopper else own.row.seq)


def _status(name: str | None, *, is_shopper: bool) -> ConversationStatus | None:
    return None if name is None else shown_status(ConversationStatus(name), is_shopper=is_shopper)


def _summary(text: str | None) -> str:
    line = (_FILES_ONLY if text == "" else text or "").replace("\n", " ")
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[: _SUMMARY_LENGTH - 1]}…"


@strawberry.type(description="A program that writes for the shop.")
class Bot(Author):
    """See the description."""

    key: strawberry.Private[UUID]


@strawberry.interface(description="Something that happened in a conversation.")
class Interaction(Node):
    """See the description."""

    row: strawberry.Private[Any]
    seq: int = shown("Its number in the conversation: 1, 2, 3 … without a hole, in the counting of whoever asks.")
    occurred_at: datetime = shown("When it happened.")

    @batched(
        description="Who did it; null where nobody in particular did, or they were erased.",
        reads=("author_kind", "author_id"),
    )
    async def author(interactions: list["Interaction"], info: Info) -> list[Author | None]:  # noqa: N805
        """Read the authors of a level."""
        return await load_authors(info, [(each.row.author_kind, each.row.author_id) for each in interactions])

    @batched(description="In which it stands.", reads=("conversation_id",))
    async def conversation(interactions: list["Interaction"], info: Info) -> list["Conversation"]:  # noqa: N805
        """Read the conversations of a level."""
        wanted = list(dict.fromkeys(each.row.conversation_id for each in interactions))
        found = dict(zip(wanted, await load_conversations(info, wanted), strict=True))
        return [found[each.row.conversation_id] for each in interactions]  # who sees one sees both


@view(description="What somebody said.")
class Message(Interaction, TimelineItem):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Message", own.row.id))
    seq: int = derived(of=_seq, reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    summary: str = derived(of=lambda own: _summary(own.row.text), reads=("text",))
    text: str = derived(
        "What was said; empty where its author was erased.", of=lambda own: own.row.text or "", reads=("text",)
    )
    delivery: DeliveryState = derived(
        "How far it has come.", of=lambda own: DeliveryState(own.row.delivery), reads=("delivery",)
    )
    edited_at: datetime | None = column("When it was last edited; null where it never was.")
    client_message_id: str | None = column("The id that its author's client gave it.")
    failure_reason: str | None = column("Why it could not be sent; null for a shopper.")

    @batched(description="Files that came with it.", reads=())
    async def attachments(messages: list["Message"], info: Info) -> list[list[Attachment]]:  # noqa: N805
        """Read the files of a level."""
        return await load_attached(info, [each.row.id for each in messages])


@view(description="What staff noted. No shopper ever sees it, in whatever list, count, cursor or event.")
class Note(Interaction):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Note", own.row.id))
    seq: int = derived(of=_seq, reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    text: str = derived("What was noted.", of=lambda own: own.row.text or "", reads=("text",))
    client_message_id: str | None = column("The id that its author's client gave it.")


@view(description="The conversation came to another status.")
class StatusChange(Interaction):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("StatusChange", own.row.id))
    seq: int = derived(of=_seq, reads=("seq", "shopper_seq"))
    occurred_at: datetime = column()
    previous_status: ConversationStatus | None = derived(
        "What it was before.",
        of=lambda own: _status(own.row.previous_status, is_shopper=own.is_shopper),
        reads=("previous_status",),
    )
    status: ConversationStatus = derived(
        "What it is from then on.",
        of=lambda own: _status(own.row.status, is_shopper=own.is_shopper),
        reads=("status",),
    )


@view(description="One matter between a customer and the shop, on one channel.")
class Conversation(Node):
    """See the description."""

    row: strawberry.Private[Any]
    is_shopper: strawberry.Private[bool]
    id: strawberry.ID = derived(of=lambda own: global_id("Conversation", own.row.id))
    number: str = derived("The number that people know it by.", of=lambda own: str(own.row.number), reads=("number",))
    subject: str | None = column("What it is about, in a few words.")
    status: ConversationStatus = derived(
        "How far it has come.", of=lambda own: _status(own.row.status, is_shopper=own.is_shopper), reads=("status",)
    )
    waiting_on: WaitingOn = derived(
        "Whose turn it is.", of=lambda own: WaitingOn(own.row.waiting_on), reads=("waiting_on",)
    )
    priority: Priority | None = derived(
        "How urgent it is; null for a shopper.", of=lambda own: Priority(own.row.priority), reads=("priority",)
    )
    last_seq: int = derived(
        "The number of the newest interaction, in the counting of whoever asks.",
        of=lambda own: own.row.shopper_seq if own.is_shopper else own.row.last_seq,
        reads=("last_seq", "shopper_seq"),
    )
    contact: Contact | None = derived(
        "The sign under which the customer wrote, on a channel from outside, and to which replies leave whoever they "
        "are merged with; null in the shop's own chat, and for a shopper.",
        of=contact_of,
        reads=(*CONTACT_COLUMNS, "customer_id"),
    )
    snoozed_until: datetime | None = column("When it wakes; null where it does not sleep, and for a shopper.")
    version: int = derived(
        "Rises with each change that whoever asks sees: send it back as `expectedVersion`.",
        of=lambda own: own.row.shopper_version if own.is_shopper else own.row.version,
        reads=("version", "shopper_version"),
    )
    created_at: datetime = column("When it began.")
    updated_at: datetime = derived(
        "When something last happened in it that whoever asks sees.",
        of=lambda own: own.row.shopper_updated_at if own.is_shopper else own.row.updated_at,
        reads=("updated_at", "shopper_updated_at"),
    )

    @batched(description="Through which it came in.", reads=("channel_id",))
    async def channel(conversations: list["Conversation"], info: Info) -> list[Channel]:  # noqa: N805
        """Read the channels of a level."""
        found = await _load_each(load_channels, info, [each.row.channel_id for each in conversations])
        return [found[each.row.channel_id] for each in conversations]

    @batched(description="With whom it is; null for an unknown caller.", reads=("customer_id",))
    async def customer(conversations: list["Conversation"], info: Info) -> list[Customer | None]:  # noqa: N805
        """Read the customers of a level."""
        found = await _load_each(load_customers, info, [each.row.customer_id for each in conversations])
        return [found.get(each.row.customer_id) for each in conversations]

    @batched(description="Who is at it; null where it is in the queue.", reads=("assignee_id",))
    async def assignee(conversations: list["Conversation"], info: Info) -> list[StaffMember | None]:  # noqa: N805
        """Read the assignees of a level."""
        found = await _load_each(load_staff, info, [each.row.assignee_id for each in conversations])
        return [found.get(each.row.assignee_id) for each in conversations]

    @batched(description="The order that it is about.", reads=("order_id",))
    async def order(conversations: list["Conversation"], info: Info) -> list[Order | None]:  # noqa: N805
        """Read the orders of a level."""
        found = await _load_each(load_orders, info, [each.row.order_id for each in conversations])
        return [found.get(each.row.order_id) for each in conversations]

    @batched(description="The conversation that it follows, which was final.", reads=("follow_up_of_id",))
    async def follow_up_of(conversations: list["Conversation"], info: Info) -> list["Conversation | None"]:  # noqa: N805
        """Read the conversations before those of a level."""
        found = await _load_each(load_conversations, info, [each.row.follow_up_of_id for each in conversations])
        return [found.get(each.row.follow_up_of_id) for each in conversations]

    @batched(description="Words that staff put on it, in alphabetical order; none for a shopper.", reads=())
    async def tags(conversations: list["Conversation"], info: Info) -> list[list[str]]:  # noqa: N805
        """Read the tags of a level."""
        async with info.context.reading() as session:
            tags = await list_tags_by_conversation(session, [each.key for each in conversations])
        return [tags[each.key] for each in conversations]

    @batched(description="Messages of the other side that whoever asks has not read.", reads=())
    async def unread_count(conversations: list["Conversation"], info: Info) -> list[int]:  # noqa: N805
        """Count what is unread, for a level."""
        actor = info.context.actor
        if actor.id is None:
            return [0 for _ in conversations]
        async with info.context.reading() as session:
            counts = await count_unread(
                session, [each.key for each in conversations], reader_kind=author_of(actor), reader_id=actor.id
            )
        return [counts[each.key] for each in conversations]

    @batched(description="The newest message: the row of an inbox.", reads=("last_message_id",))
    async def last_message(conversations: list["Conversation"], info: Info) -> list[Message | None]:  # noqa: N805
        """Read the newest messages of a level."""
        found = await _load_each(load_messages, info, [each.row.last_message_id for each in conversations])
        return [found.get(each.row.last_message_id) for each in conversations]

    @batched(description="Everything that happened in it, the oldest first, as far as whoever asks sees it.", reads=())
    async def interactions(
        conversations: list["Conversation"],  # noqa: N805
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> list[Connection[Interaction]]:
        """Read a page for each conversation of a level."""
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        keys = [each.key for each in conversations]
        async with info.context.reading() as session:
            pages = await list_interactions_by_conversation(session, keys, page=page)
        make = _maker(info)
        return [connect(page, make, total=Total(_count, key)) for key, page in zip(keys, pages, strict=True)]

    @property
    def key(self) -> UUID:
        """Return the key behind the id."""
        key: UUID = self.row.id
        return key


def _maker(info: Info) -> Any:  # noqa: ANN401  what makes an interaction of a row
    is_shopper = info.context.actor.customer_id is not None
    kinds: dict[str, Any] = {
        InteractionKind.MESSAGE: Message,
        InteractionKind.NOTE: Note,
        InteractionKind.STATUS_CHANGE: StatusChange,
    }

    def make(row: Any) -> Interaction:  # noqa: ANN401
        made: Interaction = kinds[row.kind](row=row, is_shopper=is_shopper)
        return made

    return make


async def _count(session: Session, keys: Sequence[UUID | None]) -> list[int]:
    counts = await count_interactions(session, [key for key in keys if key is not None])
    return [0 if key is None else counts[key] for key in keys]


async def _load_each(load: Any, info: Info, keys: Sequence[UUID | None]) -> dict[UUID | None, Any]:  # noqa: ANN401
    """Read what the keys name, each once."""
    wanted = list(dict.fromkeys(key for key in keys if key is not None))
    return dict(zip(wanted, await load(info, wanted), strict=True)) if wanted else {}


@loads("Conversation", policy=CONVERSATIONS)
async def load_conversations(info: Info, ids: Sequence[UUID]) -> list[Conversation | None]:
    """Read conversations by their ids."""
    async with info.context.reading() as session:
        rows = await list_conversations_by_id(session, ids)
    is_shopper = info.context.actor.customer_id is not None
    return [Conversation(row=rows[key], is_shopper=is_shopper) if key in rows else None for key in ids]


async def load_interactions(info: Info, ids: Sequence[UUID]) -> list[Interaction | None]:
    """Read interactions by their ids, as far as whoever asks sees them."""
    async with info.context.reading() as session:
        rows = await list_seen_interactions(session, ids)
    make = _maker(info)
    return [make(rows[key]) if key in rows else None for key in ids]


async def _load_kind(info: Info, ids: Sequence[UUID], kind: type[Any]) -> list[Any]:
    return [found if isinstance(found, kind) else None for found in await load_interactions(info, ids)]


@shown_in_timeline("MESSAGE", type_name="Message", description="A message.", policy=CONVERSATIONS)
async def load_messages(info: Info, ids: Sequence[UUID]) -> list[Message | None]:
    """Read messages by their ids."""
    return await _load_kind(info, ids, Message)


@loads("Note", policy=TEAM)
async def load_notes(info: Info, ids: Sequence[UUID]) -> list[Note | None]:
    """Read notes by their ids."""
    return await _load_kind(info, ids, Note)


@loads("StatusChange", policy=CONVERSATIONS)
async def load_status_changes(info: Info, ids: Sequence[UUID]) -> list[StatusChange | None]:
    """Read changes of status by their ids."""
    return await _load_kind(info, ids, StatusChange)


@loads("Bot", policy=CONVERSATIONS)
async def load_bots(info: Info, ids: Sequence[UUID]) -> list[Bot | None]:
    """Read programs by their ids."""
    async with info.context.reading() as session:
        known = await list_program_ids(session, ids)
    return [_bot(key) if key in known else None for key in ids]


holds_files(HolderKind.INTERACTION, seen=list_seen_interactions)


async def load_authors(info: Info, named: Sequence[tuple[str, UUID | None]]) -> list[Author | None]:
    """Read who wrote: customers, staff, and programs, which have no name of their own."""
    of_kind: dict[str, dict[UUID | None, Any]] = {}
    for kind, load in ((AuthorKind.CUSTOMER, load_customers), (AuthorKind.STAFF, load_staff)):
        of_kind[kind] = await _load_each(load, info, [key for name, key in named if name == kind])
    return [of_kind[kind].get(key) if kind in of_kind else _bot(key) for kind, key in named]


def _bot(key: UUID | None) -> Bot | None:
    if key is None:
        return None
    return Bot(key=key, id=global_id("Bot", key), display_name="Bot", avatar_url=None)
