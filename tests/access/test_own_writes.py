"""What shoppers change of themselves, and what not."""

from typing import Any

from schema.base.ids import parse_id
from tests.access.shop import Shop, open_shop
from tests.conftest import Client

UPDATE = """mutation($input: CustomerUpdateInput!) { customerUpdate(input: $input) {
  customer { id givenName tags } userErrors { code field } } }"""
ADD = """mutation($input: CustomerIdentityAddInput!) { customerIdentityAdd(input: $input) {
  identity { id value verification } userErrors { code field } } }"""
REMOVE = """mutation($id: ID!) { customerIdentityRemove(input: { identityId: $id }) {
  removedIdentityId userErrors { code field } } }"""
VERIFY = """mutation($id: ID!) { customerIdentityVerify(input: { identityId: $id }) {
  identity { id } userErrors { code field } } }"""
CONSENT = """mutation($input: ConsentRecordInput!) { consentRecord(input: $input) {
  consent { decision } customer { id } userErrors { code field } } }"""
IDENTITIES = "query($id: ID!) { customer(id: $id) { identities { id kind value } } }"


async def told(shop: Shop, query: str, **variables: Any) -> dict[str, Any]:  # noqa: ANN401
    """Send a write as the shopper; return the payload."""
    answer = await shop.ask(query, shop.roles["SHOPPER"], variables)
    assert answer.errors == [], answer
    (payload,) = answer.data.values()
    assert isinstance(payload, dict)
    return payload


async def test_a_shopper_changes_their_own_profile_only(client: Client) -> None:
    """Also by the id of one they absorbed; a stranger's id is like a missing one; nothing of the stranger changes."""
    shop = await open_shop(client)
    for name in ("Customer", "Absorbed"):
        payload = await told(shop, UPDATE, input={"customerId": shop.own.ids[name], "givenName": f"Anna {name}"})
        assert payload["userErrors"] == []
        assert payload["customer"] == {"id": shop.own.ids["Customer"], "givenName": f"Anna {name}", "tags": []}
    payload = await told(shop, UPDATE, input={"customerId": shop.strange.ids["Customer"], "givenName": "Mallory"})
    assert payload == {"customer": None, "userErrors": [{"code": "NOT_FOUND", "field": ["customerId"]}]}
    strange = await shop.ask(
        "query($id: ID!) { customer(id: $id) { givenName tags } }",
        shop.roles["ADMIN"],
        {"id": shop.strange.ids["Customer"]},
    )
    assert strange.data["customer"] == {"givenName": "Annastrange", "tags": ["vip"]}
    own_tags = await shop.ask(
        "query($id: ID!) { customer(id: $id) { tags } }", shop.roles["ADMIN"], {"id": shop.own.ids["Customer"]}
    )
    assert own_tags.data["customer"]["tags"] == ["vip"]  # they were hidden, not taken


async def test_a_claimed_address_tells_nothing_of_whose_it_is(client: Client) -> None:
    """An address that is verified as somebody else's is noted like any other, and identifies nobody new."""
    shop = await open_shop(client)
    await client.ask(
        """mutation($id: ID!) { customerIdentityAdd(input: { customerId: $id, kind: EMAIL, value: "s@example.com" }) {
          identity { id } } }""",
        {"id": shop.strange.ids["Customer"]},
    )
    found = await shop.ask(IDENTITIES, shop.roles["ADMIN"], {"id": shop.strange.ids["Customer"]})
    theirs = next(each["id"] for each in found.data["customer"]["identities"] if each["value"] == "s@example.com")
    verified = await shop.ask(VERIFY, shop.roles["ADMIN"], {"id": theirs})
    assert verified.data["customerIdentityVerify"]["userErrors"] == []
    own_id = shop.own.ids["Customer"]
    answers = []
    for value in ("s@example.com", "free@example.com"):
        payload = await told(shop, ADD, input={"customerId": own_id, "kind": "EMAIL", "value": value})
        answers.append((payload["identity"]["verification"], payload["userErrors"]))
    assert answers == [("UNVERIFIED", [])] * 2
    by_identity = '{ customerByIdentity(kind: EMAIL, value: "s@example.com") { id } }'
    holder = await shop.ask(by_identity, shop.roles["ADMIN"])
    assert holder.data["customerByIdentity"]["id"] == shop.strange.ids["Customer"]


async def test_a_shopper_vouches_for_nothing(client: Client) -> None:
    """Not without a code, not for how the shop knows them, and not for a stranger's sign."""
    shop = await open_shop(client)
    own_id = shop.own.ids["Customer"]
    refused = await shop.ask(VERIFY, shop.roles["SHOPPER"], {"id": shop.own.ids["CustomerIdentity"]})
    codes = refused.codes or [each["code"] for each in refused.data["customerIdentityVerify"]["userErrors"]]
    assert codes in (["FORBIDDEN"], ["CODE_INVALID"], ["REQUIRED"])
    for kind in ("EXTERNAL_ACCOUNT", "DEVICE", "VISITOR"):
        payload = await told(shop, ADD, input={"customerId": own_id, "kind": kind, "value": "x"})
        assert payload["userErrors"] == [{"code": "INVALID", "field": ["kind"]}]
    listed = await shop.ask(IDENTITIES, shop.roles["SHOPPER"], {"id": own_id})
    account = next(each for each in listed.data["customer"]["identities"] if each["kind"] == "EXTERNAL_ACCOUNT")
    payload = await told(shop, REMOVE, id=account["id"])
    assert payload["userErrors"] == [{"code": "FORBIDDEN", "field": ["identityId"]}]
    payload = await told(shop, REMOVE, id=shop.strange.ids["CustomerIdentity"])
    assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["identityId"]}]
    payload = await told(shop, REMOVE, id=shop.own.ids["CustomerIdentity"])
    assert payload == {"removedIdentityId": shop.own.ids["CustomerIdentity"], "userErrors": []}


async def test_a_shopper_decides_for_themselves(client: Client) -> None:
    """Without an id it is their own decision; a stranger's is refused; when and by what proof is the shop's to say."""
    shop = await open_shop(client)
    decision = {"purpose": "MARKETING", "channel": "EMAIL", "decision": "GRANTED"}
    payload = await told(shop, CONSENT, input=decision)
    assert payload == {
        "consent": {"decision": "GRANTED"},
        "customer": {"id": shop.own.ids["Customer"]},
        "userErrors": [],
    }
    payload = await told(shop, CONSENT, input={**decision, "customerId": shop.strange.ids["Customer"]})
    assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["customerId"]}]
    backdated = await shop.ask(
        CONSENT, shop.roles["SHOPPER"], {"input": {**decision, "decidedAt": "2020-01-01T00:00:00Z"}}
    )
    assert backdated.codes == ["FORBIDDEN"]
    assert parse_id(shop.own.ids["Customer"])[1] == shop.roles["SHOPPER"].customer_id
