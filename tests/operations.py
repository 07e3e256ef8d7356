"""The documents in contract/operations, as a client library sends them, and the order that their stories begin with."""

from typing import Any

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

    async def send(
        self, client: Client, name: str, variables: dict[str, Any] | None = None, *, key: str | None = None
    ) -> Answer:
        """Send one operation with the client's key, or another."""
        self.sent.add(name)
        return await client.ask(self.text(name), variables, key=key)

    async def write(
        self, client: Client, name: str, given: dict[str, Any], *, key: str | None = None
    ) -> dict[str, Any]:
        """Send a mutation that is accepted, and return its payload."""
        (payload,) = (await self.send(client, name, {"input": given}, key=key)).data.values()
        assert isinstance(payload, dict)
        assert payload["userErrors"] == []
        return payload

    def text(self, name: str) -> str:
        """Return one operation with the fragments that it uses."""
        nodes = [
            n for n in self._document.definitions if isinstance(n, OperationDefinitionNode | FragmentDefinitionNode)
        ]
        texts = {node.name.value: print_ast(node) for node in nodes if node.name is not None}
        fragments = {node.name.value for node in nodes if isinstance(node, FragmentDefinitionNode)}
        used = [name]
        for each in used:  # fragments name others
            used += [found for found in sorted(fragments) if f"...{found}" in texts[each] and found not in used]
        return "\n\n".join(texts[each] for each in used)
