"""docs/guides/privacy.md: each of its examples, in its order, is answered as it says."""

from collections.abc import Callable
from typing import Any

from graphql import OperationDefinitionNode, parse

from tests.conftest import Client
from tests.customers.people import run_jobs
from tests.documents import list_examples
from tests.orders.shop import send_order
from tests.real_data.test_documents import as_documented

GUIDE = "docs/guides/privacy.md"
ADA = {"externalId": "c-1", "email": "ada@shop.example", "givenName": "Ada"}

Told = dict[str, dict[str, Any]]

VARIABLES: dict[str, Callable[[str, Told], dict[str, Any]]] = {
    "Erase": lambda customer_id, _: {"input": {"customerId": customer_id}},
    "Books": lambda _, __: {},
    "Export": lambda customer_id, _: {"input": {"customerId": customer_id, "idempotencyKey": "request-17"}},
    "ExportState": lambda _, told: {"id": told["Export"]["customerExport"]["export"]["id"]},
}


async def test_the_guide_is_answered_as_it_says(client: Client) -> None:
    """Of a shop in which Ada bought something; for the export she buys again."""
    told: Told = {}
    order = await send_order(client, "web-1", customer=ADA)
    for example in (each for each in list_examples() if each.place.startswith(GUIDE)):
        (operation,) = parse(example.query).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        name = operation.name.value
        if name == "Export":
            order = await send_order(client, "web-2", customer=ADA)
        variables = VARIABLES[name](order["customer"]["id"], told)
        answer = (await client.ask(example.query, variables)).body
        shown = {key: value for key, value in answer.items() if key != "extensions"}
        assert as_documented(shown, example.answer) == example.answer, example.place
        told[name] = answer["data"]
        await run_jobs(client.works)
    assert told.keys() == VARIABLES.keys()
