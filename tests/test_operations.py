"""The documents in contract/operations, which clients of the shop run, executed one by one."""

from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast
from graphql.language import DocumentNode

from tests.conftest import Answer, Client
from tests.documents import ROOT

FOLDER = ROOT / "contract" / "operations"

ORDER = {
    "externalId": "web-1",
    "placedAt": "2026-11-20T09:30:00Z",
    "currencyCode": "EUR",
    "customer": {"externalId": "c-1", "email": "ada@shop.example", "emailVerified": True, "givenName": "Ada"},
    "lines": [
        {"externalId": "1", "sku": "MUG", "title": "Mug", "quantity": 2, "unitPrice": "7.50"},
        {"externalId": "2", "sku": "TEA", "title": "Tea", "quantity": 1, "unitPrice": "4.25"},
    ],
    "shippingTotal": "4.90",
}


class Documents:
    """One file of documents: each operation sent with the fragments that it uses, as client libraries do."""

    def __init__(self, name: str) -> None:
        """Read the file."""
        self._document: DocumentNode = parse((FOLDER / f"{name}.graphql").read_text(encoding="utf-8"))
        self.sent: set[str] = set()

    @property
    def names(self) -> set[str]:
        """Return the names of all operations."""
        return {
            each.name.value
            for each in self._document.definitions
            if isinstance(each, OperationDefinitionNode) and each.name is not None
        }

    async def send(self, client: Client, name: str, variables: dict[str, Any]) -> Answer:
        """Send one operation."""
        self.sent.add(name)
        return await client.ask(self._text(name), variables)

    def _text(self, name: str) -> str:
        nodes = [
            n for n in self._document.definitions if isinstance(n, OperationDefinitionNode | FragmentDefinitionNode)
        ]
        texts = {node.name.value: print_ast(node) for node in nodes if node.name is not None}
        fragments = {node.name.value for node in nodes if isinstance(node, FragmentDefinitionNode)}
        used = [fragment for fragment in sorted(fragments) if f"...{fragment}" in texts[name]]
        return "\n\n".join(texts[each] for each in (name, *used))


@pytest.fixture
def integrator() -> Documents:
    """Return what a shop's integration runs."""
    return Documents("integrator")


@pytest.fixture
def agent() -> Documents:
    """Return what an agent's console runs."""
    return Documents("agent")


async def test_an_integration_runs_its_documents(client: Client, integrator: Documents) -> None:
    """A shop sends a customer, an order, its delivery and a credit note, and finds the ids again."""
    customer = (
        await integrator.send(client, "EnsureCustomer", {"input": {"externalId": "c-1", "familyName": "Byron"}})
    ).data
    assert customer["customerCreate"]["userErrors"] == []

    pushed = (await integrator.send(client, "PushOrder", {"input": ORDER})).data["orderUpsert"]
    assert pushed["userErrors"] == []
    assert pushed["order"]["externalId"] == "web-1"
    assert [line["sku"] for line in pushed["order"]["lines"]] == ["MUG", "TEA"]

    found = (await integrator.send(client, "OrderIds", {"externalId": "web-1"})).data["orderByExternalId"]
    assert found["id"] == pushed["order"]["id"]
    assert [line["quantity"] for line in found["lines"]] == [2, 1]

    parcel = {"orderId": found["id"], "externalId": "p-1", "shippedAt": "2026-11-21T08:00:00Z"}
    parcel |= {"deliveredAt": "2026-11-22T08:00:00Z"}
    recorded = (await integrator.send(client, "PushDelivery", {"input": parcel})).data["deliveryRecord"]
    assert recorded["userErrors"] == []
    assert [line["deliveredQuantity"] for line in recorded["order"]["lines"]] == [2, 1]

    line = {"sku": "TEA", "title": "Tea", "quantity": 1, "unitPrice": "4.25"}
    note = {"externalId": "cn-1", "orderExternalId": "web-1", "issuedAt": "2026-11-22T10:00:00Z"}
    note_input = {**note, "currencyCode": "EUR", "lines": [line]}
    credited = (await integrator.send(client, "PushCreditNote", {"input": note_input})).data["creditNoteUpsert"]
    assert credited["userErrors"] == []
    assert credited["creditNote"]["total"] == {"amount": "4.25", "currencyCode": "EUR"}
    assert integrator.sent == integrator.names


async def test_an_integration_reads_why_something_is_refused(client: Client, integrator: Documents) -> None:
    """What is wrong comes back with its code and place, and the order does not exist."""
    wrong = ORDER | {"lines": [{"sku": "MUG", "title": "Mug", "quantity": 0, "unitPrice": "7.50"}]}
    refused = (await integrator.send(client, "PushOrder", {"input": wrong})).data["orderUpsert"]
    assert refused["order"] is None
    assert [(error["__typename"], error["code"], error["field"]) for error in refused["userErrors"]] == [
        ("InputError", "INVALID", ["lines", "0", "quantity"])
    ]
    assert (await integrator.send(client, "OrderIds", {"externalId": "web-1"})).data == {"orderByExternalId": None}


async def test_a_console_runs_its_documents(client: Client, integrator: Documents, agent: Documents) -> None:
    """An agent finds a customer by an order number, sees everything about them, and corrects their tags."""
    await integrator.send(client, "PushOrder", {"input": ORDER})
    await integrator.send(client, "PushDelivery", {"input": {"orderExternalId": "web-1", "externalId": "p-1"}})

    found = (await agent.send(client, "FindCustomers", {"search": "web-1"})).data["customers"]
    assert found["totalCount"] == 1
    assert found["nodes"][0]["displayName"] == "Ada"

    shown = (await agent.send(client, "Customer360", {"id": found["nodes"][0]["id"]})).data
    customer = shown["customer"]
    assert shown["viewer"]["kind"] == "APP"
    assert customer["value"]["orderCount"] == 1
    assert customer["value"]["netSpent"] == {"amount": "24.15", "currencyCode": "EUR"}
    assert customer["value"]["decile"] == 10  # the only one of all customers stands in the last tenth
    assert customer["orders"]["nodes"][0]["number"] == "web-1"
    (delivery,) = customer["orders"]["nodes"][0]["deliveries"]
    assert {piece["orderLine"]["sku"]: piece["quantity"] for piece in delivery["lines"]} == {"MUG": 2, "TEA": 1}

    orders = (await agent.send(client, "FindOrders", {"search": "ADA@shop.example"})).data["orders"]["nodes"]
    assert [(order["number"], order["store"]["code"]) for order in orders] == [("web-1", "it")]

    change = {"customerId": customer["id"], "expectedVersion": customer["version"], "tags": ["Tea"]}
    changed = (await agent.send(client, "UpdateCustomer", {"input": change})).data["customerUpdate"]
    assert changed["customer"]["tags"] == ["tea"]
    late = (await agent.send(client, "UpdateCustomer", {"input": change})).data["customerUpdate"]
    assert late["userErrors"][0]["currentVersion"] == changed["customer"]["version"]
    assert agent.sent == agent.names
