"""Pages of customers and of their orders: whatever the order, together they are the plain sorted list."""

import base64
import itertools
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.base.actors import SYSTEM
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.profiles import Buyer, CustomerDetails
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import OrderDetails
from schema.base.ids import parse_id
from tests.conftest import NOW, Client, StandingClock
from tests.orders.shop import Input, days_ago, line, new_customer, perform, send_note, send_order, write
from tests.orders.test_api_concentration import cups

PAGE = """query($sort: CustomerSort, $first: Int, $after: String, $last: Int, $before: String) {
  customers(orderBy: $sort, first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor node { id } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

WHOLE = """{ customers(first: 100) { nodes {
  id externalId displayName createdAt updatedAt value { netSpent { amount } lastOrderAt } } } }"""

SORTS: dict[str, Callable[[Input], tuple[Any, ...]]] = {
    "CREATED_AT": lambda node: (node["createdAt"],),
    "UPDATED_AT": lambda node: (node["updatedAt"],),
    "NAME": lambda node: (node["displayName"].lower(),),
    "LIFETIME_VALUE": lambda node: (float(node["value"]["netSpent"]["amount"]), tie(node)),
    "LAST_ORDER_AT": lambda node: (node["value"]["lastOrderAt"] or "", tie(node)),
}
"""The plain order of a list by each field, before ties are broken by the product's id."""


def tie(node: Input) -> str:
    """Return by what ties of customers with orders are broken first."""
    return str(node["externalId"] or parse_id(node["id"])[1].hex)


async def fill(client: Client, clock: StandingClock) -> None:
    """Add 31 customers of few names, instants, amounts and last orders, so that most are ties."""
    chance = random.Random(5)  # noqa: S311  a seed makes it the same each time
    orders: list[OrderDetails] = []
    for number in range(31):
        external_id = f"k-{chance.randint(0, 10**6)}" if chance.random() < 0.7 else None
        details = CustomerDetails(given_name=chance.choice(["Ada", "Bob", None]), external_id=external_id)
        await perform(client.works, lambda work, details=details: create_customer(work, details=details))  # type: ignore[misc]
        if external_id is not None and chance.random() < 0.8:
            orders.append(
                OrderDetails(
                    external_id=f"o-{number}",
                    placed_at=NOW - timedelta(days=chance.randint(0, 2)),
                    currency_code="EUR",
                    lines=cups(chance.randint(0, 2)),
                    buyer=Buyer(external_id=external_id, country=chance.choice(["IT", None])),
                )
            )
        clock.advance(timedelta(seconds=chance.randint(0, 1)))
    await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")


async def walk(client: Client, sort: Input, *, size: int, is_backward: bool) -> list[str]:
    """Return the ids of the whole list, read page by page, in the list's order."""
    pages: list[list[str]] = []
    cursor: str | None = None
    for number in itertools.count():
        arguments = {"last": size, "before": cursor} if is_backward else {"first": size, "after": cursor}
        page = (await client.ask(PAGE, {"sort": sort, **arguments})).data["customers"]
        info = page["pageInfo"]
        assert [node["id"] for node in page["nodes"]] == [edge["node"]["id"] for edge in page["edges"]]
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
        assert page["totalCount"] == 31
        has_more, was_before = "hasPreviousPage", "hasNextPage"
        if not is_backward:
            has_more, was_before = was_before, has_more
        assert info[was_before] is (number > 0)
        pages.append([node["id"] for node in page["nodes"]])
        if not info[has_more]:
            break
        cursor = cursors[0] if is_backward else cursors[-1]
    return list(itertools.chain.from_iterable(reversed(pages) if is_backward else pages))


