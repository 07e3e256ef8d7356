"""Channels from outside: what came in through them, and what became of what went out."""

from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import IdempotencyMismatch, InvalidState, NotFound
from domain.base.work import Work
from domain.customers.actions.timeline import Happening, place_in_timeline
from domain.customers.repository.families import hold_records, list_canonical_ids
from domain.customers.repository.identities import find_record_by_identity
from domain.customers.rules.identities import is_blocked
from domain.identity.repository.stores import find_home_country
from domain.interactions.actions.threads import Thread, begin_conversation
from domain.interactions.errors import ChannelClosed
from domain.interactions.events import InteractionChanged
from domain.interactions.repository.channels import (
    add_received,
    adopt_messages,
    change_message,
    find_newest_of_contact,
    find_received,
    get_message_for_update,
    lock_contact,
)
from domain.interactions.repository.conversations import find_channel, get_conversation_for_update
from domain.interactions.rules.channels import Contact, Received, check_delivery, check_received
from domain.interactions.rules.conversations import (
    AuthorKind,
    ConversationStatus,
    DeliveryState,
    MessageDetails,
    WaitingOn,
    is_further,
)


async def receive_message(work: Work, *, channel_id: UUID, received: Received) -> UUID:
    """Take in what somebody wrote on a channel; return the message, the same one for what came before.

    Who wrote is recognised by a sign that is verified as theirs, and by nothing else. It joins the newest conversation
    of the same sign on this channel, unless that one is somebody else's by now, or final.

    Raises `Refusals`, `NotFound` for a channel that is not there, `ChannelClosed`, `IdempotencyMismatch` where another
    text came under the same id. Records `InteractionAdded`, `ConversationStarted` or `ConversationChanged`. Locks the
    conversation.
    """
    work.require(Permission.CHANNELS_WRITE)
    country = await find_home_country(work.session, work.organisation)
    checked = check_received(received, home_country=country, now=work.now)
    channel = await find_channel(work.session, channel_id, sight=work.actor.sight)
    if channel is None:
        text = "There is no channel with this id."
        raise NotFound(text, field=("channel_id",))
    contact = checked.contact
    await lock_contact(work.session, channel_id, f"{contact.kind} {contact.namespace} {contact.value}")
    known = await find_received(work.session, channel_id, checked.external_id)
    if known is not None:
        if known.text not in (None, checked.text):
            text = "Another text came in under this externalId; a channel's server gives each message its own."
            raise IdempotencyMismatch(text, field=("external_id",))
        seen: UUID = known.id
        return seen
    if not channel.is_active:
        text = "This channel takes nothing in any more."
        raise ChannelClosed(text, field=("channel_id",))
    key = await _take_in(work, channel, checked)
    await add_received(work.session, channel_id=channel_id, external_id=checked.external_id, interaction_id=key)
    return key


async def _take_in(work: Work, channel: Any, received: Received) -> UUID:  # noqa: ANN401  a row
    customer_id = await _recognise(work, received.contact)
    thread = await _find_thread(work, channel.id, received, customer_id)
    if thread is None:
        columns = {
            "channel_id": channel.id,
            "store_id": channel.store_id,
            "customer_id": customer_id,
            "subject": received.subject,
            "status": ConversationStatus.NEW,
            "waiting_on": WaitingOn.US,
            "thread_key": received.thread_key,
            **received.contact.columns,
        }
        thread = await begin_conversation(work, columns=columns)
    elif thread["thread_key"] != received.thread_key:  # the first answer to what the shop began
        thread.change(thread_key=received.thread_key)
    if thread["customer_id"] is None and customer_id is not None:
        await make_known(work, thread=thread, customer_id=customer_id)
    key = await thread.hear(
        MessageDetails(text=received.text, attachment_ids=received.attachment_ids),
        author_kind=AuthorKind.CUSTOMER,
        author_id=customer_id,
        occurred_at=received.occurred_at,
    )
    await thread.close()
    return key


async def _recognise(work: Work, contact: Contact) -> UUID | None:
    """Return the record of whom a sign is verified to be; None for what stands for anybody, or nobody has proven."""
    organisation = work.organisation
    if is_blocked(contact.value, kind=contact.kind, relay_domains=organisation.relay_domains):
        return None
    found = await find_record_by_identity(
        work.session, kind=contact.kind, namespace=contact.namespace, value=contact.value
    )
    # Whoever is erased at this moment is nobody who would be recognised.
    return found.id if found is not None and await hold_records(work.session, [found.id]) else None


async def _find_thread(work: Work, channel_id: UUID, received: Received, customer_id: UUID | None) -> Thread | None:
    """Return the conversation that the message goes on with, locked; None where there is none of theirs."""
    key = await find_newest_of_contact(
        work.session, channel_id, contact=received.contact, thread_key=received.thread_key
    )
    if key is None:
        return None
    thread = Thread(work, await get_conversation_for_update(work.session, key, sight=work.actor.sight))
    whose: UUID | None = thread["customer_id"]
    if whose is None or customer_id is None:
        # Whom it was with stays so, also where the sign is not verified as theirs any more: it is their thread.
        return thread
    canonical = await list_canonical_ids(work.session, [whose, customer_id])
    return thread if canonical.get(whose) == canonical.get(customer_id) else None


async def make_known(work: Work, *, thread: Thread, customer_id: UUID) -> None:
    """Let a conversation with an unknown caller be one with this customer, and all that was said in it."""
    thread.change(customer_id=customer_id)
    messages = await adopt_messages(work.session, thread["id"], customer_id=customer_id)
    happened = [
        Happening(id=row.id, customer_id=customer_id, occurred_at=row.occurred_at, store_id=thread["store_id"])
        for row in messages
    ]
    await place_in_timeline(work, kind="MESSAGE", happenings=happened)


async def record_delivery(work: Work, *, message_id: UUID, state: DeliveryState, reason: str | None) -> UUID:
    """Note how far a message has come; what comes late, or again, changes nothing.

    Raises `Refusals`, `MessageNotFound`. Records `InteractionChanged`. Locks the conversation.
    """
    work.require(Permission.CHANNELS_WRITE)
    checked = check_delivery(state, reason=reason)
    message, conversation = await get_message_for_update(work.session, message_id, sight=work.actor.sight)
    if is_further(before=DeliveryState(message.delivery), after=state):
        await _change(work, message, conversation, delivery=state, failure_reason=checked)
    return message_id


async def retry_message(work: Work, *, message_id: UUID) -> UUID:
    """Let a message that failed be sent again; one that is on its way again already changes nothing.

    Raises `MessageNotFound`, `InvalidState` for one that did not fail. Records `InteractionChanged`. Locks the
    conversation.
    """
    work.require(Permission.CONVERSATIONS_WRITE)
    message, conversation = await get_message_for_update(work.session, message_id, sight=work.actor.sight)
    if message.delivery == DeliveryState.ACCEPTED:
        return message_id
    if message.delivery != DeliveryState.FAILED:
        text = f"This message is {message.delivery}: only what is FAILED is sent again."
        raise InvalidState(text, field=("message_id",))
    await _change(work, message, conversation, delivery=DeliveryState.ACCEPTED, failure_reason=None)
    return message_id


async def _change(work: Work, message: Any, conversation: Any, **changes: Any) -> None:  # noqa: ANN401
    await change_message(work.session, message.id, changes)
    work.record(
        InteractionChanged(
            conversation_id=conversation.id, interaction_id=message.id, customer_id=conversation.customer_id
        )
    )
