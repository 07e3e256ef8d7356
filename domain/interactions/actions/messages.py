"""Saying something in a conversation: messages both ways, and notes that no shopper sees."""

from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.work import Work
from domain.interactions.actions.threads import Thread, sent_before
from domain.interactions.errors import StaleConversation
from domain.interactions.events import NoteAdded
from domain.interactions.repository.conversations import get_conversation_for_update, list_seqs_after
from domain.interactions.rules.conversations import InteractionKind, MessageDetails, check_message

MISSED_MAX = 100
"""Interactions that come back with a reply that missed them; whoever missed more reads the conversation."""


async def send_message(
    work: Work, *, conversation_id: UUID, details: MessageDetails, expected_last_seq: int | None = None
) -> UUID:
    """Add a message to a conversation; the same `client_message_id` of the same author is one message.

    What a message of the customer does to a conversation that rests, is resolved or final: `turn_of`. A reply of the
    shop lets it wait for the customer.

    Raises `Refusals`, `ConversationNotFound`, `StaleConversation` for a reply that missed something, `InvalidState`
    for one to a conversation that is final. Records `InteractionAdded`, and `ConversationChanged` where the
    conversation became another one by it. Locks the conversation.
    """
    is_shopper = work.actor.customer_id is not None
    if not is_shopper:
        work.require(Permission.CONVERSATIONS_WRITE)
    message = check_message(details)
    conversation = await get_conversation_for_update(work.session, conversation_id, sight=work.actor.sight)
    known = await sent_before(work, conversation_id=conversation_id, message=message, kind=InteractionKind.MESSAGE)
    if known is not None:
        return known
    await _require_fresh(work, conversation, expected_last_seq, is_shopper=is_shopper)
    thread = Thread(work, conversation)
    key = await thread.hear(message) if is_shopper else thread.reply(message)
    await thread.close()
    return key


async def add_note(work: Work, *, conversation_id: UUID, details: MessageDetails) -> UUID:
    """Note something that staff see and no shopper ever does.

    Raises `Refusals`, `ConversationNotFound`. Records `NoteAdded`. Locks the conversation.
    """
    work.require(Permission.CONVERSATIONS_WRITE)
    note = check_message(details)
    conversation = await get_conversation_for_update(work.session, conversation_id, sight=work.actor.sight)
    known = await sent_before(work, conversation_id=conversation_id, message=note, kind=InteractionKind.NOTE)
    if known is not None:
        return known
    thread = Thread(work, conversation)
    # How far its author has read stays: the customer is shown that, and would notice the note.
    key = thread.add(InteractionKind.NOTE, is_shown=False, text=note.text, client_message_id=note.client_message_id)
    work.record(NoteAdded(conversation_id=conversation.id, interaction_id=key))
    await thread.close()
    return key


async def _require_fresh(work: Work, conversation: Any, expected: int | None, *, is_shopper: bool) -> None:  # noqa: ANN401
    """Raise `StaleConversation` where something was added that the author had not seen, in their own counting."""
    newest = conversation.shopper_seq if is_shopper else conversation.last_seq
    if expected is None or expected >= newest:
        return
    missed = await list_seqs_after(work.session, conversation.id, seq=expected, is_shopper=is_shopper, limit=MISSED_MAX)
    raise StaleConversation(missed)