async def test_pages_both_ways_are_the_sorted_list(client: Client, clock: StandingClock) -> None:
    """In every order, in both directions, read from both ends, pages join to the list sorted in Python."""
    await fill(client, clock)
    nodes = (await client.ask(WHOLE)).data["customers"]["nodes"]
    assert len(nodes) == 31
    for field, key in SORTS.items():
        plain = sorted(nodes, key=lambda node: (*key(node), parse_id(node["id"])[1].hex))
        assert len({key(node)[:1] for node in nodes}) < 31, "there are ties"
        for direction, size, is_backward in (
            ("ASC", 7, False),
            ("ASC", 10, True),
            ("DESC", 10, False),
            ("DESC", 7, True),
        ):
            expected = [node["id"] for node in (plain if direction == "ASC" else reversed(plain))]
            found = await walk(client, {"field": field, "direction": direction}, size=size, is_backward=is_backward)
            assert found == expected, (field, direction, size, is_backward)
    default = (await client.ask("{ customers(first: 100) { nodes { id } } }")).data["customers"]["nodes"]
    first = {"field": "CREATED_AT", "direction": "ASC"}
    assert [node["id"] for node in default] == await walk(client, first, size=100, is_backward=False)


async def test_a_page_between_two_cursors(client: Client, clock: StandingClock) -> None:
    """After and before together cut the list at both ends, and the ends are not part of it."""
    await fill(client, clock)
    sort = {"field": "NAME", "direction": "DESC"}
    edges = (await client.ask(PAGE, {"sort": sort, "first": 100})).data["customers"]["edges"]
    between = {"sort": sort, "after": edges[4]["cursor"], "before": edges[9]["cursor"]}
    for size, expected in (({"first": 9}, edges[5:9]), ({"last": 2}, edges[7:9]), ({"first": 2}, edges[5:7])):
        assert (await client.ask(PAGE, between | size)).data["customers"]["edges"] == expected
    empty = (await client.ask(PAGE, {"sort": sort, "first": 5, "after": edges[-1]["cursor"]})).data["customers"]
    assert (empty["edges"], empty["pageInfo"]["startCursor"], empty["totalCount"]) == ([], None, 31)
    assert (empty["pageInfo"]["hasNextPage"], empty["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_pages_are_stable_while_customers_come_in(client: Client) -> None:
    """Whoever is added between two pages, before or after them, nobody is shown twice or left out."""
    for name in "bdfhj":
        await new_customer(client, givenName=name)
    names: list[str] = []
    query = """query($after: String) { customers(first: 2, after: $after, orderBy: {field: NAME}) {
      nodes { displayName } pageInfo { endCursor hasNextPage } } }"""
    cursor = None
    for added in (["a", "c"], ["e", "k"], []):
        page = (await client.ask(query, {"after": cursor})).data["customers"]
        names += [node["displayName"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        for name in added:
            await new_customer(client, givenName=name)
    rest = (await client.ask(query, {"after": cursor})).data["customers"]
    names += [node["displayName"] for node in rest["nodes"]]
    assert names == ["b", "d", "f", "h", "j", "k"]


def made_cursor(*values: object) -> str:
    """Return a cursor as somebody might make one up."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).rstrip(b"=").decode()


async def test_bad_pages_are_refused(client: Client) -> None:
    """No size, two sizes, a size out of bounds, a cursor of another list or order or made up: BAD_USER_INPUT."""
    await send_order(client, customer={"externalId": "k"})
    key = "0" * 32
    for field in ("customers", "orders"):
        query = f"""query($first: Int, $last: Int, $after: String, $before: String) {{
          {field}(first: $first, last: $last, after: $after, before: $before) {{ totalCount }} }}"""
        cursors = [
            "", "?", "ù", "x" * 9_000, "e30", "bnVsbA", "MQ", made_cursor(), made_cursor(1), made_cursor("x", 1, key),
            made_cursor("customers.NAME+", "ada", key), made_cursor("customers.CREATED_AT-", 0, key),
            made_cursor("customers.CREATED_AT+", 0), made_cursor("customers.CREATED_AT+", 0, "x"),
            made_cursor("customers.CREATED_AT+", "0", key), made_cursor("customers.CREATED_AT+", 2**63 - 1, key),
            made_cursor("customers.CREATED_AT+", -(2**63), key), made_cursor("customers.CREATED_AT+", None, key),
            made_cursor("customers.CREATED_AT+", [], key), made_cursor("orders-", 0, key, 1),
            made_cursor("orders+", 0, key), made_cursor("creditNotes-", 0, key), made_cursor("orders-", 1.5, key),
        ]  # fmt: skip
        wrong: list[Input] = [
            {},
            {"first": 1, "last": 1},
            {"first": 0},
            {"last": 0},
            {"first": -1},
            {"first": 101},
            {"last": 101},
            *({"first": 1, "after": cursor} for cursor in cursors),
            *({"last": 1, "before": cursor} for cursor in cursors),
        ]
        for arguments in wrong:
            answer = await client.ask(query, arguments)
            assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {field: None}), arguments
        for arguments in ({"first": 100}, {"last": 100}, {"first": 1, "last": None}):
            assert (await client.ask(query, arguments)).data[field]["totalCount"] == 1
    other = made_cursor("customers.NAME+", "a\x00b", key)
    answer = await client.ask(PAGE, {"first": 1, "after": other, "sort": {"field": "NAME"}})
    assert answer.codes == ["BAD_USER_INPUT"]


NESTED = """query($first: Int, $after: String, $last: Int, $before: String) {
  customers(first: 100, orderBy: {field: NAME}) { nodes { externalId
    orders(first: $first, after: $after, last: $last, before: $before) { edges { cursor node { externalId } } totalCount
      pageInfo { hasNextPage hasPreviousPage } }
    creditNotes(first: $first, last: $last) { nodes { externalId } totalCount pageInfo { hasNextPage } } } } }"""


@pytest.fixture
async def buyers(client: Client) -> Sequence[str]:
    """Add four customers with no, one, two and five orders, placed at the same instants, and a guest's order."""
    await new_customer(client, externalId="none")
    for name, count in (("one", 1), ("two", 2), ("five", 5)):
        for number in range(count):
            buyer = {"externalId": name}
            await send_order(client, f"{name}-{number}", customer=buyer, placedAt=days_ago(9 - number // 2))
            await send_note(client, f"{name}-{number}", customer=buyer, issuedAt=days_ago(number // 2))
    await send_order(client, "guest")
    return ["five", "none", "one", "two"]


async def nested(client: Client, **arguments: Any) -> dict[str, Input]:  # noqa: ANN401
    """Return the nested pages by customer."""
    nodes = (await client.ask(NESTED, arguments)).data["customers"]["nodes"]
    return {node["externalId"]: node for node in nodes}


def names_of(page: Input) -> list[str]:
    """Return the orders of a nested page."""
    return [edge["node"]["externalId"] for edge in page["edges"]]


async def test_orders_of_many_customers_at_once(client: Client, buyers: Sequence[str]) -> None:
    """Each customer has a page of their own orders, the newest first, from either end, with their own counts."""
    plain = {
        "none": [],
        "one": ["one-0"],
        "two": ["two-1", "two-0"],
        "five": ["five-4", "five-3", "five-2", "five-1", "five-0"],
    }
    found = await nested(client, first=2)
    assert list(found) == list(buyers)
    for name, orders in plain.items():
        page = found[name]["orders"]
        assert names_of(page) == orders[:2]
        assert page["totalCount"] == found[name]["creditNotes"]["totalCount"] == len(orders)
        assert page["pageInfo"] == {"hasNextPage": len(orders) > 2, "hasPreviousPage": False}
        assert len(found[name]["creditNotes"]["nodes"]) == len(orders[:2])
    found = await nested(client, last=2)
    for name, orders in plain.items():
        assert names_of(found[name]["orders"]) == orders[-2:]
        assert found[name]["orders"]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": len(orders) > 2}
    cursors = [edge["cursor"] for edge in (await nested(client, first=9))["five"]["orders"]["edges"]]
    found = await nested(client, first=2, after=cursors[1])
    assert names_of(found["five"]["orders"]) == ["five-2", "five-1"]
    assert names_of(found["two"]["orders"]) == ["two-1", "two-0"], "all placed before the cursor's"
    found = await nested(client, last=2, before=cursors[3])
    assert names_of(found["five"]["orders"]) == ["five-3", "five-2"]
    found = await nested(client, first=9, after=cursors[0], before=cursors[3])
    assert names_of(found["five"]["orders"]) == ["five-3", "five-2"]


@pytest.mark.usefixtures("buyers")
async def test_bad_nested_pages_are_refused(client: Client) -> None:
    """The list around them is null, as their field cannot be; the error is of the client's kind, and stands once."""
    for arguments in ({}, {"first": 0}, {"first": 101}, {"first": 1, "last": 1}, {"first": 1, "after": "?"}):
        answer = await client.ask(NESTED, arguments)
        assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"customers": None})


@pytest.mark.usefixtures("buyers")
async def test_orders_are_listed_and_filtered(client: Client) -> None:
    """By customer, store, instants (both ends left out), number, external id and e-mail, page by page."""
    await send_order(client, "by-mail", customer={"email": "Ada@example.org"}, number="A 1", placedAt=days_ago(20))
    query = """query($f: OrderFilter, $last: Int, $before: String) {
      orders(filter: $f, last: $last, before: $before) { nodes { externalId placedAt } totalCount
        pageInfo { startCursor hasPreviousPage } } }"""

    async def listed(wanted: Input | None) -> set[str]:
        found = (await client.ask(query, {"f": wanted, "last": 100})).data["orders"]
        assert found["totalCount"] == len(found["nodes"])
        return {node["externalId"] for node in found["nodes"]}

    everything = await listed(None)
    assert len(everything) == 10
    five = (await client.ask('{ customers(first: 1, filter: {search: "five"}) { nodes { id } } }')).data["customers"]
    assert await listed({"customerId": five["nodes"][0]["id"]}) == {f"five-{number}" for number in range(5)}
    assert await listed({"storeCode": ["IT ", "fr"]}) == everything
    assert await listed({"storeCode": ["fr"]}) == set()
    assert await listed({"placedAfter": days_ago(20)}) == everything - {"by-mail"}
    assert await listed({"placedBefore": days_ago(20)}) == set()
    assert await listed({"placedAfter": days_ago(9), "placedBefore": days_ago(7)}) == {"five-2", "five-3"}
    for words, found in (("A 1", {"by-mail"}), ("A", {"by-mail"}), ("by-mail", {"by-mail"}), ("five", 5), ("%", 0)):
        assert (
            await listed({"search": words}) if isinstance(found, set) else len(await listed({"search": words}))
        ) == found
    for words in ("ada@EXAMPLE.org", " Ada@example.org "):
        assert await listed({"search": words}) == {"by-mail"}
    assert await listed({"search": "ada@example"}) == set()
    seen: list[Input] = []
    cursor = None
    while True:
        page = (await client.ask(query, {"last": 3, "before": cursor})).data["orders"]
        seen = page["nodes"] + seen
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert [node["placedAt"] for node in seen] == sorted((node["placedAt"] for node in seen), reverse=True)
    assert {node["externalId"] for node in seen} == everything


async def test_an_order_that_moved_is_listed_with_its_new_customer(client: Client) -> None:
    """Lists and counts of both customers follow at once."""
    await send_order(client, customer={"externalId": "a"})
    await send_order(client, customer={"externalId": "b"}, lines=[line(quantity=2)])
    found = await nested(client, first=9)
    assert (names_of(found["a"]["orders"]), names_of(found["b"]["orders"])) == ([], ["o-1"])
    updated = await write(
        client,
        "orderUpsert",
        {"externalId": "o-1"} | {"placedAt": days_ago(1), "currencyCode": "EUR", "lines": [line()]},
    )
    assert updated.found["customer"] is None
    assert names_of((await nested(client, first=9))["b"]["orders"]) == []
