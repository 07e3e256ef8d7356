"""What is said in conversations: numbered without a hole, once each, and seen by whom it is meant for."""

import asyncio
from datetime import timedelta

import pytest

from domain.base.errors import Forbidden, IdempotencyMismatch, InvalidState, NotFound, Refusals
from domain.base.work import Works
from domain.interactions.actions.conversations import mark_read, set_status
from domain.interactions.errors import ConversationNotFound, StaleConversation
from domain.interactions.rules.conversations import (
    REOPEN_WITHIN,
    TEXT_LENGTH_MAX,
    ConversationStatus,
    DeliveryState,
    InteractionKind,
    WaitingOn,
)
from tests.conftest import StandingClock
from tests.interactions.chat import Chat, open_chat


async def become(chat: Chat, conversation_id: object, status: ConversationStatus) -> None:
    """Give the conversation another status, as the agent."""
    await chat.works.perform(
        lambda work: set_status(work, conversation_id=conversation_id, status=status),  # type: ignore[arg-type]
        actor=chat.agent,
        action="conversationStatusSet",
    )


async def test_a_conversation_begins_with_its_first_message(works: Works) -> None:
    """It waits for us, and has a number."""
    chat = await open_chat(works)
    key = await chat.start("Where is my parcel?\r\nIt was to come today.", subject="Parcel")
    conversation = await chat.read(key)
    (message,) = await chat.interactions(key)
    assert (conversation.status, conversation.waiting_on) == (ConversationStatus.NEW, WaitingOn.US)
    assert (conversation.number, conversation.last_seq, conversation.shopper_seq) == (1, 1, 1)
    assert conversation.last_message_id == message.id
    assert message.text == "Where is my parcel?\nIt was to come today."
    assert (message.author_id, message.delivery) == (chat.shopper.id, DeliveryState.RECEIVED)
    other = await chat.read(await chat.start("Another matter"))
    assert other.number == 2


async def test_a_reply_opens_it_and_waits_for_the_customer(works: Works) -> None:
    """The change of its status stands in it, with a number of its own."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.say(key, "Good morning!", by=chat.agent)
    conversation = await chat.read(key)
    assert (conversation.status, conversation.waiting_on) == (ConversationStatus.OPEN, WaitingOn.CUSTOMER)
    kinds = [(row.seq, row.shopper_seq, row.kind) for row in await chat.interactions(key)]
    assert kinds == [(1, 1, "MESSAGE"), (2, 2, "STATUS_CHANGE"), (3, 3, "MESSAGE")]
    await chat.say(key, "Thanks.", by=chat.shopper)
    assert (await chat.read(key)).waiting_on == WaitingOn.US


async def test_notes_are_never_the_shopper_s(works: Works) -> None:
    """They count for staff alone: the shopper's numbers have no hole where a note stands."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.note(key, "Calls every day.", by=chat.agent)
    await chat.say(key, "One moment.", by=chat.agent)
    seen = [(row.seq, row.shopper_seq) for row in await chat.interactions(key)]
    assert seen == [(1, 1), (2, None), (3, 2), (4, 3)]
    conversation = await chat.read(key)
    assert (conversation.last_seq, conversation.shopper_seq) == (4, 3)
    with pytest.raises(Forbidden):
        await chat.note(key, "mine", by=chat.shopper)


async def test_many_at_once_leave_no_hole(works: Works) -> None:
    """Agents, notes and the shopper, all at the same time."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.say(key, "Hello", by=chat.agent)
    async with asyncio.TaskGroup() as tasks:
        for number in range(12):
            tasks.create_task(chat.say(key, f"a{number}", by=chat.agent))
            tasks.create_task(chat.say(key, f"c{number}", by=chat.shopper))
            tasks.create_task(chat.note(key, f"n{number}", by=chat.colleague))
    rows = await chat.interactions(key)
    assert [row.seq for row in rows] == list(range(1, 3 + 36 + 1))
    shown = [row.shopper_seq for row in rows if row.shopper_seq is not None]
    assert shown == list(range(1, 3 + 24 + 1))
    conversation = await chat.read(key)
    assert (conversation.last_seq, conversation.shopper_seq) == (39, 27)


async def test_the_same_message_is_one_however_often_it_is_sent(works: Works) -> None:
    """Also at once; by the same author only, and with the same text."""
    chat = await open_chat(works)
    key = await chat.start(client_message_id="first")
    assert await chat.start(client_message_id="first") == key
    sent = await asyncio.gather(*(chat.say(key, "once", by=chat.shopper, own_id="m1") for _ in range(8)))
    assert len(set(sent)) == 1
    assert len(await chat.interactions(key)) == 2
    with pytest.raises(IdempotencyMismatch):
        await chat.say(key, "twice", by=chat.shopper, own_id="m1")
    assert await chat.say(key, "once", by=chat.agent, own_id="m1") not in sent
    notes = [await chat.note(key, "n", by=chat.agent, own_id="n1") for _ in range(2)]
    assert len(set(notes)) == 1


async def test_two_who_start_at_once_with_the_same_id_start_one(works: Works) -> None:
    """The app sent it twice: on a bad network, or by a nervous finger."""
    chat = await open_chat(works)
    keys = await asyncio.gather(*(chat.start("Hello", client_message_id="s") for _ in range(6)))
    assert len(set(keys)) == 1
    assert len(await chat.interactions(keys[0])) == 1


async def test_a_reply_that_missed_something_is_refused_with_what_it_missed(works: Works) -> None:
    """Two agents do not answer the same customer; nothing is added by the one who comes late."""
    chat = await open_chat(works)
    key = await chat.start()
    note = await chat.note(key, "I take it", by=chat.colleague)
    reply = await chat.say(key, "Hello!", by=chat.colleague)
    with pytest.raises(StaleConversation) as refused:
        await chat.say(key, "Hello?", by=chat.agent, expected=1)
    rows = await chat.interactions(key)
    assert list(refused.value.missed) == [row.id for row in rows if row.seq > 1]
    assert {note, reply} < set(refused.value.missed)
    assert await chat.say(key, "As well", by=chat.agent, expected=rows[-1].seq)
    with pytest.raises(StaleConversation) as refused:
        await chat.say(key, "Still there?", by=chat.shopper, expected=1)
    shown = [row.id for row in await chat.interactions(key) if (row.shopper_seq or 0) > 1]
    assert list(refused.value.missed) == shown
    assert note not in refused.value.missed


async def test_of_many_who_saw_the_same_one_replies(works: Works) -> None:
    """All saw the first message only: one is first, the others are told."""
    chat = await open_chat(works)
    key = await chat.start()
    found = await asyncio.gather(
        *(chat.say(key, f"r{number}", by=chat.agent, expected=1) for number in range(6)), return_exceptions=True
    )
    assert sum(isinstance(each, StaleConversation) for each in found) == 5
    assert [row.kind for row in await chat.interactions(key)].count("MESSAGE") == 2


async def test_a_stranger_says_nothing(works: Works) -> None:
    """Somebody else's conversation is one that is not there; nor is one that nobody has."""
    chat = await open_chat(works)
    key = await chat.start()
    for by in (chat.stranger,):
        with pytest.raises(ConversationNotFound):
            await chat.say(key, "Let me in", by=by)
    with pytest.raises(ConversationNotFound):
        await chat.say(chat.channel_id, "Hello", by=chat.agent)
    with pytest.raises(NotFound):
        await chat.start(channel_id=key)
    assert len(await chat.interactions(key)) == 1


