"""Conversations as a whole: how they begin, whose they are, what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from domain.base.actors import ActorKind, Permission
from domain.base.changes import UNCHANGED, Change, Unchanged, changed
from domain.base.errors import Checks, Invalid, InvalidState, NotFound, Required, VersionConflict
from domain.base.texts import check_length, clean_optional, clean_required
from domain.base.work import Work
from domain.customers.actions.access import require_customer
from domain.customers.errors import CustomerNotFound
from domain.customers.repository.customers import list_customers_by_record
from domain.customers.repository.families import hold_records
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.identities import IdentityKind
from domain.identity.repository.staff import list_staff_by_id
from domain.interactions.actions.receiving import make_known
from domain.interactions.actions.threads import Thread, author_of, begin_conversation, find_sent
from domain.interactions.errors import ChannelClosed
from domain.interactions.events import ConversationRead, InteractionChanged, NotesRead
from domain.interactions.repository.conversations import (
    deliver_up_to,
    find_channel,
    find_order_of,
    find_reading_place,
    find_seq,
    get_conversation_for_update,
    has_shown_between,
    list_tags,
    note_reading_place,
    replace_tags,
)
from domain.interactions.rules.channels import CONTACT_KINDS, Contact
from domain.interactions.rules.conversations import (
    SUBJECT_LENGTH_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    ConversationStatus,
    InteractionKind,
    MessageDetails,
    Priority,
    WaitingOn,
    check_message,
    check_snooze,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStart:
    """How a conversation begins."""

    channel_id: UUID
    message: MessageDetails
    customer_id: UUID | None = None
    """Whom it is with; None for a shopper, who is it themselves."""
    subject: str | None = None
    order_id: UUID | None = None


async def start_conversation(work: Work, *, start: ConversationStart) -> UUID:
    """Begin a conversation with its first message; return its id, the same one for a repeated `client_message_id`.

    Raises `Refusals`, `Forbidden`, `NotFound` for a channel, customer or order that is not there, `ChannelClosed`.
    Records `ConversationStarted`, `InteractionAdded`.
    """
    own_id = work.actor.customer_id
    if own_id is None:
        work.require(Permission.CONVERSATIONS_WRITE)
    message = check_message(start.message)
    subject = _subject(start.subject)
    known = await find_sent(work, message=message, kind=InteractionKind.MESSAGE)
    if known is not None:
        key: UUID = known.conversation_id
        return key
    customer_id = own_id if own_id is not None else start.customer_id
    if customer_id is None:
        text = "Say with which customer."
        raise Required(text, field=("customer_id",))
    await _hold(work, customer_id)
    channel = await find_channel(work.session, start.channel_id, sight=work.actor.sight)
    if channel is None:
        text = "There is no channel with this id."
        raise NotFound(text, field=("channel_id",))
    if not channel.is_active or (own_id is not None and channel.kind != ChannelKind.WEB_CHAT):
        text = "This channel takes nothing from here; choose another one."
        raise ChannelClosed(text, field=("channel_id",))
    if start.order_id is not None:
        await _require_order(work, start.order_id, customer_id=customer_id)
    columns = {
        **await _contact_of(work, channel, customer_id=customer_id),
        "channel_id": channel.id,
        "store_id": channel.store_id,
        "customer_id": customer_id,
        "subject": subject,
        "order_id": start.order_id,
        "status": ConversationStatus.NEW,
        "waiting_on": WaitingOn.US,
        "assignee_id": work.actor.id if work.actor.kind is ActorKind.STAFF else None,
    }
    thread = await begin_conversation(work, columns=columns)
    if own_id is None:
        thread.reply(message)
    else:
        await thread.hear(message)
    await thread.close()
    begun: UUID = thread["id"]
    return begun


async def _hold(work: Work, customer_id: UUID) -> None:
    """Let the customer be one of whom more may become known: nobody erases them meanwhile.

    Raises `Forbidden`, `CustomerNotFound`.
    """
    await require_customer(work, customer_id=customer_id, needs=Permission.CONVERSATIONS_WRITE)
    if not await hold_records(work.session, [customer_id]):
        raise CustomerNotFound


async def _contact_of(work: Work, channel: Any, *, customer_id: UUID) -> Mapping[str, Any]:  # noqa: ANN401  a row
    """Return to whom what is said leaves the shop, on a channel from outside. Raises `InvalidState`."""
    kind = CONTACT_KINDS.get(ChannelKind(channel.kind))
    if kind is None:
        return {}
    customer = (await list_customers_by_record(work.session, [customer_id]))[customer_id]
    value = customer.email if kind is IdentityKind.EMAIL else customer.phone
    if value is None:
        text = "This customer has no address on this channel; choose another one, or add it to their profile."
        raise InvalidState(text, field=("channel_id",))
    return Contact(kind=kind, value=value).columns


async def _require_order(work: Work, order_id: UUID, *, customer_id: UUID | None) -> None:
    if await find_order_of(work.session, order_id, customer_id=customer_id) is None:
        text = "This customer has no order with this id."
        raise NotFound(text, field=("order_id",))


async def set_status(
    work: Work,
    *,
    conversation_id: UUID,
    status: ConversationStatus,
    snoozed_until: datetime | None = None,
    expected_version: int | None = None,
) -> UUID:
    """Give the conversation another status; the one that it has already changes nothing but a snooze's end.

    Raises `ConversationNotFound`, `InvalidState` for a status that does not follow, `Invalid` for a snooze that ends
    in the past, `VersionConflict`. Records `ConversationChanged`, `InteractionAdded`. Locks the conversation.
    """
    work.require(Permission.CONVERSATIONS_WRITE)
    thread = await _thread(work, conversation_id, expected_version)
    check_snooze(status, until=snoozed_until, now=work.now)
    if thread.status is not status:
        thread.become(status, until=snoozed_until)
    elif thread["snoozed_until"] == snoozed_until:
        return conversation_id
    else:
        thread.change(snoozed_until=snoozed_until)
    await thread.close()
    return conversation_id


async def assign(
    work: Work, *, conversation_id: UUID, assignee_id: UUID | None, expected_version: int | None = None
) -> UUID:
    """Give the conversation to a member of staff, or back to the queue; who has it already keeps it.

    Raises `ConversationNotFound`, `NotFound` for a member who is not there or not active, `VersionConflict`. Records
    `ConversationChanged`. Locks the conversation.
    """
    work.require(Permission.CONVERSATIONS_WRITE)
    thread = await _thread(work, conversation_id, expected_version)
    if assignee_id is not None:
        member = (await list_staff_by_id(work.session, [assignee_id])).get(assignee_id)
        if member is None or not member.is_active:
            text = "There is no active member of staff with this id."
            raise NotFound(text, field=("assignee_id",))
    if thread["assignee_id"] != assignee_id:
        thread.change(assignee_id=assignee_id)
        await thread.close()
    return conversation_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationChanges:
    """What is to be known of a conversation from now on; what is left out stays as it is."""

    subject: Change[str | None] = UNCHANGED
    priority: Change[Priority] = UNCHANGED
    tags: Change[Sequence[str]] = UNCHANGED
    waiting_on: Change[WaitingOn] = UNCHANGED
    order_id: Change[UUID | None] = UNCHANGED
    customer_id: Change[UUID] = UNCHANGED


async def update_conversation(
    work: Work, *, conversation_id: UUID, changes: ConversationChanges, expected_version: int | None = None
) -> UUID:
    """Change what is known of a conversation; its customer only as long as nobody was recognised.

    Raises `Refusals`, `ConversationNotFound`, `NotFound` for an order or customer that is not there, `InvalidState` for
    another customer than the one who is known, `VersionConflict`. Records `ConversationChanged`. Locks the
    conversation.
    """
    work.require(Permission.CONVERSATIONS_WRITE)
    thread = await _thread(work, conversation_id, expected_version)
    tags = None if isinstance(changes.tags, Unchanged) else check_tags(changes.tags)
    customer_id = await _customer_of(work, thread, changes)
    order_id = changed(changes.order_id, thread["order_id"])
    if order_id is not None and order_id != thread["order_id"]:
        await _require_order(work, order_id, customer_id=customer_id)
    priority = changed(changes.priority, Priority(thread["priority"]))
    wanted = {
        "subject": _subject(changed(changes.subject, thread["subject"])),
        "priority": priority,
        "priority_rank": list(Priority).index(priority),
        "waiting_on": changed(changes.waiting_on, WaitingOn(thread["waiting_on"])),
        "order_id": order_id,
        "customer_id": customer_id,
    }
    if customer_id is not None and thread["customer_id"] is None:
        await make_known(work, thread=thread, customer_id=customer_id)
    differing = {name: value for name, value in wanted.items() if value != thread[name]}
    is_retagged = tags is not None and tags != await list_tags(work.session, conversation_id)
    if not differing and not is_retagged and not thread.is_another:
        return conversation_id
    if tags is not None and is_retagged:
        await replace_tags(work.session, conversation_id, tags)
    thread.change(**differing)
    await thread.close()
    return conversation_id


async def _customer_of(work: Work, thread: Thread, changes: ConversationChanges) -> UUID | None:
    """Return whose conversation it will be. Raises `InvalidState`, `CustomerNotFound`."""
    known: UUID | None = thread["customer_id"]
    wanted = changed(changes.customer_id, known)
    if wanted is None or wanted == known:
        return known
    if known is not None:
        text = "This conversation has its customer: merge the two where they are one person."
        raise InvalidState(text, field=("customer_id",))
    await _hold(work, wanted)
    return wanted


async def mark_read(work: Work, *, conversation_id: UUID, seq: int) -> UUID:
    """Keep how far the actor has read a conversation, in their own counting; what is read stays read.

    What the shop sent is READ once the customer has read it. Raises `ConversationNotFound`, `Invalid` for a number that
    nothing has. Records `ConversationRead` or `NotesRead`, `InteractionChanged`. Locks the conversation.
    """
    is_shopper = work.actor.customer_id is not None
    if not is_shopper:
        work.require(Permission.CONVERSATIONS_READ)
    row = await get_conversation_for_update(work.session, conversation_id, sight=work.actor.sight)
    newest = row.shopper_seq if is_shopper else row.last_seq
    if not 0 <= seq <= newest:
        text = f"The newest interaction has the number {newest}."
        raise Invalid(text, field=("seq",))
    if work.actor.id is None:
        return conversation_id
    own = await find_seq(work.session, conversation_id, shopper_seq=seq) if is_shopper else seq
    known = await find_reading_place(
        work.session, conversation_id, reader_kind=author_of(work.actor), reader_id=work.actor.id
    )
    if own <= known:
        return conversation_id
    await note_reading_place(
        work.session,
        {
            "conversation_id": conversation_id,
            "reader_kind": author_of(work.actor),
            "reader_id": work.actor.id,
            "seq": own,
            "read_at": work.now,
        },
    )
    if is_shopper or await has_shown_between(work.session, conversation_id, after=known, up_to=own):
        work.record(
            ConversationRead(conversation_id=conversation_id, customer_id=row.customer_id, reader_id=work.actor.id)
        )
    else:
        work.record(NotesRead(conversation_id=conversation_id, reader_id=work.actor.id))
    for key in await deliver_up_to(work.session, conversation_id, seq=own) if is_shopper else ():
        work.record(
            InteractionChanged(conversation_id=conversation_id, interaction_id=key, customer_id=row.customer_id)
        )
    return conversation_id


def check_tags(tags: Sequence[str]) -> list[str]:
    """Return tags, cleaned, once each, in alphabetical order. Raises `Refusals`."""
    check_length(tags, count_max=TAGS_MAX)
    checks = Checks()
    cleaned = [
        checks.take(partial(clean_required, tag, length_max=TAG_LENGTH_MAX), "tags", place)
        for place, tag in enumerate(tags)
    ]
    checks.settle()
    return sorted({tag for tag in cleaned if tag is not None})


def _subject(subject: str | None) -> str | None:
    checks = Checks()
    cleaned = checks.take(lambda: clean_optional(subject, length_max=SUBJECT_LENGTH_MAX), "subject")
    checks.settle()
    return cleaned


async def _thread(work: Work, conversation_id: UUID, expected_version: int | None) -> Thread:
    """Lock a conversation. Raises `ConversationNotFound`, `VersionConflict`."""
    row = await get_conversation_for_update(work.session, conversation_id, sight=work.actor.sight)
    if expected_version is not None and row.version != expected_version:
        text = "Somebody changed the conversation first; read it again and decide anew."
        raise VersionConflict(text, current_version=row.version)
    return Thread(work, row)
