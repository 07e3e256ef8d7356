"""Finding conversations by words, over the API: each finds what they see, and nobody what they do not."""

from typing import Any

import pytest

from domain.base.actors import Actor, ActorKind, StaffRole
from domain.base.identifiers import new_id
from domain.customers.rules.consents import ChannelKind
from domain.identity.rules import ROLE_PERMISSIONS
from schema.base.ids import global_id
from tests.conftest import Client
from tests.interactions.chat import open_chat
from tests.interactions.mail import ADA, Post, know, open_door
from tests.interactions.test_api import NOTE, SEND, START, Talk

FIND = """query($search: String!) { conversations(first: 50, filter: {search: $search}) {
  totalCount nodes { number } } }"""
UPDATE = "mutation($input: ConversationUpdateInput!) { conversationUpdate(input: $input) { userErrors { code } } }"
CONTACT = """query($id: ID!) { conversation(id: $id) {
  contact { kind namespace value name } lastMessage { text } } }"""
READ = "mutation($input: ConversationReadInput!) { conversationRead(input: $input) { userErrors { code } } }"
FOLLOW = """subscription($id: ID!) { conversationEvents(conversationId: $id) {
  ... on ConversationRead { seq reader { displayName __typename } } } }"""


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def find(talk: Talk, actor: Actor, search: str) -> list[str]:
    """Return the numbers of what somebody finds, the smallest first."""
    found = (await talk.ask(actor, FIND, search=search))["conversations"]
    numbers = sorted(each["number"] for each in found["nodes"])
    assert found["totalCount"] == len(numbers)
    return numbers


async def begin(talk: Talk, actor: Actor, text: str, **more: Any) -> str:  # noqa: ANN401
    """Let a customer begin a conversation; return its id."""
    channel_id = global_id("Channel", talk.chat.channel_id)
    payload = await talk.write(actor, START, channelId=channel_id, text=text, **more)
    assert payload["userErrors"] == []
    return str(payload["conversation"]["id"])


async def test_words_find_conversations(talk: Talk) -> None:
    """By whole words and their beginnings, in whatever case, with accents or without, several together in any order."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    await begin(talk, shopper, "Der Teller ist zerbröselt, schade!", subject="Très cassé")
    second = await begin(talk, shopper, "Where is the blue teapot?")
    await talk.write(agent, SEND, conversationId=second, text="It travels with ДХЛ 42-B.")
    expected = {
        "teller": ["1"],
        "TELL": ["1"],
        "eller": [],
        "zerbroselt": ["1"],
        "zerbröselt": ["1"],
        "tres casse": ["1"],
        "te": ["1", "2"],
        "blue teapot": ["2"],
        "teapot is whe": ["2"],
        "teapot teller": [],
        "teapot, blue!": ["2"],
        "дхл": ["2"],
        "42": ["2"],
        "travels": ["2"],
        "1": ["1"],
        "2": ["2"],
    }
    for search, numbers in expected.items():
        assert await find(talk, agent, search) == numbers, search
        assert await find(talk, shopper, search) == numbers, search
        assert await find(talk, talk.chat.stranger, search) == [], search


@pytest.mark.parametrize("search", ["", "   ", "!?… -", "%", "_", "'", "*", "\U0010ffff", "a" * 200, "x " * 99])
async def test_what_finds_nothing_is_no_fault(talk: Talk, search: str) -> None:
    """Nothing, punctuation, the signs of other languages of search: no word, so nothing is found."""
    await begin(talk, talk.chat.shopper, "100 % of a_b *")
    assert await find(talk, talk.chat.agent, search) == []


@pytest.mark.parametrize("search", ["a" * 201, "a\x00", "\ud800"])
async def test_what_is_no_search_is_refused(talk: Talk, search: str) -> None:
    """Too long, control characters, what is no text."""
    told = await talk._shop.ask(FIND, talk.chat.agent, {"search": search})
    assert told.codes == ["BAD_USER_INPUT"]


async def test_what_was_named_anew_is_found_by_that(talk: Talk) -> None:
    """A subject that is given later; only the first eight words of a search count."""
    key = await begin(talk, talk.chat.shopper, "one two three four five six seven eight")
    await talk.write(talk.chat.agent, UPDATE, conversationId=key, subject="Chandelier")
    for actor in (talk.chat.agent, talk.chat.shopper):
        assert await find(talk, actor, "chandel") == ["1"]
        assert await find(talk, actor, "one two three four five six seven eight nine") == ["1"]
        assert await find(talk, actor, "one nine") == []


async def test_notes_are_found_by_the_team_only(talk: Talk) -> None:
    """By a word of a note alone no shopper finds anything, until somebody says it; then they do."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    key = await begin(talk, shopper, "Hello")
    await talk.write(agent, NOTE, conversationId=key, text="Shoplifter, says hello")
    assert await find(talk, agent, "shopl") == ["1"]
    assert await find(talk, shopper, "shopl") == []
    assert await find(talk, shopper, "hello shopl") == []
    assert await find(talk, shopper, "hello") == ["1"]
    await talk.write(agent, SEND, conversationId=key, text="You are no shoplifter.")
    assert await find(talk, shopper, "shopl") == ["1"]
    await talk.write(agent, NOTE, conversationId=key, text="no shoplifter hello")
    assert await find(talk, shopper, "shopl hello") == ["1"]


