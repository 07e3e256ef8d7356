"""Conversations over the API: a shopper and an agent talk; each sees what is theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from graphql import parse, subscribe

from api.requests import written
from domain.base.actors import Actor
from schema.base.context import Context
from schema.base.execution.executor import BreadthFirst
from schema.base.ids import global_id
from schema.root import make_schema
from tests.access.shop import Shop, Side
from tests.conftest import Client
from tests.interactions.chat import Chat, open_chat

START = """mutation($input: ConversationStartInput!) { conversationStart(input: $input) {
  conversation { id number status lastSeq waitingOn priority tags } userErrors { code field } } }"""
SEND = """mutation($input: MessageSendInput!) { messageSend(input: $input) {
  message { id seq text delivery author { displayName __typename } }
  userErrors { code field ... on StaleConversation { missed { __typename seq ... on Message { text } } } } } }"""
NOTE = "mutation($input: NoteAddInput!) { noteAdd(input: $input) { note { id seq text } userErrors { code } } }"
READ = """mutation($input: ConversationReadInput!) { conversationRead(input: $input) {
  conversation { unreadCount } userErrors { code field } } }"""
SHOW = """query($id: ID!) { conversation(id: $id) { status lastSeq unreadCount priority tags subject
  lastMessage { text } customer { givenName } assignee { displayName } channel { name kind }
  interactions(first: 100) { totalCount nodes { __typename seq
    ... on Message { text delivery } ... on Note { text } ... on StatusChange { previousStatus status } } } } }"""
EVENTS = """{ __typename
  ... on InteractionAdded { conversation { lastSeq } interaction { __typename seq ... on Message { text } } }
  ... on ConversationChanged { conversation { status } } ... on InteractionChanged { interaction { seq } }
  ... on ResyncRequired { reason } }"""


class Talk:
    """A chat, asked through the schema."""

    def __init__(self, chat: Chat) -> None:
        """Take who is there."""
        self.chat = chat
        side = Side(ids={}, external_id="")
        self._shop = Shop(chat.works, side, side)

    async def ask(self, actor: Actor, query: str, **variables: Any) -> Any:  # noqa: ANN401
        """Return the data of an answer without errors."""
        told = await self._shop.ask(query, actor, variables)
        assert told.errors == []
        return orjson.loads(written(told.data))

    async def write(self, actor: Actor, query: str, **fields: Any) -> Any:  # noqa: ANN401
        """Return the payload of a mutation."""
        (payload,) = (await self.ask(actor, query, input=fields)).values()
        return payload

    async def start(self, text: str = "Where is my parcel?", **more: Any) -> str:  # noqa: ANN401
        """Begin a conversation as the shopper; return its id."""
        channel_id = global_id("Channel", self.chat.channel_id)
        payload = await self.write(self.chat.shopper, START, channelId=channel_id, text=text, **more)
        assert payload["userErrors"] == []
        return str(payload["conversation"]["id"])

    @asynccontextmanager
    async def follow(self, actor: Actor, text: str, **variables: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        """Yield what takes the next item of a subscription."""
        context = Context(self.chat.works, actor=actor, request_id="follow")
        found = subscribe(
            make_schema()._schema,
            parse(text),
            context_value=context,
            variable_values=variables,
            executor_class=BreadthFirst,
        )
        answers: Any = await found if asyncio.iscoroutine(found) or asyncio.isfuture(found) else found
        waiting = asyncio.ensure_future(anext(answers))
        await asyncio.sleep(0.1)

        async def take() -> Any:  # noqa: ANN401
            nonlocal waiting
            answer = await asyncio.wait_for(waiting, 20)
            waiting = asyncio.ensure_future(anext(answers))
            assert answer.errors is None
            (item,) = orjson.loads(written(answer.data)).values()
            return item

        try:
            yield take
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])
            await answers.aclose()
            await context.close()

    async def refusal(self, actor: Actor, text: str, **variables: Any) -> None:  # noqa: ANN401
        """Raise why a subscription is refused."""
        context = Context(self.chat.works, actor=actor, request_id="follow")
        found = subscribe(
            make_schema()._schema,
            parse(text),
            context_value=context,
            variable_values=variables,
            executor_class=BreadthFirst,
        )
        answer: Any = await found if asyncio.iscoroutine(found) or asyncio.isfuture(found) else found
        await context.close()
        (error,) = answer.errors
        raise error.original_error


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def test_a_shopper_and_an_agent_talk(talk: Talk) -> None:
    """Each sees the same messages, in their own counting."""
    key = await talk.start(subject="Parcel")
    chat = talk.chat
    await talk.write(chat.agent, NOTE, conversationId=key, text="Third time this week")
    sent = await talk.write(chat.agent, SEND, conversationId=key, text="I look at it.")
    assert sent["message"]["author"] == {"displayName": "Carla", "__typename": "StaffMember"}
    assert sent["message"]["delivery"] == "SENT"
    own = (await talk.ask(chat.shopper, SHOW, id=key))["conversation"]
    assert [(each["__typename"], each["seq"]) for each in own["interactions"]["nodes"]] == [
        ("Message", 1),
        ("StatusChange", 2),
        ("Message", 3),
    ]
    assert (own["lastSeq"], own["unreadCount"], own["interactions"]["totalCount"]) == (3, 1, 3)
    assert (own["priority"], own["tags"], own["lastMessage"]["text"]) == (None, [], "I look at it.")
    team = (await talk.ask(chat.agent, SHOW, id=key))["conversation"]
    assert [(each["__typename"], each["seq"]) for each in team["interactions"]["nodes"]] == [
        ("Message", 1),
        ("Note", 2),
        ("StatusChange", 3),
        ("Message", 4),
    ]
    assert (team["customer"]["givenName"], team["channel"]["kind"], team["priority"]) == ("Ada", "WEB_CHAT", "NORMAL")
    read = await talk.write(chat.shopper, READ, conversationId=key, seq=3)
    assert read["conversation"]["unreadCount"] == 0
    team = (await talk.ask(chat.agent, SHOW, id=key))["conversation"]
    assert team["interactions"]["nodes"][3]["delivery"] == "READ"


async def test_a_note_is_nobody_else_s(talk: Talk) -> None:
    """By its id, in a page, in a count, for a shopper and for a stranger: it is not there."""
    key = await talk.start()
    note = (await talk.write(talk.chat.agent, NOTE, conversationId=key, text="secret"))["note"]
    by_id = "query($id: ID!) { node(id: $id) { id ... on Note { text } } }"
    assert (await talk.ask(talk.chat.agent, by_id, id=note["id"]))["node"]["text"] == "secret"
    refused = await talk._shop.ask(by_id, talk.chat.shopper, {"id": note["id"]})
    assert refused.codes == ["FORBIDDEN"]
    as_message = "Message" + note["id"][:0]
    assert as_message  # an id of another type names nothing either
    shown = await talk.ask(talk.chat.shopper, SHOW, id=key)
    assert "secret" not in orjson.dumps(shown).decode()
    assert (await talk.ask(talk.chat.stranger, SHOW, id=key))["conversation"] is None


async def test_a_stale_reply_comes_back_with_what_it_missed(talk: Talk) -> None:
    """Nothing is sent; the agent reads, and decides anew."""
    key = await talk.start()
    await talk.write(talk.chat.colleague, SEND, conversationId=key, text="Hello!")
    payload = await talk.write(talk.chat.agent, SEND, conversationId=key, text="Hello?", expectedLastSeq=1)
    assert payload["message"] is None
    (refused,) = payload["userErrors"]
    assert (refused["code"], refused["field"]) == ("STALE_CONVERSATION", ["expectedLastSeq"])
    assert [(each["__typename"], each.get("text")) for each in refused["missed"]] == [
        ("StatusChange", None),
        ("Message", "Hello!"),
    ]


async def test_the_inbox_is_filtered_and_counted(talk: Talk) -> None:
    """What is new, what is mine, what I have not read."""
    keys = [await talk.start(text) for text in ("a", "b", "c")]
    chat = talk.chat
    await talk.write(chat.agent, SEND, conversationId=keys[0], text="Hello")
    assign = """mutation($input: ConversationAssignInput!) { conversationAssign(input: $input) {
      conversation { assignee { displayName } } userErrors { code } } }"""
    agent_id = global_id("StaffMember", chat.agent.id) if chat.agent.id else ""
    payload = await talk.write(chat.agent, assign, conversationId=keys[1], assigneeId=agent_id)
    assert payload["conversation"]["assignee"]["displayName"] == "Carla"
    counts = """query($filters: [ConversationFilter!]!) { conversationCounts(filters: $filters) }"""
    filters = [
        {},
        {"status": ["NEW"]},
        {"assigneeId": agent_id},
        {"isUnassigned": True},
        {"isUnread": True},
        {"channelKind": ["EMAIL"]},
        {"waitingOn": ["CUSTOMER"]},
        {"customerId": global_id("Customer", chat.shopper.id) if chat.shopper.id else ""},
        {"customerId": keys[0]},
    ]
    found = (await talk.ask(chat.agent, counts, filters=filters))["conversationCounts"]
    assert found == [3, 2, 1, 2, 2, 0, 1, 3, 0]
    listed = """query($filter: ConversationFilter) { conversations(filter: $filter, first: 10) {
      totalCount nodes { id lastMessage { text } } } }"""
    page = (await talk.ask(chat.agent, listed, filter={"isUnread": True}))["conversations"]
    assert {each["id"] for each in page["nodes"]} == set(keys[1:])
    assert page["totalCount"] == 2
    own = "{ me: viewer { customer { conversations(first: 5) { totalCount nodes { id } } } } }"
    viewed = (await talk.ask(chat.shopper, own))["me"]["customer"]["conversations"]
    assert viewed["totalCount"] == 3
    assert (await talk.ask(chat.stranger, listed))["conversations"]["totalCount"] == 0


async def test_a_conversation_is_followed_by_both(talk: Talk) -> None:
    """What is said comes at once; a note comes to the agent only."""
    key = await talk.start()
    chat = talk.chat
    text = f"subscription($id: ID!) {{ conversationEvents(conversationId: $id) {EVENTS} }}"
    async with talk.follow(chat.shopper, text, id=key) as own, talk.follow(chat.agent, text, id=key) as team:
        await talk.write(chat.agent, NOTE, conversationId=key, text="secret")
        await talk.write(chat.agent, SEND, conversationId=key, text="Hello")
        assert (await team())["interaction"]["__typename"] == "Note"
        kinds = [(await team())["__typename"] for _ in range(3)]
        assert kinds == ["InteractionAdded", "InteractionAdded", "ConversationChanged"]
        first, second = await own(), await own()
        assert first["interaction"] == {"__typename": "StatusChange", "seq": 2}
        assert second["interaction"] == {"__typename": "Message", "seq": 3, "text": "Hello"}
        assert (await own())["conversation"] == {"status": "OPEN"}


async def test_the_inbox_is_followed_by_staff_only(talk: Talk) -> None:
    """A new conversation is seen at once; no shopper follows the inbox, nor somebody else's conversation."""
    chat = talk.chat
    text = f"subscription {{ inboxEvents {EVENTS} }}"
    async with talk.follow(chat.agent, text) as take:
        await talk.start()
        assert (await take())["__typename"] == "ConversationStarted"
        assert (await take())["interaction"]["text"] == "Where is my parcel?"
    refused: Any = subscribe(
        make_schema()._schema,
        parse(text),
        context_value=Context(chat.works, actor=chat.shopper, request_id="r"),
        executor_class=BreadthFirst,
    )
    result = await refused if asyncio.iscoroutine(refused) else refused
    assert result.errors
