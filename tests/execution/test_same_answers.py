"""Plans answer as graphql-core does, to the byte: values, order, nulls, errors and their paths."""

import os

import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from domain.base.actors import StaffRole
from tests.access.shop import Shop, open_shop
from tests.conftest import Client
from tests.execution.answering import answer, reference
from tests.fuzz.test_operations import ROLES, drawn

OPERATIONS = int(os.environ.get("OPERATIONS", "5000"))
SHORT = 60


def queries(shop: Shop, *, count: int) -> list[str]:
    """Return generated documents that read."""
    return [text for text in drawn(shop, count=count) if reads(text)]


def reads(text: str) -> bool:
    """Tell whether a document has a query only."""
    (definition,) = parse(text).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition.operation is OperationType.QUERY


async def compare(client: Client, shop: Shop, texts: list[str], role: str) -> None:
    """Hold that both answer alike, whoever asks."""
    actor = shop.roles[role]
    for text in texts:
        assert await answer(client.works, actor, text) == await reference(client.works, actor, text), text


async def test_generated_operations_are_answered_alike(client: Client) -> None:
    """The short run of `make fuzz`."""
    shop = await open_shop(client)
    texts = queries(shop, count=SHORT)
    assert texts
    for role in ("SHOPPER", StaffRole.PARTNER_AGENT, "APP"):
        await compare(client, shop, texts, role)


@pytest.mark.fuzz
async def test_thousands_of_operations_are_answered_alike(client: Client) -> None:
    """For each role: `make fuzz OPERATIONS=5000`."""
    shop = await open_shop(client)
    texts = queries(shop, count=OPERATIONS)
    for role in ROLES:
        await compare(client, shop, texts, role)
