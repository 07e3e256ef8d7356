"""Everything that happens, followed and pulled: in one order, once each, and nobody sees what they may not."""

from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, Actor, ActorKind, Permission
from domain.base.feed import Place
from tests.conftest import Client
from tests.interactions.chat import open_chat
from tests.interactions.test_api import NOTE, SEND, Talk

PULL = """query($after: Cursor!, $first: Int, $types: [EventType!]) {
  events(after: $after, first: $first, types: $types) {
  endCursor hasNextPage items { __typename ... on InteractionAdded { interaction { __typename } }
    ... on CustomerCreated { customer { givenName } } ... on ResyncRequired { reason } } } }"""
FOLLOW = "subscription($types: [EventType!]) { events(types: $types) { __typename } }"


@pytest.fixture
async def talk(client: Client) -> Talk:
    """Return a chat."""
    return Talk(await open_chat(client.works))


async def pull(talk: Talk, actor: Actor, after: str, **more: Any) -> Any:  # noqa: ANN401
    """Return a page of events."""
    await talk.chat.works.feed.settle()
    return (await talk.ask(actor, PULL, after=after, **more))["events"]


async def beginning(talk: Talk) -> str:
    """Return the cursor before everything."""
    cursor = (await talk.ask(talk.chat.agent, "{ eventCursor }"))["eventCursor"]
    return Place(cursor.split("-")[0], 0).cursor


async def test_it_is_pulled_page_by_page(talk: Talk) -> None:
    """However small the pages: everything once, in the same order as in one."""
    key = await talk.start()
    await talk.write(talk.chat.agent, SEND, conversationId=key, text="Hello")
    begin = await beginning(talk)
    whole = await pull(talk, talk.chat.agent, begin)
    assert not whole["hasNextPage"]
    found, cursor, is_more = [], begin, True
    while is_more:
        page = await pull(talk, talk.chat.agent, cursor, first=2)
        found += page["items"]
        cursor, is_more = page["endCursor"], page["hasNextPage"]
    assert found == whole["items"]
    assert cursor == whole["endCursor"]
    assert (await pull(talk, talk.chat.agent, cursor)) == {"endCursor": cursor, "hasNextPage": False, "items": []}
    only = await pull(talk, talk.chat.agent, begin, types=["CustomerCreated"])
    assert [each["customer"]["givenName"] for each in only["items"]] == ["Ada", "Bob"]


async def test_nobody_is_told_what_they_may_not_see(talk: Talk) -> None:
    """A program that may read orders only is told of no conversation; a shopper may not ask at all."""
    await talk.start()
    begin = await beginning(talk)
    program = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.ORDERS_READ}))
    page = await pull(talk, program, begin)
    assert page["items"] == []
    assert page["endCursor"] != begin
    refused = await talk._shop.ask(PULL, talk.chat.shopper, {"after": begin})
    assert refused.codes == ["FORBIDDEN"]
    await talk.chat.works.feed.settle()


async def test_a_cursor_that_is_over_says_so(talk: Talk) -> None:
    """And where to go on from."""
    page = await pull(talk, talk.chat.agent, Place("0" * 16, 3).cursor)
    assert page["items"] == [{"__typename": "ResyncRequired", "reason": "RESTORED"}]
    assert (await pull(talk, talk.chat.agent, page["endCursor"]))["items"] == []


@pytest.mark.parametrize("wrong", [{"after": "x"}, {"after": "0" * 16 + "-1", "first": 0}, {"after": "", "first": 5}])
async def test_what_is_no_page_is_refused(talk: Talk, wrong: dict[str, Any]) -> None:
    """No cursor, no size."""
    assert (await talk._shop.ask(PULL, talk.chat.agent, wrong)).codes == ["BAD_USER_INPUT"]


async def test_it_is_followed(talk: Talk) -> None:
    """By a program, as it happens; filtered by type."""
    program = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION)
    async with (
        talk.follow(program, FOLLOW) as everything,
        talk.follow(program, FOLLOW, types=["ConversationRead"]) as one,
    ):
        key = await talk.start()
        await talk.write(talk.chat.agent, NOTE, conversationId=key, text="n")
        kinds = [(await everything())["__typename"] for _ in range(3)]
        assert kinds == ["ConversationStarted", "InteractionAdded", "InteractionAdded"]
        read = "mutation($input: ConversationReadInput!) { conversationRead(input: $input) { userErrors { code } } }"
        await talk.write(talk.chat.colleague, read, conversationId=key, seq=1)
        assert (await one())["__typename"] == "ConversationRead"
