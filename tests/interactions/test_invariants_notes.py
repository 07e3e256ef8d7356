"""I3: notes never reach a shopper, nor does anything else that is the team's alone.

Everything that shoppers can ask for, and all their streams, are answered the same before and after, byte by byte.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.base.actors import Actor
from domain.base.feed import Place
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.interactions.chat import open_chat
from tests.interactions.seen import everything, questions, seen_by, told, without_ids
from tests.interactions.test_api import NOTE, READ, SEND, SHOW, Talk

HOUR = timedelta(hours=1)

UPDATE = "mutation($input: ConversationUpdateInput!) { conversationUpdate(input: $input) { userErrors { code } } }"
STATUS = """mutation($input: ConversationStatusSetInput!) { conversationStatusSet(input: $input) {
  userErrors { code message } } }"""
TYPE = "mutation($input: TypingSetInput!) { typingSet(input: $input) { userErrors { code } } }"
FOLLOW = f"""subscription($id: ID!, $after: Cursor) {{ conversationEvents(conversationId: $id, after: $after) {{
  {everything("ConversationStreamItem", 2)} }} }}"""
FOLLOW_CUSTOMER = f"""subscription($after: Cursor) {{ customerEvents(after: $after) {{
  {everything("CustomerStreamItem", 2)} }} }}"""

Step = Callable[[], Awaitable[Any]]


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def write(talk: Talk, actor: Actor, query: str, **fields: Any) -> Any:  # noqa: ANN401
    """Write what is not refused; return the payload."""
    payload = await talk.write(actor, query, **fields)
    assert payload["userErrors"] == []
    return payload


def hidden_steps(talk: Talk, clock: StandingClock, key: str) -> dict[str, Step]:
    """Return what a team can do to a conversation that is PENDING without its customer noticing."""
    agent, colleague = talk.chat.agent, talk.chat.colleague

    def become(status: str, hours: int | None = None) -> Step:
        until = None if hours is None else (clock.now() + hours * HOUR).isoformat()
        return lambda: write(talk, agent, STATUS, conversationId=key, status=status, snoozedUntil=until)

    return {
        "a note is added": lambda: write(talk, agent, NOTE, conversationId=key, text="secret: shoplifter"),
        "a note is added by somebody else": lambda: write(talk, colleague, NOTE, conversationId=key, text="where n"),
        "a note is read": lambda: read_all(talk, key),
        "a note is being written": lambda: write(talk, agent, TYPE, conversationId=key, isTyping=True, isNote=True),
        "tags": lambda: write(talk, agent, UPDATE, conversationId=key, tags=["vip", "urgent"]),
        "fewer tags": lambda: write(talk, agent, UPDATE, conversationId=key, tags=["vip"]),
        "priority": lambda: write(talk, agent, UPDATE, conversationId=key, priority="URGENT"),
        "it sleeps": become("SNOOZED", 300),
        "it sleeps for longer": become("SNOOZED", 400),
        "it is woken": become("PENDING"),
        "it sleeps until the customer writes": become("SNOOZED"),
        "it is woken again": become("PENDING"),
    }


async def begun(talk: Talk, actor: Actor, *, text: str = "Where is my parcel?") -> str:
    """Let a customer write, the team answer, and wait; return the conversation."""
    chat = talk.chat
    started = "mutation($i: ConversationStartInput!) { conversationStart(input: $i) { conversation { id } } }"
    said = {"channelId": global_id("Channel", chat.channel_id), "text": text}
    key = (await talk.ask(actor, started, i=said))["conversationStart"]["conversation"]["id"]
    await write(talk, chat.agent, SEND, conversationId=key, text="I look at it.")
    await write(talk, actor, READ, conversationId=key, seq=2)
    await rest(talk, key)
    return str(key)


async def rest(talk: Talk, key: str) -> None:
    """Let a conversation wait for its customer, and be read by everybody: what is read then is hidden."""
    await write(talk, talk.chat.agent, STATUS, conversationId=key, status="PENDING")
    await read_all(talk, key)


async def read_all(talk: Talk, key: str) -> None:
    """Let the colleague read all that there is."""
    newest = (await talk.ask(talk.chat.colleague, SHOW, id=key))["conversation"]["lastSeq"]
    await write(talk, talk.chat.colleague, READ, conversationId=key, seq=newest)


async def ids_in(talk: Talk, key: str) -> dict[str, str]:
    """Return an id of each type that the conversation has something of, the note as well."""
    assert talk.chat.shopper.id is not None
    listed = "query($id: ID!) { conversation(id: $id) { interactions(first: 50) { nodes { __typename id } } } }"
    nodes = (await talk.ask(talk.chat.agent, listed, id=key))["conversation"]["interactions"]["nodes"]
    return {
        "Conversation": key,
        "Customer": global_id("Customer", talk.chat.shopper.id),
        "Channel": global_id("Channel", talk.chat.channel_id),
        **{each["__typename"]: each["id"] for each in nodes},
    }


async def test_i3_nothing_that_is_hidden_is_noticed_by_asking(talk: Talk, clock: StandingClock) -> None:
    """Every field, list, count, cursor, filter, order and search: the same bytes as before; the team sees each step."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    key = await begun(talk, shopper)
    ids = await ids_in(talk, key)
    before = await seen_by(talk, shopper, ids)
    assert b"I look at it." in b"".join(before.values())
    assert len(before) > 40
    for name, step in hidden_steps(talk, clock, key).items():
        by_team = await told(talk, agent, f"query($id: ID!) {{ conversation(id: $id) {{ {WHOLE} }} }}", {"id": key})
        clock.advance(HOUR)
        await step()
        after = await seen_by(talk, shopper, ids)
        assert {query: (before[query], after[query]) for query in before if before[query] != after[query]} == {}, name
        now = await told(talk, agent, f"query($id: ID!) {{ conversation(id: $id) {{ {WHOLE} }} }}", {"id": key})
        assert (now != by_team) is (name not in NOT_IN_QUERIES), name
    noted = await ids_in(talk, key)
    for query in questions({"Note": noted["Note"], "Customer": ids["Customer"]}):
        answer = await told(talk, shopper, query)
        assert b"secret" not in answer
    await write(talk, agent, SEND, conversationId=key, text="Here it is.")
    seen = await seen_by(talk, shopper, ids)
    assert len([query for query in before if seen[query] != before[query]]) > 10


