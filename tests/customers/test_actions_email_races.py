"""One address, one customer: also where a profile and a verified order bring it at the same moment."""

import asyncio

from tests.conftest import Client

CREATE = """
mutation($email: EmailAddress!) {
  customerCreate(input: {email: $email}) { customer { id } userErrors { code } }
}
"""
ORDER = """
mutation($email: EmailAddress!, $id: String!) {
  orderUpsert(input: {
    externalId: $id, placedAt: "2026-01-15T10:00:00Z", currencyCode: "EUR"
    customer: {email: $email, emailVerified: true}
    lines: [{sku: "a", title: "a", quantity: 1, unitPrice: "1"}]
  }) { order { customer { id } } userErrors { code } }
}
"""


async def test_a_profile_and_a_verified_order_at_once_are_one_customer(client: Client) -> None:
    """Whichever comes first, the other one finds its customer, or is refused as TAKEN."""
    for number in range(10):
        email = f"ada{number}@shop.test"
        created, ordered = await asyncio.gather(
            client.ask(CREATE, {"email": email}), client.ask(ORDER, {"email": email, "id": f"o-{number}"})
        )
        buyer = ordered.data["orderUpsert"]["order"]["customer"]
        payload = created.data["customerCreate"]
        assert payload["customer"] in (buyer, None)
        assert payload["userErrors"] == ([] if payload["customer"] else [{"code": "TAKEN"}])
    found = await client.ask('{ customers(first: 100, filter: {search: "ada"}) { totalCount } }')
    assert found.data["customers"]["totalCount"] == 10
