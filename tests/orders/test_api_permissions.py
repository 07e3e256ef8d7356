"""Who may not, may not: every root field and mutation of customers and orders, and the relations between them."""

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission
from tests.conftest import Client
from tests.orders.shop import (
    Input,
    ask_write,
    line,
    new_customer,
    note_input,
    nothing_changes,
    order_input,
    send_delivery,
    send_note,
    send_order,
)

READS: dict[str, tuple[str, Permission]] = {
    "customer": ("query($c: ID!) { customer(id: $c) { id } }", Permission.CUSTOMERS_READ),
    "customers": ("{ customers(first: 1) { nodes { id } } }", Permission.CUSTOMERS_READ),
    "order": ("query($o: ID!) { order(id: $o) { id } }", Permission.ORDERS_READ),
    "orderByExternalId": ('{ orderByExternalId(externalId: "o-1") { id } }', Permission.ORDERS_READ),
    "orders": ("{ orders(first: 1) { nodes { id } } }", Permission.ORDERS_READ),
    "valueConcentration": ("{ valueConcentration { customerCount } }", Permission.REPORTS_READ),
    "node customer": ("query($c: ID!) { node(id: $c) { id } }", Permission.CUSTOMERS_READ),
    "node order": ("query($o: ID!) { node(id: $o) { id } }", Permission.ORDERS_READ),
    "node line": ("query($l: ID!) { node(id: $l) { id } }", Permission.ORDERS_READ),
    "node delivery": ("query($d: ID!) { node(id: $d) { id } }", Permission.ORDERS_READ),
    "node credit note": ("query($n: ID!) { node(id: $n) { id } }", Permission.ORDERS_READ),
    "nodes": ("query($o: ID!) { nodes(ids: [$o]) { id } }", Permission.ORDERS_READ),
}

RELATIONS: dict[str, tuple[str, Permission]] = {
    "Customer.orders": (
        "query($c: ID!) { customer(id: $c) { orders(first: 1) { totalCount } } }",
        Permission.ORDERS_READ,
    ),
    "Customer.creditNotes": (
        "query($c: ID!) { customer(id: $c) { creditNotes(first: 1) { totalCount } } }",
        Permission.ORDERS_READ,
    ),
    "Order.customer": ("query($o: ID!) { order(id: $o) { customer { id } } }", Permission.CUSTOMERS_READ),
    "Order.store": ("query($o: ID!) { order(id: $o) { store { id } } }", Permission.STORES_READ),
    "CreditNote.customer": (
        "query($n: ID!) { node(id: $n) { ... on CreditNote { customer { id } } } }",
        Permission.CUSTOMERS_READ,
    ),
}


@pytest.fixture
async def ids(client: Client) -> Input:
    """Return the variables of the queries: one object of each type."""
    await send_order(client, customer={"externalId": "k"}, lines=[line(externalId="l")])
    order = await send_delivery(client)
    note = await send_note(client, orderExternalId="o-1")
    return {
        "c": order["customer"]["id"],
        "o": order["id"],
        "l": order["lines"][0]["id"],
        "d": order["deliveries"][0]["id"],
        "n": note["id"],
    }


def writes(customer_id: str) -> dict[str, tuple[Input, Permission]]:
    """Return every mutation with an input that would be taken."""
    return {
        "customerCreate": ({"givenName": "Ada", "idempotencyKey": "k"}, Permission.CUSTOMERS_WRITE),
        "customerUpdate": ({"customerId": customer_id, "givenName": "Eve"}, Permission.CUSTOMERS_WRITE),
        "orderUpsert": (order_input("new"), Permission.ORDERS_WRITE),
        "deliveryRecord": ({"externalId": "new", "orderExternalId": "o-1"}, Permission.ORDERS_WRITE),
        "creditNoteUpsert": (note_input("new"), Permission.ORDERS_WRITE),
    }


async def test_reads_need_their_permission(client: Client, ids: Input) -> None:
    """With every other permission: FORBIDDEN at the top level and no data; with it alone: the answer."""
    for name, (query, needed) in READS.items():
        others = await client.new_key(*(EVERY_PERMISSION - {needed}))
        variables = {each: ids[each] for each in ids if f"${each}:" in query}
        answer = await client.ask(query, variables, key=others)
        assert (answer.status, answer.codes) == (200, ["FORBIDDEN"]), name
        assert list(answer.body["data"].values()) in ([None], [[None]]), name
        alone = await client.new_key(needed)
        found = (await client.ask(query, variables, key=alone)).data
        assert all(found.values()), name


async def test_relations_need_their_permission(client: Client, ids: Input) -> None:
    """Who may read an object may not therefore read what it leads to."""
    for name, (query, needed) in RELATIONS.items():
        others = await client.new_key(*(EVERY_PERMISSION - {needed}))
        variables = {each: ids[each] for each in ids if f"${each}:" in query}
        answer = await client.ask(query, variables, key=others)
        assert answer.codes == ["FORBIDDEN"], name
        assert (await client.ask(query, variables)).codes == [], name


async def test_writes_need_their_permission(client: Client, ids: Input) -> None:
    """With every other permission: FORBIDDEN at the top level, no payload, and no row changes."""
    for field, (given, needed) in writes(ids["c"]).items():
        others = await client.new_key(*(EVERY_PERMISSION - {needed}))
        async with nothing_changes(client.works):
            answer = await ask_write(client, field, given, key=others)
        assert (answer.status, answer.codes, answer.body["data"]) == (200, ["FORBIDDEN"], {field: None})


async def test_bad_input_is_no_way_round_the_permission(client: Client, ids: Input) -> None:
    """Who may not write is told so, also where the ids that they send are none."""
    del ids
    wrong: dict[str, Input] = {
        "customerUpdate": {"customerId": "?"},
        "orderUpsert": order_input("", lines=[]),
        "deliveryRecord": {"externalId": "", "orderId": "?", "lines": [{"orderLineId": "?", "quantity": 0}]},
        "creditNoteUpsert": note_input(orderId="?"),
        "customerCreate": {"country": "ZZ", "idempotencyKey": "x" * 999},
    }
    others = await client.new_key(Permission.CUSTOMERS_READ)
    for field, given in wrong.items():
        answer = await ask_write(client, field, given, key=others)
        assert answer.codes == ["FORBIDDEN"], field


async def test_nobody_is_asked_for_a_token(client: Client, ids: Input) -> None:
    """Without a key every field is UNAUTHENTICATED, and nothing changes."""
    client.key = None
    async with nothing_changes(client.works):
        for query, _ in READS.values():
            variables = {each: ids[each] for each in ids if f"${each}:" in query}
            assert (await client.ask(query, variables)).codes == ["UNAUTHENTICATED"], query
        for field, (given, _) in writes(ids["c"]).items():
            assert (await ask_write(client, field, given)).codes == ["UNAUTHENTICATED"], field


async def test_a_value_can_be_read_without_writing_permission(client: Client) -> None:
    """The ranks that a reader's question renews are the product's own doing."""
    customer = await new_customer(client, givenName="Ada")
    reader = await client.new_key(Permission.CUSTOMERS_READ)
    query = "query($id: ID!) { customer(id: $id) { value { orderCount asOf } tags } }"
    answer = await client.ask(query, {"id": customer["id"]}, key=reader)
    assert answer.data["customer"]["value"] == {"orderCount": 0, "asOf": "2026-11-22T12:00:00Z"}