WHOLE = "version updatedAt priority tags snoozedUntil unreadCount status"
NOT_IN_QUERIES = {"a note is read", "a note is being written"}
"""Steps that no query of who took no part in them shows."""


async def test_i3_nothing_that_is_hidden_is_told(talk: Talk, clock: StandingClock) -> None:
    """While it happens, and afterwards from a cursor: what comes next is what is said next."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    key = await begun(talk, shopper)
    await talk.chat.works.feed.settle()
    cursor = (await talk.ask(shopper, "{ eventCursor }"))["eventCursor"]
    typing = "subscription($id: ID!) { typingChanged(conversationId: $id) { isTyping } }"
    async with (
        talk.follow(shopper, FOLLOW, id=key) as live,
        talk.follow(shopper, FOLLOW_CUSTOMER) as of_customer,
        talk.follow(shopper, typing, id=key) as typed,
    ):
        for step in hidden_steps(talk, clock, key).values():
            clock.advance(HOUR)
            await step()
        await write(talk, agent, TYPE, conversationId=key, isTyping=True)
        await write(talk, agent, SEND, conversationId=key, text="Here it is.")
        first = [await live(), await of_customer()]
        assert await typed() == {"isTyping": True}
    async with (
        talk.follow(shopper, FOLLOW, id=key, after=cursor) as missed,
        talk.follow(shopper, FOLLOW_CUSTOMER, after=cursor) as of_customer,
    ):
        first += [await missed(), await of_customer()]
    assert [said_in(item) for item in first] == ["Here it is."] * 4


LAST = "Good bye!"


def said_in(item: Any) -> str | None:  # noqa: ANN401  of a stream
    """Return the text that an item is about, None where it is about something else."""
    text: str | None = item.get("InteractionAdded_interaction", {}).get("Message_text")
    return text


async def history(talk: Talk, actor: Actor, key: str, *, begin: str) -> str:
    """Return all that a customer sees of their conversation, and was told of it, without what is nobody else's."""
    query = f"query($id: ID!) {{ conversation(id: $id) {{ {everything('Conversation')} }} }}"
    seen = await told(talk, actor, query, {"id": key})
    streams: list[Any] = []
    for text, variables in ((FOLLOW, {"id": key}), (FOLLOW_CUSTOMER, {})):
        async with talk.follow(actor, text, **variables, after=begin) as take:
            streams.append([await take()])
            while said_in(streams[-1][-1]) != LAST:
                streams[-1].append(await take())
    plain = seen.decode() + orjson.dumps(streams).decode()
    plain = re.sub(r'[0-9a-f]{16}-\d+"', '"', plain).replace("Bob", "Ada")
    return without_ids(re.sub(r'(Conversation_number":)"\d+"', r"\1", plain))


async def test_i3_a_history_with_notes_is_one_without(talk: Talk, clock: StandingClock) -> None:
    """The same happens to two customers: the one with notes has the numbers, cursors, times and events of the other."""
    chat = talk.chat
    first = (await talk.ask(chat.agent, "{ eventCursor }"))["eventCursor"]
    begin = Place(first.split("-")[0], 0).cursor
    keys = {actor.id: await begun(talk, actor) for actor in (chat.shopper, chat.stranger)}
    plain, noted = keys.values()
    for number in range(3):
        at = clock.now()
        for step in hidden_steps(talk, clock, noted).values():
            await step()
        assert clock.now() == at
        for key, actor in zip(keys.values(), (chat.shopper, chat.stranger), strict=True):
            await write(talk, actor, SEND, conversationId=key, text=f"Anybody there? {number}")
            await write(talk, chat.agent, SEND, conversationId=key, text=f"Yes {number}")
            if key == noted:  # whoever notes something reads it afterwards as they would have otherwise
                await write(talk, chat.colleague, NOTE, conversationId=key, text="n")
            await read_all(talk, key)
            await rest(talk, key)
        clock.advance(HOUR)
    team = [(await talk.ask(chat.agent, SHOW, id=key))["conversation"]["lastSeq"] for key in (plain, noted)]
    assert team[0] + 6 < team[1]
    for key, actor in zip(keys.values(), (chat.shopper, chat.stranger), strict=True):
        await write(talk, actor, SEND, conversationId=key, text=LAST)
    one, other = [
        await history(talk, actor, key, begin=begin) for key, actor in ((plain, chat.shopper), (noted, chat.stranger))
    ]
    assert "Anybody there? 2" in one
    assert one == other
