"""The timeline, one order over all that happened, and the ledger of consents: pages of a customer or a family."""

from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import Permission
from schema.base.ids import parse_id
from tests.conftest import NOW, Client
from tests.customers.test_actions_consents import HISTORY, merge, people, record, unmerge
from tests.customers.test_actions_consents import page as ledger_page
from tests.customers.test_api_statements import counting
from tests.customers.test_repository_pages import made_cursor
from tests.orders.shop import Input, days_ago, instant, send_note, send_order

ARGUMENTS = "$kind: [TimelineKind!], $first: Int, $after: String, $last: Int, $before: String"
GIVEN = "kind: $kind, first: $first, after: $after, last: $last, before: $before"
TIMELINE = f"""query($id: ID!, {ARGUMENTS}) {{ customer(id: $id) {{ timeline({GIVEN}) {{
  nodes {{ id }} edges {{ cursor node {{ __typename id occurredAt summary
    ... on Order {{ externalId }} ... on CreditNote {{ externalId }} ... on Consent {{ source }} }} }}
  pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"""
EVERYBODY = "{ customers(first: 100) { nodes { id timeline(first: 100) { nodes { id occurredAt summary } } } } }"


async def page(client: Client, customer_id: str, *, key: str | None = None, **arguments: Any) -> Input:  # noqa: ANN401
    """Return a page of a customer's timeline, the first hundred items where nothing else is asked for."""
    asked = {"first": 100} if not {"first", "last"} & set(arguments) else {}
    answer = await client.ask(TIMELINE, {"id": customer_id, **asked, **arguments}, key=key)
    found: Input = answer.data["customer"]["timeline"]
    assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
    cursors = [edge["cursor"] for edge in found["edges"]] or [None]
    assert (found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"]) == (cursors[0], cursors[-1])
    return found


def names(found: Input) -> list[str]:
    """Return what the items of a page are called: external id of a document, source of a consent."""
    return [edge["node"].get("externalId") or edge["node"]["source"] for edge in found["edges"]]


async def told(client: Client, customer_id: str, **arguments: Any) -> list[str]:  # noqa: ANN401
    """Return what the items of a page of a customer's timeline are called."""
    return names(await page(client, customer_id, **arguments))


async def fill(client: Client) -> str:
    """Add a customer with 24 items of three kinds at six instants, told in no order; return the customer."""
    (ada,) = await people(client, 1)
    for number in range(8):
        buyer, at = {"externalId": "k-0"}, days_ago((number * 5) % 6 + 1)
        await send_order(client, f"o-{number}", customer=buyer, placedAt=at)
        await send_note(client, f"c-{number}", customer=buyer, issuedAt=at)
        await record(client, ada, source=f"s-{number}", decidedAt=at)
    return ada


async def test_all_that_happened_stands_in_one_order(client: Client) -> None:
    """The newest first, whatever it is, each as its own type with its instant and one line; each is a node."""
    (ada,) = await people(client, 1)
    buyer = {"externalId": "k-0"}
    order = await send_order(client, "o-1", customer=buyer, placedAt=days_ago(4))
    await record(client, ada, "GRANTED", source="form", decidedAt=days_ago(3))
    note = await send_note(client, "c-1", orderExternalId="o-1", issuedAt=days_ago(2))
    await record(client, ada, "WITHDRAWN", source="call", channel=None, decidedAt=days_ago(1))
    old = await send_order(client, "o-0", customer=buyer, placedAt=days_ago(9))
    found = await page(client, ada)
    assert [(edge["node"]["__typename"], edge["node"]["occurredAt"]) for edge in found["edges"]] == [
        ("Consent", "2026-11-21T12:00:00Z"),
        ("CreditNote", "2026-11-20T12:00:00Z"),
        ("Consent", "2026-11-19T12:00:00Z"),
        ("Order", "2026-11-18T12:00:00Z"),
        ("Order", "2026-11-13T12:00:00Z"),
    ]
    summaries = ["MARKETING: WITHDRAWN", note["summary"], "MARKETING over EMAIL: GRANTED", order["summary"]]
    assert [edge["node"]["summary"] for edge in found["edges"]] == [*summaries, old["summary"]]
    assert all(summaries)
    ids = [node["id"] for node in found["nodes"]]
    nodes = await client.ask(
        "query($i: [ID!]!) { nodes(ids: $i) { id ... on TimelineItem { occurredAt summary } } }", {"i": ids}
    )
    assert [node["summary"] for node in nodes.data["nodes"]] == [*summaries, old["summary"]]
    assert (found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == (False, False)


@pytest.mark.parametrize("size", [1, 5, 24])
@pytest.mark.parametrize("kinds", [None, ["ORDER"], ["CONSENT", "CREDIT_NOTE"]])
async def test_pages_from_either_end_join_to_the_whole(client: Client, size: int, kinds: list[str] | None) -> None:
    """Each item once, in the order of instants and then of ids, filtered or not."""
    ada = await fill(client)
    types = {"ORDER": "Order", "CREDIT_NOTE": "CreditNote", "CONSENT": "Consent"}
    wanted = {types[kind] for kind in kinds or types}
    nodes = [edge["node"] for edge in (await page(client, ada))["edges"]]
    expected = sorted(
        (node for node in nodes if node["__typename"] in wanted),
        key=lambda node: (node["occurredAt"], parse_id(node["id"])[1]),
        reverse=True,
    )
    assert len(nodes) == 24
    for is_backward in (False, True):
        pages: list[list[Input]] = []
        cursor: str | None = None
        while True:
            asked: Input = {"last": size, "before": cursor} if is_backward else {"first": size, "after": cursor}
            found = await page(client, ada, kind=kinds, **asked)
            info = found["pageInfo"]
            assert info["hasNextPage" if is_backward else "hasPreviousPage"] is bool(pages)
            pages.append([edge["node"] for edge in found["edges"]])
            cursor = info["startCursor" if is_backward else "endCursor"]
            if not info["hasPreviousPage" if is_backward else "hasNextPage"]:
                break
        assert [node for each in (pages[::-1] if is_backward else pages) for node in each] == expected
        assert len(pages) == -(-len(expected) // size)


async def test_a_page_between_two_cursors(client: Client) -> None:
    """After and before together cut at both ends; a cursor taken under one filter is a place under any other."""
    ada = await fill(client)
    edges = (await page(client, ada))["edges"]
    between = {"after": edges[3]["cursor"], "before": edges[9]["cursor"]}
    cases: list[tuple[Input, list[Input]]] = [
        ({"first": 50}, edges[4:9]),
        ({"last": 2}, edges[7:9]),
        ({"first": 2}, edges[4:6]),
    ]
    for asked, expected in cases:
        assert (await page(client, ada, **between, **asked))["edges"] == expected
    orders = [edge for edge in edges if edge["node"]["__typename"] == "Order"]
    assert (await page(client, ada, kind=["ORDER"], after=edges[3]["cursor"]))["edges"] == [
        edge for edge in orders if edge in edges[4:]
    ]
    empty = await page(client, ada, first=5, after=edges[-1]["cursor"])
    assert (empty["edges"], empty["pageInfo"]["hasNextPage"], empty["pageInfo"]["hasPreviousPage"]) == ([], False, True)


async def test_pages_are_stable_while_things_happen(client: Client) -> None:
    """What comes in before, between and after the pages: nothing that was there is told twice or left out."""
    (ada,) = await people(client, 1)
    for day in (2, 4, 6, 8, 10):
        await record(client, ada, source=f"day {day}", decidedAt=days_ago(day))
    seen: list[str] = []
    cursor = None
    for added in ((1, 3, 5), (5, 9, 12), (1, 11)):
        found = await page(client, ada, first=2, after=cursor)
        seen += names(found)
        cursor = found["pageInfo"]["endCursor"]
        for day in added:
            await send_order(client, f"new {day} {len(seen)}", customer={"externalId": "k-0"}, placedAt=days_ago(day))
    assert (await page(client, ada, last=2, before=cursor))["pageInfo"]["hasPreviousPage"]
    seen += await told(client, ada, after=cursor)
    known = [each for each in seen if each.startswith("day")]
    assert known == [f"day {day}" for day in (2, 4, 6, 8, 10)]
    assert len(seen) == len(set(seen))
    assert [each.split()[1] for each in seen if each.startswith("new")] == ["5", "9", "11", "12"]


async def test_only_some_kinds(client: Client) -> None:
    """One, several, one named twice; none named is all, as it is with every list of what is wanted."""
    ada = await fill(client)
    whole = await told(client, ada)
    for kinds, letters in (
        (["ORDER"], "o"),
        (["CREDIT_NOTE", "CONSENT"], "cs"),
        (["ORDER", "ORDER"], "o"),
        ([], "ocs"),
        (None, "ocs"),
    ):
        assert await told(client, ada, kind=kinds) == [each for each in whole if each[0] in letters], kinds
    for wrong in (["CALL"], ["order"], [None], "ORDERS"):
        answer = await client.ask(TIMELINE, {"id": ada, "first": 1, "kind": wrong})
        assert answer.codes == ["BAD_USER_INPUT"], wrong


async def test_a_customer_with_whom_nothing_happened(client: Client) -> None:
    """No items, no cursors, no pages."""
    (ada,) = await people(client, 1)
    for asked in ({"first": 1}, {"last": 100}, {"first": 1, "kind": ["ORDER"]}):
        found = await page(client, ada, **asked)
        info = found["pageInfo"]
        assert (found["edges"], info["hasNextPage"], info["hasPreviousPage"]) == ([], False, False)


async def test_bad_pages_are_refused(client: Client) -> None:
    """No size, two, out of bounds; cursors of another list, or made up: the client's own fault, and typed so."""
    ada = await fill(client)
    key = "0" * 32
    cursors = [
        "", "?", "ù", "x" * 9_000, made_cursor("timeline-", 0), made_cursor("timeline+", 0, key),
        made_cursor("timeline-", "0", key), made_cursor("timeline-", 0, "x"), made_cursor("timeline-", 2**63 - 1, key),
        made_cursor("timeline-", None, key), made_cursor("consents-", 0, key), made_cursor("timeline-", 0, key, 1),
    ]  # fmt: skip
    cases: list[Input] = [
        {},
        {"first": 0},
        {"last": -1},
        {"first": 101},
        {"first": 1, "last": 1},
        *({"first": 1, "after": cursor} for cursor in cursors),
        *({"last": 1, "before": cursor} for cursor in cursors),
    ]
    for wrong in cases:
        answer = await client.ask(TIMELINE, {"id": ada, **wrong})
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"customer": None}), wrong
    assert await told(client, ada, after=made_cursor("timeline-", 0, key)) == []
    assert len(await told(client, ada, before=made_cursor("timeline-", 0, key))) == 24


async def test_who_may_not_read_orders_is_not_told_of_them(client: Client) -> None:
    """Neither as items nor as holes in a page nor by a flag; who may not read customers is told nothing."""
    ada = await fill(client)
    key = await client.new_key(Permission.CUSTOMERS_READ)
    consents = [each for each in await told(client, ada) if each[0] == "s"]
    assert await told(client, ada, key=key) == consents
    found = await page(client, ada, key=key, first=3)
    assert (names(found), found["pageInfo"]["hasNextPage"]) == (consents[:3], True)
    assert await told(client, ada, key=key, kind=["ORDER", "CONSENT"], last=8) == consents
    for kinds in (["ORDER"], ["CREDIT_NOTE", "ORDER"]):
        found = await page(client, ada, key=key, kind=kinds, last=5)
        assert (found["edges"], set(found["pageInfo"].values())) == ([], {False, None})
    other = await client.new_key(Permission.ORDERS_READ)
    answer = await client.ask(TIMELINE, {"id": ada, "first": 1}, key=other)
    assert (answer.codes, answer.body["data"]) == (["FORBIDDEN"], {"customer": None})


async def test_an_order_stands_where_it_belongs(client: Client) -> None:
    """With its new buyer, at its new instant, with nobody once it is a guest's; its credit notes go with it."""
    ada, bob = await people(client, 2)
    await send_order(client, "o-1", customer={"externalId": "k-0"}, placedAt=days_ago(5))
    await send_order(client, "o-2", customer={"externalId": "k-0"}, placedAt=days_ago(3))
    for number in (1, 2):
        await send_note(client, f"c-{number}", orderExternalId="o-1", issuedAt=days_ago(number))
    await send_note(client, "own", customer={"externalId": "k-0"}, issuedAt=days_ago(4))
    assert await told(client, ada) == ["c-1", "c-2", "o-2", "own", "o-1"]
    await send_order(client, "o-1", customer={"externalId": "k-0"}, placedAt=days_ago(2.5))
    assert await told(client, ada) == ["c-1", "c-2", "o-1", "o-2", "own"]
    await send_order(client, "o-1", customer={"externalId": "k-1"}, placedAt=days_ago(5))
    assert (await told(client, ada), await told(client, bob)) == (["o-2", "own"], ["c-1", "c-2", "o-1"])
    await send_order(client, "o-1", customer={"email": "guest@example.org"}, placedAt=days_ago(5))
    assert (await told(client, ada), await told(client, bob)) == (["o-2", "own"], [])
    await send_note(client, "c-1", orderExternalId="o-2", issuedAt=days_ago(1))
    assert await told(client, ada) == ["c-1", "o-2", "own"]
    await send_order(client, "o-2", customer={"externalId": "k-1"}, cancelledAt=days_ago(1), placedAt=days_ago(3))
    assert (await told(client, ada), await told(client, bob)) == (["own"], ["c-1", "o-2"])
    await send_note(client, "own", customer={"externalId": "k-1"}, issuedAt=days_ago(9))
    assert (await told(client, ada), await told(client, bob)) == ([], ["c-1", "o-2", "own"])


async def test_what_is_nobodys_stands_nowhere(client: Client) -> None:
    """A guest's order and its credit note are in no timeline until somebody is known to be behind them."""
    await send_order(client, "guest", placedAt=days_ago(2))
    await send_note(client, "c-1", orderExternalId="guest")
    (ada,) = await people(client, 1)
    assert await told(client, ada) == []
    await send_order(client, "guest", customer={"externalId": "k-0"}, placedAt=days_ago(2))
    assert await told(client, ada) == ["c-1", "guest"]
    await send_order(client, "guest", customer={"externalId": "k-0"}, placedAt=days_ago(2))
    assert await told(client, ada) == ["c-1", "guest"], "sent again it stands there once"


async def test_a_family_has_one_timeline(client: Client) -> None:
    """Pages run over all members; unmerged, everything stands where it did, and the new with whom it came in by."""
    ids = await people(client, 3)
    for number in range(12):
        who, at = number % 3, days_ago(number)
        await send_order(client, f"o-{number}", customer={"externalId": f"k-{who}"}, placedAt=at)
        await record(client, ids[who], source=f"s-{number}", decidedAt=at)
    before = (await client.ask(EVERYBODY)).data["customers"]["nodes"]
    inner = await merge(client, ids[1], ids[2])
    outer = await merge(client, ids[0], ids[1])
    found = await told(client, ids[0])
    assert [each.split("-")[1] for each in found] == [str(number // 2) for number in range(24)]
    seen: list[str] = []
    cursor = None
    for _ in range(5):
        part = await page(client, ids[2], first=5, after=cursor)
        seen += names(part)
        cursor = part["pageInfo"]["endCursor"]
    assert seen == found, "also by the id of one who was absorbed"
    assert await told(client, ids[0], kind=["ORDER"], last=3) == ["o-9", "o-10", "o-11"]
    await unmerge(client, inner)
    assert await told(client, ids[2]) == [each for each in found if int(each.split("-")[1]) % 3 == 2]
    await unmerge(client, outer)
    assert (await client.ask(EVERYBODY)).data["customers"]["nodes"] == before
    await merge(client, ids[0], ids[1])
    await send_order(client, "new", customer={"externalId": "k-1"}, placedAt=instant(NOW + timedelta(days=-20)))
    assert (await told(client, ids[0]))[-1] == "new"


async def test_timelines_of_many_customers_cost_the_statements_of_one(client: Client) -> None:
    """A level is read at once, one call for each kind that is found; each customer has a page of their own."""
    ids = await people(client, 9)
    for number, customer_id in enumerate(ids):
        for position in range(number % 3 + 1):
            name = f"{number}-{position}"
            await send_order(client, name, customer={"externalId": f"k-{number}"}, placedAt=days_ago(position))
            await send_note(client, name, orderExternalId=name, issuedAt=days_ago(position))
            await record(client, customer_id, source=name, decidedAt=days_ago(position))
    query = "query($n: Int!) { customers(first: $n) { nodes { id timeline(first: 4) { nodes { id } } } } }"
    costs = []
    for size in (1, 9):
        with counting() as statements:
            nodes = (await client.ask(query, {"n": size})).data["customers"]["nodes"]
        costs.append(sum(1 for each in statements if each.lstrip().upper().startswith("SELECT")))
        assert [len(node["timeline"]["nodes"]) for node in nodes] == [3, 4, 4, 3, 4, 4, 3, 4, 4][:size]
    for node in nodes:
        whole = (await page(client, node["id"], first=4))["nodes"]
        assert node["timeline"]["nodes"] == whole
    assert costs[0] == costs[1] <= 7


@pytest.mark.parametrize("size", [1, 4, 100])
async def test_the_history_of_a_family_is_one_list(client: Client, size: int) -> None:
    """Pages from either end join to all decisions of all members, the newest first, ties by id."""
    ids = await people(client, 3)
    made: list[Input] = []
    for number in range(23):
        at = days_ago(number % 4)
        made.append((await record(client, ids[number % 3], decidedAt=at, source=str(number)))["consent"])
    await merge(client, ids[1], ids[2])
    await merge(client, ids[0], ids[1])
    made.sort(key=lambda each: (each["decidedAt"], parse_id(each["id"])[1]), reverse=True)
    expected = [each["id"] for each in made]
    for is_backward in (False, True):
        pages: list[list[str]] = []
        cursor: str | None = None
        while True:
            arguments = {"last": size, "before": cursor} if is_backward else {"first": size, "after": cursor}
            found = await ledger_page(client, ids[0], **arguments)
            info = found["pageInfo"]
            assert found["totalCount"] == 23
            assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
            assert (info["startCursor"], info["endCursor"]) == tuple(found["edges"][at]["cursor"] for at in (0, -1))
            pages.append([node["id"] for node in found["nodes"]])
            cursor = info["startCursor" if is_backward else "endCursor"]
            if not info["hasPreviousPage" if is_backward else "hasNextPage"]:
                break
        assert [each for found_page in (pages[::-1] if is_backward else pages) for each in found_page] == expected


async def test_bad_pages_of_a_history_are_refused(client: Client) -> None:
    """No size, two, out of bounds; a cursor of another list: the client's own fault, and typed so."""
    (ada,) = await people(client, 1)
    await record(client, ada)
    timeline = await client.ask("{ customers(first: 1) { nodes { timeline(first: 1) { pageInfo { endCursor } } } } }")
    cursor = timeline.data["customers"]["nodes"][0]["timeline"]["pageInfo"]["endCursor"]
    cases: list[Input] = [
        {},
        {"first": 0},
        {"first": 101},
        {"first": 1, "last": 1},
        *({"first": 1, "after": each} for each in ("", "?", cursor)),
        {"last": 1, "before": cursor},
    ]
    for wrong in cases:
        answer = await client.ask(HISTORY, {"id": ada, **wrong})
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"customer": None}), wrong
