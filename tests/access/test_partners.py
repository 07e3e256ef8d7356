"""What partner agents cannot find out by asking in a roundabout way: they see personal data in part."""

import base64

import pytest

from tests.access.shop import ORDER, Shop, open_shop
from tests.conftest import Client
from tests.orders.shop import order_input

LIST = """query($filter: CustomerFilter, $field: CustomerSortField!) {
  customers(first: 5, filter: $filter, orderBy: { field: $field }) {
    edges { cursor node { id } } totalCount } }"""
FOUND = "query($search: String!) { customers(first: 5, filter: { search: $search }) { totalCount nodes { id } } }"
BY_SIZE = """{ customers(first: 5, filter: { attribute: [{ key: "size", isSet: true }] }) { totalCount } }"""
NAMES = "query($id: ID!) { customer(id: $id) { externalId givenName familyName displayName } }"
RENAME = """mutation($id: ID!) { customerUpdate(input: { customerId: $id, givenName: "Anna Maria De Rossi" }) {
  userErrors { message } } }"""


@pytest.fixture
async def shop(client: Client) -> Shop:
    """Return a shop whose partner agent sees one of two customers."""
    return await open_shop(client)


@pytest.mark.parametrize("field", ["NAME", "LIFETIME_VALUE", "LAST_ORDER_AT"])
async def test_cursors_tell_nothing_that_is_masked(shop: Shop, field: str) -> None:
    """A cursor holds what is ordered by: a name, what somebody spent."""
    told = await shop.ask(LIST, shop.roles["PARTNER_AGENT"], {"field": field})
    assert told.codes == ["FORBIDDEN"]
    assert (await shop.ask(LIST, shop.roles["AGENT"], {"field": field})).errors == []


@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT"])
async def test_other_orders_stay(shop: Shop, field: str) -> None:
    """By instants partner agents order as everyone does."""
    told = await shop.ask(LIST, shop.roles["PARTNER_AGENT"], {"field": field})
    (edge,) = told.data["customers"]["edges"]
    assert edge["node"]["id"] == shop.own.ids["Customer"]
    assert b"anna" not in base64.urlsafe_b64decode(edge["cursor"] + "==").lower()


async def test_an_address_is_not_felt_out_letter_by_letter(shop: Shop) -> None:
    """Whoever is told an address on the telephone finds its customer; beginnings of it find nobody."""
    partner, agent = shop.roles["PARTNER_AGENT"], shop.roles["AGENT"]
    for search in ("own@example.com", "+390669812345", "annaown", "rossi"):
        told = await shop.ask(FOUND, partner, {"search": search})
        assert [each["id"] for each in told.data["customers"]["nodes"]] == [shop.own.ids["Customer"]], search
    for search in ("own@e", "own@example.co", "39066981", "annao", "rossj"):
        assert (await shop.ask(FOUND, partner, {"search": search})).data["customers"]["totalCount"] == 0, search
    assert (await shop.ask(FOUND, agent, {"search": "own@e"})).data["customers"]["totalCount"] == 1


async def test_hidden_attributes_are_no_filter(shop: Shop) -> None:
    """What is not shown cannot be narrowed down either, nor is it told that it exists."""
    assert (await shop.ask(BY_SIZE, shop.roles["PARTNER_AGENT"])).codes == ["BAD_USER_INPUT"]
    assert (await shop.ask(BY_SIZE, shop.roles["AGENT"])).data["customers"]["totalCount"] == 2
    told = await shop.ask("{ customerAttributeDefinitions { key } }", shop.roles["PARTNER_AGENT"])
    assert told.data["customerAttributeDefinitions"] == []


async def test_a_whole_name_in_the_given_name_is_masked(client: Client, shop: Shop) -> None:
    """Imports write the whole name there."""
    customer_id = shop.own.ids["Customer"]
    await client.ask(RENAME, {"id": customer_id})
    told = await shop.ask(NAMES, shop.roles["PARTNER_AGENT"], {"id": customer_id})
    assert told.data["customer"] == {
        "externalId": "own",
        "givenName": "Anna M. D. R.",
        "familyName": "R.",
        "displayName": "Anna M. D. R. R.",
    }


async def test_an_address_as_external_id_is_masked(client: Client, shop: Shop) -> None:
    """Many shops have no other id of their customers."""
    bought = order_input("mail-1", storeCode="it", customer={"externalId": "grace@example.com"})
    sold = await client.ask(ORDER, {"input": bought})
    customer_id = sold.data["orderUpsert"]["order"]["customer"]["id"]
    told = await shop.ask(NAMES, shop.roles["PARTNER_AGENT"], {"id": customer_id})
    assert told.data["customer"]["externalId"] == told.data["customer"]["displayName"] == "g…@….com"


async def test_one_name_alone_is_masked_by_what_it_is(client: Client, shop: Shop) -> None:
    """Of who is known by their family name only, that one is not shown whole."""
    bought = order_input("name-1", storeCode="it", customer={"externalId": "c-9", "familyName": "Rossi"})
    sold = await client.ask(ORDER, {"input": bought})
    customer_id = sold.data["orderUpsert"]["order"]["customer"]["id"]
    told = await shop.ask(NAMES, shop.roles["PARTNER_AGENT"], {"id": customer_id})
    assert told.data["customer"] == {"externalId": "c-9", "givenName": None, "familyName": "R.", "displayName": "R."}
