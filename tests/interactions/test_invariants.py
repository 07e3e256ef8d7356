"""What must hold of conversations, whatever happens at once: I1, I2, I4, I5 and I10; I3 and I6 have files of their own.

I1: numbers without a hole, and each message once. I2: no reply that missed something. I4: a reply leaves through the
sign that it is about. I5: customers are recognised by what is proven. I10: what holds for a moment is written nowhere.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from domain.base.events import Event
from domain.base.identifiers import new_id
from domain.base.work import Works
from schema.base.ids import global_id, key_of
from tests.conftest import Client, StandingClock
from tests.customers.family_changing import join, part
from tests.interactions.chat import Chat, open_chat
from tests.interactions.mail import ADA, BOB, know, open_post
from tests.interactions.seen import everything, told
from tests.interactions.test_api import NOTE, SEND, START, Talk
from tests.interactions.test_api_presence import BE, TYPE, TYPING, VIEWERS
from tests.orders.shop import nothing_changes
from tests.snapshots import snapshot

SENDERS = 20
LISTED = (
    """query($id: ID!) { conversation(id: $id) { lastSeq interactions(first: 100) { totalCount nodes { seq } } } }"""
)
FOLLOW = """subscription($id: ID!, $after: Cursor) { conversationEvents(conversationId: $id, after: $after) {
  __typename ... on InteractionAdded { interaction { ... on Message { text } } } } }"""
SECOND = timedelta(seconds=1)


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def test_i1_numbers_have_no_hole(talk: Talk) -> None:
    """Twenty write at once, shopper, agents and notes: each gets a number of its own, in both countings."""
    chat, key = talk.chat, await talk.start()
    writes = [(chat.shopper, SEND), (chat.agent, SEND), (chat.colleague, NOTE), (chat.colleague, SEND)] * (SENDERS // 4)
    payloads = await asyncio.gather(
        *(talk.write(by, query, conversationId=key, text=f"m{n}") for n, (by, query) in enumerate(writes))
    )
    assert [each["userErrors"] for each in payloads] == [[]] * SENDERS
    numbers = [(each.get("message") or each["note"])["seq"] for each in payloads]
    of_staff = [n for n, (by, _) in zip(numbers, writes, strict=True) if by is not chat.shopper]
    assert len(set(of_staff)) == len(of_staff)
    for actor in (chat.shopper, chat.agent):
        seen = (await talk.ask(actor, LISTED, id=key))["conversation"]
        count = seen["lastSeq"]
        assert [each["seq"] for each in seen["interactions"]["nodes"]] == list(range(1, count + 1))
        assert seen["interactions"]["totalCount"] == count
    hidden = SENDERS // 4
    assert (await talk.ask(chat.agent, LISTED, id=key))["conversation"]["lastSeq"] == count
    assert (await talk.ask(chat.shopper, LISTED, id=key))["conversation"]["lastSeq"] == count - hidden


@pytest.mark.parametrize("query", [SEND, NOTE], ids=["message", "note"])
async def test_i1_the_same_message_is_one_and_one_answer(talk: Talk, query: str) -> None:
    """Sent twenty times at once, and once more later; with another text it is refused, and nothing is added."""
    chat, key = talk.chat, await talk.start()
    same = {"conversationId": key, "text": "once", "clientMessageId": "c1"}
    answers = await asyncio.gather(*(talk.write(chat.agent, query, **same) for _ in range(SENDERS)))
    assert len({str(each) for each in answers}) == 1
    assert answers[0]["userErrors"] == []
    async with nothing_changes(chat.works, without=["audit_entries"]):
        assert await talk.write(chat.agent, query, **same) == answers[0]
    async with nothing_changes(chat.works):
        refused = await talk.write(chat.agent, query, **same | {"text": "twice"})
        assert [each["code"] for each in refused["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]
    rows = await chat.interactions(key_of(key, "Conversation") or new_id())
    assert [row.text for row in rows].count("once") == 1
    tables = await snapshot(chat.works)
    kind = "InteractionAdded" if query == SEND else "NoteAdded"
    of_message = [row for row in tables["events"] if kind in row and rows[-1].id.hex in row.replace("-", "")]
    assert len(of_message) == 1


async def test_i1_the_same_start_is_one_conversation(talk: Talk) -> None:
    """Begun twenty times at once by a client that does not know whether it was heard."""
    channel_id = global_id("Channel", talk.chat.channel_id)
    same = {"channelId": channel_id, "text": "Hello", "clientMessageId": "s1"}
    answers = await asyncio.gather(*(talk.write(talk.chat.shopper, START, **same) for _ in range(SENDERS)))
    assert len({str(each) for each in answers}) == 1
    tables = await snapshot(talk.chat.works)
    assert (len(tables["conversations"]), len(tables["interactions"])) == (1, 1)


async def test_i2_of_two_agents_who_saw_the_same_one_answers(talk: Talk) -> None:
    """The other one is refused with exactly what they had not seen, and may answer after having seen it."""
    chat, key = talk.chat, await talk.start()
    await talk.write(chat.shopper, SEND, conversationId=key, text="Please!")
    payloads = dict(
        zip(
            ("a", "b"),
            await asyncio.gather(
                *(
                    talk.write(by, SEND, conversationId=key, text=text, expectedLastSeq=2)
                    for by, text in ((chat.agent, "a"), (chat.colleague, "b"))
                )
            ),
            strict=True,
        )
    )
    refused = [text for text, payload in payloads.items() if payload["message"] is None]
    assert len(refused) == 1
    (winner,) = payloads.keys() - refused
    (error,) = payloads[refused[0]]["userErrors"]
    missed = [(each["__typename"], each["seq"], each.get("text")) for each in error["missed"]]
    assert (error["code"], missed) == (
        "STALE_CONVERSATION",
        [("StatusChange", 3, None), ("Message", 4, winner)],
    )
    late = await talk.write(chat.agent, SEND, conversationId=key, text="c", expectedLastSeq=4)
    assert late["userErrors"] == []


async def test_i2_a_shopper_misses_only_what_they_see(talk: Talk) -> None:
    """Notes make no reply of theirs stale; of their two telephones at once one is told, in their own counting."""
    chat, key = talk.chat, await talk.start()
    await talk.write(chat.agent, NOTE, conversationId=key, text="n")
    fresh = await talk.write(chat.shopper, SEND, conversationId=key, text="One", expectedLastSeq=1)
    assert (fresh["userErrors"], fresh["message"]["seq"]) == ([], 2)
    await talk.write(chat.agent, NOTE, conversationId=key, text="n")
    payloads = await asyncio.gather(
        *(
            talk.write(chat.shopper, SEND, conversationId=key, text=text, expectedLastSeq=2)
            for text in ("left", "right")
        )
    )
    (sent,) = [each["message"]["text"] for each in payloads if each["message"] is not None]
    (refused,) = [each["userErrors"][0] for each in payloads if each["message"] is None]
    assert refused["missed"] == [{"__typename": "Message", "seq": 3, "text": sent}]


async def test_i4_merging_never_changes_where_a_reply_goes(works: Works) -> None:
    """Nor does unmerging, another main address, or that both write at the same time as they are merged."""
    post = await open_post(works)
    await know(works, post.chat.shopper, ADA)
    await know(works, post.chat.stranger, BOB)
    ada, bob = [each for each in (post.chat.shopper.id, post.chat.stranger.id) if each is not None]
    keys = [(await post.message(await post.receive(sign=sign))).conversation_id for sign in (ADA, BOB)]
    results = await asyncio.gather(
        join(works, ada, bob),
        *(post.receive(f"r{n}", sign=sign) for n, sign in enumerate((ADA, BOB) * 4)),
        *(post.chat.say(key, "Yes", by=post.chat.agent) for key in keys * 2),
    )

    async def check() -> None:
        assert [each.id for each in await post.conversations()] == keys
        for key, sign in zip(keys, (ADA, BOB), strict=True):
            reply = await post.message(await post.chat.say(key, "Where to?", by=post.chat.agent))
            left = await post.conversation_of(reply.id)
            assert (left.id, left.channel_id, left.contact_value) == (key, post.mail, sign.value)
            assert (await post.message(await post.receive(sign=sign))).conversation_id == key

    await check()
    await part(works, results[0])
    await check()
    assert [each.customer_id for each in await post.conversations()] == [ada, bob]


async def test_i5_conversations_of_one_person_are_gathered(client: Client, talk: Talk) -> None:
    """Under whoever of them is asked for; taken apart again, every answer is as it was before, byte by byte."""
    chat, works = talk.chat, client.works
    first, second = await talk.start("mine"), await chat.start("his", by=chat.stranger)
    ada, bob = [each.id for each in (chat.shopper, chat.stranger) if each.id is not None]
    questions = [
        (actor, f'{{ customer(id: "{global_id("Customer", key)}") {{ {everything("Customer")} }} }}')
        for actor in (chat.agent, chat.shopper, chat.stranger)
        for key in (ada, bob)
    ]
    listed = "query($id: ID!) { customer(id: $id) { conversations(first: 9) { totalCount nodes { id } } } }"
    before = [await told(talk, actor, query) for actor, query in questions]
    await part(works, await join(works, ada, bob))
    assert [await told(talk, actor, query) for actor, query in questions] == before
    merge_id = await join(works, ada, bob)
    for key in (ada, bob):
        found = (await talk.ask(chat.agent, listed, id=global_id("Customer", key)))["customer"]["conversations"]
        ids = [each["id"] for each in found["nodes"]]
        assert (found["totalCount"], set(ids)) == (2, {first, global_id("Conversation", second)})
    said = await chat.say(second, "I am he", by=chat.shopper)
    assert said in {row.id for row in await chat.interactions(second)}
    merged = [await told(talk, actor, query) for actor, query in questions]
    assert merged[0] != before[0]
    await part(works, merge_id)
    own = [await told(talk, actor, query) for actor, query in questions]
    changed = [place for place, answer in enumerate(own) if answer != before[place]]
    assert {(questions[place][0].id, bob_is_asked(questions[place][1], bob)) for place in changed} == {
        (chat.agent.id, True),
        (chat.stranger.id, True),
    }, "what was said meanwhile is with whom it came in through"


def bob_is_asked(query: str, bob: UUID) -> bool:
    """Tell whether a question is about the one who was absorbed."""
    return global_id("Customer", bob) in query


async def test_i5_two_who_claim_one_address_are_two(works: Works) -> None:
    """Neither is merged with the other, nor recognised by it, until one of them has proven it."""
    post = await open_post(works)
    await know(works, post.chat.shopper, ADA, is_verified=False)
    unknown = await post.conversation_of(await post.receive())
    assert unknown.customer_id is None
    await know(works, post.chat.stranger, ADA, is_shared=True, is_verified=False)
    assert (await post.conversation_of(await post.receive())).customer_id is None
    tables = await snapshot(works)
    assert not [row for row in tables["customer_merges"] if "APPLIED" in row]


async def test_i10_what_holds_for_a_moment_is_written_nowhere(talk: Talk, clock: StandingClock) -> None:
    """Typing, presence and looking on change no row of any table; whoever vanishes is gone by themselves."""
    chat, key = talk.chat, await talk.start()
    await chat.works.feed.settle()
    async with (
        nothing_changes(chat.works),
        talk.follow(chat.colleague, TYPING, id=key) as typing,
        talk.follow(chat.colleague, VIEWERS, id=key) as viewers,
    ):
        assert await viewers() == {"viewers": []}
        for by in (chat.shopper, chat.agent):
            assert (await talk.write(by, TYPE, conversationId=key, isTyping=True))["userErrors"] == []
            assert (await typing())["isTyping"] is True
        assert (await talk.write(chat.agent, BE, presence="ONLINE"))["staffMember"]["presence"] == "ONLINE"
        async with talk.follow(chat.agent, FOLLOW, id=key):
            assert await viewers() == {"viewers": [{"displayName": "Carla"}]}
        assert await viewers() == {"viewers": []}
        clock.advance(7 * SECOND)
        assert [(await typing())["isTyping"] for _ in range(2)] == [False, False]
        clock.advance(30 * SECOND)
        assert await presence_of(talk, chat) == "OFFLINE"


async def presence_of(talk: Talk, chat: Chat) -> str:
    """Return whether the agent is there."""
    assert chat.agent.id is not None
    shown = "query($id: ID!) { node(id: $id) { ... on StaffMember { presence } } }"
    found = await talk.ask(chat.colleague, shown, id=global_id("StaffMember", chat.agent.id))
    return str(found["node"]["presence"])


def test_every_event_is_of_what_happened() -> None:
    """No kind of event tells of what holds for a moment (I10)."""
    names = {each.__name__ for each in Event.__subclasses__()}
    assert {"InteractionAdded", "NoteAdded"} <= names
    assert not [name for name in names if any(word in name for word in ("Typing", "Presence", "Viewing"))]
