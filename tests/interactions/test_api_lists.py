"""The inbox over the API: each filter, each order, page by page, for the team and for a shopper."""

from typing import Any

import pytest

from domain.base.actors import Actor
from domain.customers.rules.consents import ChannelKind
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.interactions.chat import open_chat
from tests.interactions.mail import open_door
from tests.interactions.test_api import READ, SEND, Talk
from tests.interactions.test_invariants_notes import HOUR, STATUS, UPDATE, write

LIST = """query($filter: ConversationFilter, $order: ConversationSort, $first: Int, $after: String, $last: Int,
  $before: String) { conversations(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last,
  before: $before) { totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage } nodes { number } } }"""
COUNTS = "query($filters: [ConversationFilter!]!) { conversationCounts(filters: $filters) }"


@pytest.fixture
async def talk(client: Client, clock: StandingClock) -> Talk:
    """Return a chat with four conversations: new, answered, sleeping, done; the last one of a store."""
    talk = Talk(await open_chat(client.works))
    door = await open_door(client.works, ChannelKind.FORM, store_code="it")
    keys = []
    for number in range(1, 5):
        clock.advance(HOUR)
        if number < 4:
            keys.append(await talk.start(f"m{number}"))
        else:
            key = await talk.chat.start("m4", by=talk.chat.agent, channel_id=door, customer_id=talk.chat.shopper.id)
            keys.append(global_id("Conversation", key))
    agent = talk.chat.agent
    for place, status in ((1, None), (2, "SNOOZED"), (3, "RESOLVED")):
        await write(talk, agent, SEND, conversationId=keys[place], text="Hello")
        if status is not None:
            await write(talk, agent, STATUS, conversationId=keys[place], status=status)
    await write(talk, agent, UPDATE, conversationId=keys[0], tags=["vip", "late"], priority="URGENT")
    await write(talk, agent, UPDATE, conversationId=keys[1], tags=["late"], priority="LOW", waitingOn="THIRD_PARTY")
    await write(talk, talk.chat.shopper, READ, conversationId=keys[1], seq=3)
    return talk


async def listed(talk: Talk, actor: Actor, **variables: Any) -> list[int]:  # noqa: ANN401
    """Return the numbers of a list of conversations, whose count is that of what is in it."""
    page = (await talk.ask(actor, LIST, first=50, **variables))["conversations"]
    found = [int(each["number"]) for each in page["nodes"]]
    assert page["totalCount"] == len(found)
    return found


WAYS = (("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage"))

FILTERS: dict[str, tuple[dict[str, Any], set[int], set[int] | None]] = {
    "all": ({}, {1, 2, 3, 4}, {1, 2, 3, 4}),
    "a status": ({"status": ["NEW", "RESOLVED"]}, {1, 4}, {1, 4}),
    "what sleeps": ({"status": ["SNOOZED"]}, {3}, set()),
    "what waits": ({"status": ["PENDING"]}, set(), {3}),
    "a store": ({"storeCode": ["it"]}, {4}, {4}),
    "another store": ({"storeCode": ["uk"]}, set(), set()),
    "the queue": ({"isUnassigned": True}, {1, 2, 3}, {1, 2, 3}),
    "not the queue": ({"isUnassigned": False}, {4}, {4}),
    "a kind of channel": ({"channelKind": ["FORM", "EMAIL"]}, {4}, {4}),
    "how urgent": ({"priority": ["LOW", "URGENT"]}, {1, 2}, None),
    "a tag": ({"tag": ["late", "x"]}, {1, 2}, None),
    "whose turn": ({"waitingOn": ["THIRD_PARTY", "NOBODY"]}, {2, 4}, {2, 4}),
    "unread": ({"isUnread": True}, {1}, {3, 4}),
    "read": ({"isUnread": False}, {2, 3, 4}, {1, 2}),
    "together": ({"status": ["OPEN"], "tag": ["late"], "search": "m2 hel"}, {2}, None),
    "nobody's": ({"customerId": "UXVlcnk6AAAAAAAAAAAAAAAAAAAAAA"}, set(), set()),
    "nobody at it": ({"assigneeId": "UXVlcnk6AAAAAAAAAAAAAAAAAAAAAA"}, set(), set()),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_what_a_filter_names(talk: Talk, name: str) -> None:
    """The same in the list, in its count and in the counts; a shopper does not ask by what only the team sees."""
    chat = talk.chat
    wanted, of_team, of_shopper = FILTERS[name]
    assert set(await listed(talk, chat.agent, filter=wanted)) == of_team
    assert (await talk.ask(chat.agent, COUNTS, filters=[wanted, wanted]))["conversationCounts"] == [len(of_team)] * 2
    if of_shopper is None:
        for query, variables in ((LIST, {"filter": wanted, "first": 5}), (COUNTS, {"filters": [wanted]})):
            assert (await talk._shop.ask(query, chat.shopper, variables)).codes == ["FORBIDDEN"]
    else:
        assert set(await listed(talk, chat.shopper, filter=wanted)) == of_shopper
    assert await listed(talk, chat.stranger, filter={} if of_shopper is None else wanted) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [("UPDATED_AT", {1, 2, 3, 4}), ("CREATED_AT", [1, 2, 3, 4]), ("PRIORITY", [2, {3, 4}, 1])],
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_each_order_is_paged_from_both_ends(talk: Talk, field: str, expected: Any, direction: str) -> None:  # noqa: ANN401
    """One by one: the same as at once, and the other way round the same turned round."""
    agent, order = talk.chat.agent, {"field": field, "direction": direction}
    whole = await listed(talk, agent, order=order)
    assert (
        whole
        == (await listed(talk, agent, order=order | {"direction": "ASC" if direction == "DESC" else "DESC"}))[::-1]
    )
    upwards = whole if direction == "ASC" else whole[::-1]
    if field == "CREATED_AT":
        assert upwards == expected
    if field == "PRIORITY":
        assert (upwards[0], set(upwards[1:3]), upwards[3]) == tuple(expected)
    for size, edge, cursor, more in WAYS:
        found: list[int] = []
        variables: dict[str, Any] = {size: 1, "order": order}
        is_more = True
        while is_more:
            page = (await talk.ask(agent, LIST, **variables))["conversations"]
            found += [int(each["number"]) for each in page["nodes"]]
            variables[edge], is_more = page["pageInfo"][cursor], page["pageInfo"][more]
        assert found == (whole if size == "first" else whole[::-1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": [{}] * 21},
        {"filters": [{"tag": ["t"] * 251}]},
        {"filters": [{"search": "x" * 201}]},
    ],
)
async def test_too_much_at_once_is_refused(talk: Talk, wrong: dict[str, Any]) -> None:
    """More filters, values or letters than anybody needs."""
    assert (await talk._shop.ask(COUNTS, talk.chat.agent, wrong)).codes == ["BAD_USER_INPUT"]


async def test_a_shopper_does_not_order_by_what_they_do_not_see(talk: Talk) -> None:
    """How urgent the shop thinks they are; nor does a cursor of the team's order lead anywhere in theirs."""
    shopper, agent = talk.chat.shopper, talk.chat.agent
    by_priority = {"first": 5, "order": {"field": "PRIORITY"}}
    assert (await talk._shop.ask(LIST, shopper, by_priority)).codes == ["FORBIDDEN"]
    page = (await talk.ask(agent, LIST, first=2))["conversations"]
    told = await talk._shop.ask(LIST, shopper, {"first": 5, "after": page["pageInfo"]["endCursor"]})
    assert told.codes == ["BAD_USER_INPUT"]