async def partner(talk: Talk, post: Post, code: str = "it") -> tuple[Actor, str]:
    """Return a partner agent of a store, and a conversation of that store that came in by e-mail."""
    works = talk.chat.works
    door = await open_door(works, ChannelKind.EMAIL, name="Shop", store_code=code)
    found = await post.conversation_of(await post.receive("Where is my chandelier?", channel_id=door))
    actor = Actor(
        kind=ActorKind.STAFF,
        permissions=ROLE_PERMISSIONS[StaffRole.PARTNER_AGENT],
        id=new_id(),
        role=StaffRole.PARTNER_AGENT,
        store_ids=frozenset({found.store_id}),
    )
    return actor, global_id("Conversation", found.id)


async def test_a_partner_agent_sees_a_part_of_the_sign(talk: Talk) -> None:
    """Known or unknown: enough to tell callers apart, too little to write to them; a shopper sees none of it."""
    post = Post(talk.chat, await open_door(talk.chat.works, ChannelKind.EMAIL))
    await know(talk.chat.works, talk.chat.shopper, ADA)
    actor, key = await partner(talk, post)
    whole = {"kind": "EMAIL", "namespace": None, "value": "ada@mail.example", "name": "Ada L."}
    assert (await talk.ask(talk.chat.agent, CONTACT, id=key))["conversation"]["contact"] == whole
    part = {"kind": "EMAIL", "namespace": None, "value": "a…@….example", "name": "Ada L."}
    assert (await talk.ask(actor, CONTACT, id=key))["conversation"]["contact"] == part
    own = (await talk.ask(talk.chat.shopper, CONTACT, id=key))["conversation"]
    assert own == {"contact": None, "lastMessage": {"text": "Where is my chandelier?"}}
    assert await find(talk, actor, "chandel") == ["1"]
    assert await find(talk, actor, "ada") == []
    chat = await talk.start()
    assert (await talk.ask(actor, CONTACT, id=chat))["conversation"] is None
    assert (await talk.ask(talk.chat.agent, CONTACT, id=chat))["conversation"]["contact"] is None


async def test_who_has_read_is_told_in_the_counting_of_whoever_listens(talk: Talk) -> None:
    """The agent has read so far, a note included; the customer is told the number of what they see of that."""
    shopper, agent, colleague = talk.chat.shopper, talk.chat.agent, talk.chat.colleague
    key = await begin(talk, shopper, "Hello")
    await talk.write(colleague, NOTE, conversationId=key, text="n")
    await talk.write(shopper, SEND, conversationId=key, text="Anybody?")
    async with talk.follow(shopper, FOLLOW, id=key) as own, talk.follow(colleague, FOLLOW, id=key) as team:
        await talk.write(agent, READ, conversationId=key, seq=3)
        reader = {"displayName": "Carla", "__typename": "StaffMember"}
        assert await own() == {"seq": 2, "reader": reader}
        assert (await team())["seq"] == 3
        await talk.write(agent, READ, conversationId=key, seq=2)  # read already
        await talk.write(colleague, SEND, conversationId=key, text="Yes")
        await talk.write(shopper, READ, conversationId=key, seq=4)
        of_reading = [await next_reading(take) for take in (own, team)]
        assert of_reading == [
            {"seq": seq, "reader": {"displayName": "Ada", "__typename": "Customer"}} for seq in (4, 5)
        ]


async def next_reading(take: Any) -> Any:  # noqa: ANN401
    """Return the next item that is about reading."""
    while not (item := await take()):
        pass
    return item
