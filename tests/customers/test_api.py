"""Customers through the API."""

from tests.conftest import Client


async def test_a_new_customer_is_answered(client: Client) -> None:
    """Create, then read."""
    answer = await client.ask(
        'mutation { customerCreate(input: {givenName: "Ada"}) { customer { id displayName version } userErrors { code } } }'
    )
    created = answer.data["customerCreate"]["customer"]
    assert created["displayName"] == "Ada"
    again = await client.ask("query($id: ID!) { customer(id: $id) { displayName } }", {"id": created["id"]})
    assert again.data["customer"] == {"displayName": "Ada"}
