"""Of the rows behind a type only what a document names is read, and nothing around it that is not needed."""

import re
from typing import Any

import pytest
from graphql import parse

from domain.base.lanes import Lane
from schema.base.execution.columns import needs, wanted_columns
from schema.root import make_schema
from tests.access.shop import open_shop
from tests.api.shop import sell
from tests.conftest import Client
from tests.statements import hearing

SCHEMA: Any = make_schema()._schema
SHOWN = ("Customer", "Order", "OrderLine", "CreditNote", "CreditNoteLine")


def wanted(text: str) -> dict[str, set[str] | None]:
    """Return the columns that a document needs, by type; of those types that show rows."""
    found, _ = wanted_columns(SCHEMA, parse(text))
    return {name: None if columns is None else set(columns) for name, columns in found.items() if name in SHOWN}


async def read(client: Client, query: str, table: str) -> set[str]:
    """Return which columns of a table were read for a query."""
    with hearing() as heard:
        answer = await client.ask(query)
    assert not answer.codes
    chosen = [statement.split(" FROM ")[0].split(" \nFROM ")[0] for statement, _ in heard]
    return {name for part in chosen for name in re.findall(rf"\b{table}(?:_\d+)?\.(\w+)", part)}


def test_what_a_document_names_is_what_it_needs() -> None:
    """Wherever it stands: in fragments, behind interfaces, under aliases, in lists of lists."""
    assert wanted("{ customers(first: 1) { nodes { id key: email displayName } } }") == {
        "Customer": {"email", "given_name", "family_name", "external_id", "phone"}
    }
    assert wanted(
        "{ node(id: 1) { id ... on Order { ...parts } } } fragment parts on Order { total { amount } number }"
    ) == {
        "Customer": set(),
        "CreditNote": set(),
        "Order": {"total", "currency_code", "number"},
        "OrderLine": {"id"},
    }
    orders = "orders(first: 1) { nodes { lines { sku } } }"
    assert wanted(f"{{ customer(id: 1) {{ timeline(first: 1) {{ nodes {{ occurredAt }} }} {orders} }} }}") == {
        "Customer": set(),
        "CreditNote": {"issued_at"},
        "Order": {"placed_at", "currency_code"},
        "OrderLine": {"sku"},
    }


def test_what_nobody_said_is_read_whole() -> None:
    """A field that does not say what it reads needs all there is; of the types that show rows each one says it."""
    found, _ = wanted_columns(SCHEMA, parse("{ customer(id: 1) { identities { value } } stores { code } }"))
    assert found["Customer"] == frozenset()
    assert found["Store"] is None
    silent = [
        f"{name}.{field}"
        for name in SHOWN
        for field, definition in SCHEMA.type_map[name].fields.items()
        if needs(definition) is None
    ]
    assert silent == []


async def test_only_those_columns_are_read(client: Client) -> None:
    """Also where the same type stands in two places, and for what a cursor holds."""
    await sell(client, 1, customer="Ada")
    found = await read(client, "{ customers(first: 1) { nodes { email } } }", "customers")
    assert found == {"id", "email", "created_at"}
    by_name = "{ customers(first: 1, orderBy: {field: NAME}) { nodes { email } edges { cursor node { country } } } }"
    assert await read(client, by_name, "customers") == {"id", "email", "country", "sort_name"}
    lines = "{ orders(first: 1) { nodes { lines { unitPrice { amount } } } } }"
    assert await read(client, lines, "order_lines") == {"order_id", "unit_price"}


async def test_who_sees_a_part_has_rows_read_whole(client: Client) -> None:
    """What is left out of a masked name may be an address: all of the row decides."""
    shop = await open_shop(client)
    with hearing() as heard:
        told = await shop.ask("{ customers(first: 1) { nodes { displayName } } }", shop.roles["PARTNER_AGENT"])
    assert not told.codes
    (statement,) = [statement for statement, _ in heard if "FROM customers" in statement]
    assert "birth_date" in statement.partition("FROM")[0]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("{ customers(first: 1) { nodes { email } pageInfo { hasNextPage } } }", 0),
        ("{ customers(first: 1) { nodes { email } totalCount } }", 1),
        ("{ customers(first: 1) { nodes { email tags } } }", 1),
        ('{ customers(first: 1, filter: {search: "ada"}) { nodes { email } } }', 1),
        ("{ a: customers(first: 1) { nodes { email } } b: customers(first: 1) { nodes { email } } }", 1),
    ],
)
async def test_a_transaction_is_begun_only_for_several_statements(
    client: Client, monkeypatch: pytest.MonkeyPatch, query: str, count: int
) -> None:
    """One statement sees one snapshot anyway."""
    begun: list[Lane] = []
    begin = Lane.begin

    async def counted(lane: Lane) -> None:
        begun.append(lane)
        await begin(lane)

    await client.ask("{ viewer { kind } }")  # the key is known from here on
    monkeypatch.setattr(Lane, "begin", counted)
    assert not (await client.ask(query)).codes
    assert len(begun) == count