@pytest.mark.parametrize("text", ["", " \n ", "\x00", "x" * (TEXT_LENGTH_MAX + 1)])
async def test_what_is_no_text_is_refused(works: Works, text: str) -> None:
    """Nothing is added."""
    chat = await open_chat(works)
    key = await chat.start()
    with pytest.raises(Refusals):
        await chat.say(key, text, by=chat.shopper)
    assert len(await chat.interactions(key)) == 1


@pytest.mark.parametrize(
    "status", [ConversationStatus.PENDING, ConversationStatus.SNOOZED, ConversationStatus.RESOLVED]
)
async def test_a_message_of_the_customer_wakes_it(works: Works, status: ConversationStatus) -> None:
    """Whatever it waited for, it waits for us now."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.say(key, "Hello", by=chat.agent)
    await become(chat, key, status)
    await chat.say(key, "One more thing", by=chat.shopper)
    conversation = await chat.read(key)
    assert (conversation.status, conversation.waiting_on) == (ConversationStatus.OPEN, WaitingOn.US)
    assert conversation.snoozed_until is None


@pytest.mark.parametrize(
    ("after", "is_another"), [(REOPEN_WITHIN, False), (REOPEN_WITHIN + timedelta(seconds=1), True)]
)
async def test_what_was_resolved_long_ago_is_followed_by_another_one(
    works: Works, clock: StandingClock, after: timedelta, *, is_another: bool
) -> None:
    """Within a week it opens again; later the same matter begins anew, and knows what it follows."""
    chat = await open_chat(works)
    key = await chat.start(subject="Parcel")
    await chat.say(key, "Hello", by=chat.agent)
    await become(chat, key, ConversationStatus.RESOLVED)
    clock.advance(after)
    message = await chat.say(key, "It broke", by=chat.shopper)
    first = await chat.read(key)
    assert (first.status == ConversationStatus.OPEN) is not is_another
    assert (message in {row.id for row in await chat.interactions(key)}) is not is_another


async def test_what_is_spam_bothers_nobody(works: Works) -> None:
    """Messages are kept; it stays what it is, and nobody replies."""
    chat = await open_chat(works)
    key = await chat.start()
    await become(chat, key, ConversationStatus.SPAM)
    await chat.say(key, "Buy now", by=chat.shopper)
    conversation = await chat.read(key)
    assert (conversation.status, conversation.waiting_on) == (ConversationStatus.SPAM, WaitingOn.NOBODY)
    with pytest.raises(InvalidState):
        await chat.say(key, "No", by=chat.agent)


async def test_what_the_customer_has_read_is_read(works: Works) -> None:
    """Up to where they have read, in their own counting; reading again changes nothing."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.note(key, "secret", by=chat.agent)
    for text in ("a", "b"):
        await chat.say(key, text, by=chat.agent)

    async def read(seq: int) -> None:
        await works.perform(
            lambda work: mark_read(work, conversation_id=key, seq=seq), actor=chat.shopper, action="conversationRead"
        )

    await read(3)
    texts = {row.text: row.delivery for row in await chat.interactions(key) if row.kind == InteractionKind.MESSAGE}
    assert texts == {"Hello?": DeliveryState.RECEIVED, "a": DeliveryState.READ, "b": DeliveryState.SENT}
    await read(1)
    await read(4)
    assert [row.delivery for row in await chat.interactions(key)].count(DeliveryState.READ) == 2
    with pytest.raises(Exception, match="newest interaction has the number 4"):
        await read(5)
