"""A small shop, made through the API."""

from dataclasses import dataclass
from typing import Any

from tests.conftest import Client

ORDER = """
mutation($input: OrderUpsertInput!) { orderUpsert(input: $input) {
  userErrors { message } order { id store { id } customer { id } lines { id externalId } } } }
"""
DELIVERY = """
mutation($input: DeliveryRecordInput!) { deliveryRecord(input: $input) { userErrors { message } delivery { id } } }
"""
CREDIT_NOTE = """
mutation($input: CreditNoteUpsertInput!) { creditNoteUpsert(input: $input) {
  userErrors { message } creditNote { id } } }
"""


@dataclass(frozen=True)
class Sale:
    """The ids of an order and of everything around it."""

    store: str
    customer: str
    order: str
    lines: list[str]
    delivery: str
    credit_note: str


async def sell(client: Client, number: int, *, customer: str) -> Sale:
    """Sell two articles, deliver them and take one back."""
    placed_at = f"2026-01-01T00:00:{number:02}Z"
    line = {"sku": "A", "title": "A", "quantity": 2, "unitPrice": "1.50"}
    order = await _write(
        client,
        ORDER,
        {
            "externalId": str(number),
            "placedAt": placed_at,
            "currencyCode": "EUR",
            "customer": {"externalId": customer, "givenName": customer},
            "lines": [{**line, "externalId": "1"}, {**line, "externalId": "2"}],
        },
    )
    delivery = await _write(client, DELIVERY, {"orderExternalId": str(number), "externalId": "d", "carrier": "C"})
    note = await _write(
        client,
        CREDIT_NOTE,
        {
            "externalId": f"C{number}",
            "orderExternalId": str(number),
            "issuedAt": placed_at,
            "currencyCode": "EUR",
            "lines": [{**line, "quantity": 1}],
        },
    )
    return Sale(
        store=order["store"]["id"],
        customer=order["customer"]["id"],
        order=order["id"],
        lines=[each["id"] for each in order["lines"]],
        delivery=delivery["id"],
        credit_note=note["id"],
    )


async def _write(client: Client, mutation: str, write_input: dict[str, Any]) -> dict[str, Any]:
    (payload,) = (await client.ask(mutation, {"input": write_input})).data.values()
    assert payload["userErrors"] == []
    (written,) = (value for name, value in payload.items() if name != "userErrors")
    assert isinstance(written, dict)
    return written
