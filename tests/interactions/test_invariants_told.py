"""I6: nobody is told of what they could not query at that moment, whatever became of it since it was written.

An event is committed first and told later, at once or to who comes back with a cursor. Each test takes something away
in between: the customer, the store, the role, the person.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from domain.base.actors import SYSTEM, Actor, StaffRole
from domain.base.identifiers import new_id
from domain.base.work import Works
from domain.customers.actions.erasure import erase_customer
from domain.customers.rules.consents import ChannelKind
from domain.interactions.actions.conversations import ConversationChanges, update_conversation
from schema.base.ids import global_id, key_of
from tests.api.sockets import Socket, new_app, nothing_left
from tests.conftest import Client, StandingClock
from tests.customers.family_changing import join, part
from tests.identity.staff import add_staff, enter
from tests.interactions.chat import open_chat
from tests.interactions.mail import open_door, open_post
from tests.interactions.seen import everything
from tests.interactions.test_api import Talk
from tests.orders.shop import UNITED_KINGDOM, add_store
from tests.waiting import until

FOLLOW = """subscription($id: ID!, $after: Cursor) { conversationEvents(conversationId: $id, after: $after) {
  __typename ... on InteractionAdded { interaction { ... on Message { text } } } } }"""
INBOX = """subscription($after: Cursor) { inboxEvents(after: $after) {
  __typename ... on InteractionAdded { interaction { ... on Message { text } } } } }"""
OWN = """subscription { customerEvents {
  __typename ... on InteractionAdded { interaction { ... on Message { text } } } } }"""
STAFF_UPDATE = """mutation($input: StaffMemberUpdateInput!) { staffMemberUpdate(input: $input) {
  userErrors { code } } }"""
SECOND = timedelta(seconds=1)


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


@pytest.fixture
async def app(client: Client) -> AsyncIterator[Starlette]:
    """Return the application; nothing is left over of its sockets."""
    app = new_app(client.works)
    async with nothing_left(app):
        yield app


async def cursor_of(talk: Talk) -> str:
    """Return the end of the event log, when all is in it that was written."""
    await talk.chat.works.feed.settle()
    return str((await talk.ask(talk.chat.agent, "{ eventCursor }"))["eventCursor"])


async def first_said(talk: Talk, actor: Actor, query: str, **variables: Any) -> str:  # noqa: ANN401
    """Return the first text that somebody is told of."""
    async with talk.follow(actor, query, **variables) as take:
        while not (item := await take()).get("interaction", {}).get("text"):
            pass
        return str(item["interaction"]["text"])


async def test_i6_of_what_became_another_s_nothing_is_told(talk: Talk) -> None:
    """Said while they were one, told after they were taken apart: only to whom it came in through."""
    chat = talk.chat
    own, his = await chat.start("mine"), await chat.start("his", by=chat.stranger)
    ada, bob = [each.id for each in (chat.shopper, chat.stranger) if each.id is not None]
    merge_id = await join(chat.works, ada, bob)
    after = await cursor_of(talk)
    await chat.say(his, "for him", by=chat.agent)
    assert await first_said(talk, chat.shopper, FOLLOW, id=global_id("Conversation", his), after=after) == "for him"
    await part(chat.works, merge_id)
    await chat.say(own, "for her", by=chat.agent)
    everything_of = OWN.replace("customerEvents", f'customerEvents(after: "{after}")')
    assert await first_said(talk, chat.shopper, everything_of) == "for her"
    assert await first_said(talk, chat.stranger, everything_of) == "for him"


async def test_i6_of_who_came_to_be_known_as_another_nothing_is_told(works: Works, client: Client) -> None:
    """An unknown caller's words, which an agent gives to their customer, are told to that customer and nobody else."""
    post = await open_post(works)
    talk = Talk(post.chat)
    message = await post.message(await post.receive("secret"))
    after = await cursor_of(talk)
    stranger_id = post.chat.stranger.id
    assert stranger_id is not None
    assert client.works is works
    await works.perform(
        lambda work: update_conversation(
            work, conversation_id=message.conversation_id, changes=ConversationChanges(customer_id=stranger_id)
        ),
        actor=post.chat.agent,
        action="conversationUpdate",
    )
    await post.receive("once more")
    await post.chat.start("mine")
    everything_of = OWN.replace("customerEvents", f'customerEvents(after: "{after}")')
    assert await first_said(talk, post.chat.shopper, everything_of) == "mine"
    assert await first_said(talk, post.chat.stranger, everything_of) == "once more"


