"""Customers through the API: one read, many, and by their global ids."""

from tests.conftest import Client
from tests.orders.shop import new_customer, read_customer, send_order


async def test_a_new_customer_is_answered(client: Client) -> None:
    """Create, then read: the same."""
    created = await new_customer(client, givenName="Ada")
    assert (created["displayName"], created["version"]) == ("Ada", 1)
    assert await read_customer(client, created["id"]) == created


async def test_objects_are_read_by_their_ids(client: Client) -> None:
    """In the order asked, of several types, null for a missing one and beside a bad one; twice where asked twice."""
    order = await send_order(client, customer={"externalId": "k"})
    customer, line = order["customer"]["id"], order["lines"][0]["id"]
    missing = customer[:-2] + ("AA" if not customer.endswith("AA") else "BA")
    ids = [line, customer, missing, order["id"], "?", customer]
    answer = await client.ask("query($i: [ID!]!) { nodes(ids: $i) { __typename id } }", {"i": ids})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["errors"][0]["path"] == ["nodes", 4]
    found = [node and (node["__typename"], node["id"]) for node in answer.body["data"]["nodes"]]
    assert found == [
        ("OrderLine", line),
        ("Customer", customer),
        None,
        ("Order", order["id"]),
        None,
        ("Customer", customer),
    ]


async def test_a_customer_without_a_name_is_shown_by_the_external_id(client: Client) -> None:
    """In lists as in orders."""
    order = await send_order(client, customer={"externalId": "12345"})
    assert (await read_customer(client, order["customer"]["id"]))["displayName"] == "12345"
