"""Typing, presence and who looks on, over the API: told at once, ended by itself, and kept nowhere."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.base.actors import Actor, ActorKind, Permission
from domain.base.errors import Forbidden
from domain.base.identifiers import new_id
from domain.base.model import EventRecord
from domain.interactions.actions.presence import set_presence
from domain.interactions.errors import ConversationNotFound
from domain.interactions.rules.presence import PresenceState
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.interactions.chat import open_chat
from tests.interactions.test_api import Talk

SECOND = timedelta(seconds=1)

TYPE = "mutation($input: TypingSetInput!) { typingSet(input: $input) { userErrors { code field } } }"
TYPING = "subscription($id: ID!) { typingChanged(conversationId: $id) { isTyping author { displayName } } }"
PRESENCE = "subscription { presenceChanged { displayName presence } }"
BE = """mutation($input: PresenceSetInput!) { presenceSet(input: $input) {
  staffMember { displayName presence openConversationCount } userErrors { code } } }"""
VIEWERS = "subscription($id: ID!) { viewersChanged(conversationId: $id) { viewers { displayName } } }"
VIEWED = "query($id: ID!) { conversation(id: $id) { viewers { displayName } } }"
FOLLOWED = "subscription($id: ID!) { conversationEvents(conversationId: $id) { __typename } }"


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def no_news(take: Any) -> bool:  # noqa: ANN401
    """Tell whether a stream says nothing."""
    waiting = asyncio.ensure_future(take())
    await asyncio.wait([waiting], timeout=0.1)
    is_waiting = not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    return is_waiting


async def test_each_sees_the_other_write(talk: Talk, clock: StandingClock) -> None:
    """Until they stop, or vanish; nothing of it stands in the log."""
    key, chat = await talk.start(), talk.chat
    async with chat.works.database.reading() as session:
        logged = (await session.execute(select(func.count()).select_from(EventRecord))).scalar_one()
    async with (
        talk.follow(chat.shopper, TYPING, id=key) as to_shopper,
        talk.follow(chat.agent, TYPING, id=key) as to_agent,
    ):
        await talk.write(chat.shopper, TYPE, conversationId=key, isTyping=True)
        assert await to_agent() == {"isTyping": True, "author": {"displayName": "Ada"}}
        await talk.write(chat.shopper, TYPE, conversationId=key, isTyping=False)
        assert await to_agent() == {"isTyping": False, "author": {"displayName": "Ada"}}
        await talk.write(chat.agent, TYPE, conversationId=key, isTyping=True)
        assert await to_shopper() == {"isTyping": True, "author": {"displayName": "Carla"}}
        clock.advance(7 * SECOND)
        assert await to_shopper() == {"isTyping": False, "author": {"displayName": "Carla"}}
    async with chat.works.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(EventRecord))).scalar_one() == logged


async def test_nobody_is_told_that_a_note_is_written_but_colleagues(talk: Talk) -> None:
    """The shopper sees nothing begin, and nothing end; a note that becomes a reply begins then."""
    key, chat = await talk.start(), talk.chat
    async with (
        talk.follow(chat.shopper, TYPING, id=key) as to_shopper,
        talk.follow(chat.colleague, TYPING, id=key) as to_colleague,
    ):
        await talk.write(chat.agent, TYPE, conversationId=key, isTyping=True, isNote=True)
        assert (await to_colleague())["isTyping"] is True
        await talk.write(chat.agent, TYPE, conversationId=key, isTyping=False)
        assert (await to_colleague())["isTyping"] is False
        await talk.write(chat.agent, TYPE, conversationId=key, isTyping=True, isNote=False)
        assert (await to_shopper())["isTyping"] is True
        await talk.write(chat.agent, TYPE, conversationId=key, isTyping=True, isNote=True)
        assert (await to_shopper())["isTyping"] is False


async def test_a_stranger_types_nowhere(talk: Talk) -> None:
    """Neither signals nor follows; a program needs the permission."""
    key, chat = await talk.start(), talk.chat
    payload = await talk.write(chat.stranger, TYPE, conversationId=key, isTyping=True)
    assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["conversationId"]}]
    nothing = global_id("Conversation", new_id())
    missing = await talk.write(chat.agent, TYPE, conversationId=nothing, isTyping=True)
    assert missing["userErrors"] == payload["userErrors"]
    reader = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.CONVERSATIONS_READ}), id=chat.agent.id)
    told = await talk._shop.ask(TYPE, reader, {"input": {"conversationId": key, "isTyping": True}})
    assert told.codes == ["FORBIDDEN"]
    for followed in (TYPING, VIEWERS):
        with pytest.raises(ConversationNotFound):
            await talk.refusal(chat.stranger if followed == TYPING else chat.agent, followed, id=nothing)
    with pytest.raises(ConversationNotFound):
        await talk.refusal(chat.stranger, TYPING, id=key)


async def test_staff_are_there_as_long_as_they_say_so(talk: Talk, clock: StandingClock) -> None:
    """With the open stream gone they are not there any more half a minute later."""
    key, chat = await talk.start(), talk.chat
    assert key
    async with talk.follow(chat.colleague, PRESENCE) as to_colleague:
        payload = await talk.write(chat.agent, BE, presence="ONLINE")
        assert payload["staffMember"] == {"displayName": "Carla", "presence": "ONLINE", "openConversationCount": 0}
        assert await to_colleague() == {"displayName": "Carla", "presence": "ONLINE"}
        await talk.write(chat.agent, BE, presence="AWAY")
        assert (await to_colleague())["presence"] == "AWAY"
        clock.advance(31 * SECOND)
        assert (await to_colleague())["presence"] == "OFFLINE"
        await talk.write(chat.agent, BE, presence="BUSY")
        assert (await to_colleague())["presence"] == "BUSY"
        await talk.write(chat.agent, BE, presence="OFFLINE")
        assert (await to_colleague())["presence"] == "OFFLINE"
    for actor in (chat.shopper, Actor(kind=ActorKind.APP, permissions=frozenset(Permission), id=chat.agent.id)):
        told = await talk._shop.ask(BE, actor, {"input": {"presence": "ONLINE"}})
        assert told.codes == ["FORBIDDEN"]
    with pytest.raises(Forbidden):
        set_presence(chat.works.signals, actor=chat.shopper, presence=PresenceState.ONLINE)


async def test_colleagues_see_who_looks_on(talk: Talk) -> None:
    """As long as the stream is open, and never the shopper."""
    key, chat = await talk.start(), talk.chat
    async with talk.follow(chat.colleague, VIEWERS, id=key) as to_colleague:
        assert await to_colleague() == {"viewers": []}
        async with talk.follow(chat.agent, FOLLOWED, id=key), talk.follow(chat.shopper, FOLLOWED, id=key):
            assert await to_colleague() == {"viewers": [{"displayName": "Carla"}]}
            own = await talk.ask(chat.agent, VIEWED, id=key)
            assert own == {"conversation": {"viewers": []}}
            shopper = await talk.ask(chat.shopper, VIEWED, id=key)
            assert shopper == {"conversation": {"viewers": []}}
        assert await to_colleague() == {"viewers": []}
        assert await no_news(to_colleague)


async def test_open_conversations_are_counted(talk: Talk) -> None:
    """Those that somebody is at, and that are not done."""
    key, chat = await talk.start(), talk.chat
    assign = """mutation($input: ConversationAssignInput!) { conversationAssign(input: $input) {
      conversation { assignee { openConversationCount presence } } userErrors { code } } }"""
    agent_id = global_id("StaffMember", chat.agent.id)  # type: ignore[arg-type]
    payload = await talk.write(chat.agent, assign, conversationId=key, assigneeId=agent_id)
    assert payload["conversation"]["assignee"] == {"openConversationCount": 1, "presence": "OFFLINE"}
    shown = "query($id: ID!) { conversation(id: $id) { assignee { displayName presence openConversationCount } } }"
    seen = (await talk.ask(chat.shopper, shown, id=key))["conversation"]["assignee"]
    assert seen == {"displayName": "Carla", "presence": None, "openConversationCount": None}