async def test_i6_of_a_store_that_was_taken_nothing_is_told(talk: Talk) -> None:
    """Said while the agent worked for the store, told afterwards: what comes is of the store that is left to them."""
    chat = talk.chat
    await add_store(chat.works, UNITED_KINGDOM)
    begun = {}
    for code in ("it", "uk"):
        door = await open_door(chat.works, ChannelKind.WEB_CHAT, name=code, store_code=code)
        begun[code] = await chat.start("Hello", channel_id=door)
    stores = {code: (await chat.read(key)).store_id for code, key in begun.items()}
    both = replace(chat.agent, role=StaffRole.PARTNER_AGENT, store_ids=frozenset(stores.values()))
    one = replace(both, store_ids=frozenset({stores["uk"]}))
    after = await cursor_of(talk)
    for code, key in begun.items():
        await chat.say(key, f"of {code}", by=chat.shopper)
    assert await first_said(talk, both, INBOX, after=after) == "of it"
    assert await first_said(talk, one, INBOX, after=after) == "of uk"


async def test_i6_of_a_store_that_is_taken_nothing_is_told_any_more(
    client: Client, app: Starlette, clock: StandingClock
) -> None:
    """Over an open socket: from the moment at which the door is looked at anew."""
    chat = await open_chat(client.works)
    await add_store(client.works, UNITED_KINGDOM)
    doors = {
        code: await open_door(client.works, ChannelKind.WEB_CHAT, name=code, store_code=code) for code in ("it", "uk")
    }
    begun = {code: await chat.start("Hello", channel_id=door) for code, door in doors.items()}
    member = await add_staff(client.works, "p@shop.example", role=StaffRole.PARTNER_AGENT, store_codes=["it"])
    token = (await enter(client, "p@shop.example"))["accessToken"]
    socket = await (await Socket(app).open()).initialise(token)
    await client.works.feed.settle()
    socket.subscribe(INBOX, "1")
    await until(lambda: app.state.streams.groups.member_count)
    await chat.say(begun["it"], "before", by=chat.shopper)
    assert await said_over(socket) == "before"
    moved = await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": member, "storeCodes": ["uk"]}})
    assert moved.data["staffMemberUpdate"]["userErrors"] == []
    for _ in range(10):
        clock.advance(0.5 * SECOND)
        await asyncio.sleep(0.02)
    await chat.say(begun["it"], "hidden", by=chat.shopper)
    await chat.say(begun["uk"], "shown", by=chat.shopper)
    assert await said_over(socket) == "shown"
    fired = await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": member, "role": "ANALYST"}})
    assert fired.data["staffMemberUpdate"]["userErrors"] == []
    for _ in range(10):
        clock.advance(0.5 * SECOND)
        await asyncio.sleep(0.02)
    heard = await socket.hear()
    assert [each["extensions"]["code"] for each in heard["payload"]["errors"]] == ["FORBIDDEN"]
    assert await socket.hear() == {"type": "complete", "id": "1"}
    await socket.leave()


async def said_over(socket: Socket) -> str:
    """Return the next text that a socket is told of."""
    while True:
        payload = (await socket.hear())["payload"]
        text = payload["data"]["inboxEvents"].get("interaction", {}).get("text")
        if text:
            return str(text)


async def test_i6_of_an_erased_customer_nothing_is_told(talk: Talk) -> None:
    """Said before, told afterwards: the team is told that something was, and no word of it; the customer is nobody."""
    chat = talk.chat
    key = await talk.start("secret")
    after = await cursor_of(talk)
    await chat.say(key_of(key, "Conversation") or new_id(), "secret as well", by=chat.shopper)
    customer_id = chat.shopper.id
    await chat.works.perform(
        lambda work: erase_customer(work, customer_id=customer_id), actor=SYSTEM, action="customerErase"
    )
    with pytest.raises(Exception, match="There is no conversation"):
        await talk.refusal(chat.shopper, FOLLOW, id=key, after=after)
    shown = f"{{ {everything('ConversationStreamItem', 2)} }}"
    shown = (
        f"subscription($id: ID!, $after: Cursor) {{ conversationEvents(conversationId: $id, after: $after) {shown} }}"
    )
    async with talk.follow(chat.agent, shown, id=key, after=after) as take:
        item = await take()
    assert item["__typename"] == "InteractionAdded"
    assert item["InteractionAdded_interaction"]["Message_text"] == ""
    assert "secret" not in str(item)
    assert "Ada" not in str(item)
