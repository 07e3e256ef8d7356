"""What conversations become by themselves."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.base.work import Works
from domain.interactions.actions.conversations import set_status
from domain.interactions.actions.upkeep import WakeConversations, wake_conversations
from domain.interactions.rules.conversations import REOPEN_WITHIN, ConversationStatus, WaitingOn
from tests.conftest import NOW, StandingClock
from tests.interactions.chat import Chat, open_chat

HOUR = timedelta(hours=1)


async def become(chat: Chat, key: UUID, status: ConversationStatus, *, hours: int | None = None) -> None:
    """Give a conversation another status, as the agent."""
    until = None if hours is None else NOW + hours * HOUR
    await chat.works.perform(
        lambda work: set_status(work, conversation_id=key, status=status, snoozed_until=until),
        actor=chat.agent,
        action="conversationStatusSet",
    )


async def test_what_sleeps_wakes_at_its_time(works: Works, clock: StandingClock) -> None:
    """Not before, and once; what sleeps until the customer writes sleeps on."""
    chat = await open_chat(works)
    soon, later, for_good = [await chat.start(text) for text in ("a", "b", "c")]
    for key, hours in ((soon, 1), (later, 2), (for_good, None)):
        await chat.say(key, "Hello", by=chat.agent)
        await become(chat, key, ConversationStatus.SNOOZED, hours=hours)
    await wake_conversations(works, WakeConversations())
    assert (await chat.read(soon)).status == ConversationStatus.SNOOZED
    clock.advance(HOUR)
    for _ in range(2):
        await wake_conversations(works, WakeConversations())
    woken = await chat.read(soon)
    assert (woken.status, woken.snoozed_until) == (ConversationStatus.OPEN, None)
    assert [row.status for row in await chat.interactions(soon)].count(ConversationStatus.OPEN) == 2
    assert (await chat.read(later)).status == ConversationStatus.SNOOZED
    clock.advance(10 * HOUR)
    await wake_conversations(works, WakeConversations())
    assert (await chat.read(for_good)).status == ConversationStatus.SNOOZED


async def test_what_was_resolved_long_ago_is_closed(works: Works, clock: StandingClock) -> None:
    """For good: what the customer writes then begins another conversation."""
    chat = await open_chat(works)
    key = await chat.start()
    await chat.say(key, "Done.", by=chat.agent)
    await become(chat, key, ConversationStatus.RESOLVED)
    clock.advance(REOPEN_WITHIN)
    await wake_conversations(works, WakeConversations())
    assert (await chat.read(key)).status == ConversationStatus.RESOLVED
    clock.advance(timedelta(seconds=1))
    await wake_conversations(works, WakeConversations())
    closed = await chat.read(key)
    assert (closed.status, closed.waiting_on) == (ConversationStatus.CLOSED, WaitingOn.NOBODY)
    await chat.say(key, "It broke again", by=chat.shopper)
    assert (await chat.read(key)).last_seq == closed.last_seq


@pytest.mark.parametrize("count", [3])
async def test_many_are_woken(works: Works, clock: StandingClock, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """However many are due at once."""
    monkeypatch.setattr("domain.interactions.actions.upkeep.AT_ONCE", 2)
    chat = await open_chat(works)
    keys = [await chat.start(f"m{number}") for number in range(count)]
    for key in keys:
        await chat.say(key, "Hello", by=chat.agent)
        await become(chat, key, ConversationStatus.SNOOZED, hours=1)
    clock.advance(2 * HOUR)
    await wake_conversations(works, WakeConversations())
    assert {(await chat.read(key)).status for key in keys} == {ConversationStatus.OPEN}
