"""A stranger's object answers like one that does not exist, by every argument and over every edge."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from sqlalchemy import true

from domain.base import database as databases
from domain.base import statements
from domain.base.actors import Actor
from domain.base.kept import Kept
from domain.base.statements import Prepared
from domain.customers.repository import consents, customers, identities, timeline
from domain.identity.repository import stores
from domain.interactions.repository import conversations, interactions, lists
from domain.orders.repository import credit_notes, deliveries, orders
from schema.base.ids import global_id, parse_id
from schema.interactions import queries
from schema.orders.types import documents
from tests.access.shop import TYPES, Shop, edges_of, fields_of, ids_in, literal, open_shop, selected
from tests.conftest import Client

NARROWED = ("SHOPPER", "PARTNER_AGENT")
DEPTH = 5
WIDTH_MAX = 400
"""Steps of one crawl: a document stays one that a client might send."""


def document(type_name: str, depth: int, way: tuple[str, ...] = ()) -> str:
    """Return a selection that follows every edge from a type, back to where it came from only once."""
    kinds = TYPES.get_possible_types(TYPES.type_map[type_name]) if _is_abstract(type_name) else ()  # type: ignore[arg-type]
    if kinds:
        return "__typename " + " ".join(f"... on {kind.name} {{ {document(kind.name, depth, way)} }}" for kind in kinds)
    inside = ["id"] if "id" in fields_of(type_name) else ["__typename"]
    for name, given, target in edges_of(type_name):
        if depth == 0 or way.count(f"{type_name}.{name}") or (depth < DEPTH and name in {"edges", "pageInfo"}):
            continue
        arguments = "(first: 5)" if "first" in given.args else ""
        below = document(target.name, depth - 1, (*way, f"{type_name}.{name}"))
        inside.append(f"{type_name}_{name}: {name}{arguments} {{ {below} }}")
    return " ".join(inside)


def _is_abstract(type_name: str) -> bool:
    kind: GraphQLNamedType = TYPES.type_map[type_name]
    return type(kind).__name__ in {"GraphQLInterfaceType", "GraphQLUnionType"}


async def crawled(shop: Shop, actor: Actor) -> set[str]:
    """Return every id that somebody comes across from their own customer, order, lists and stores on."""
    own = {name: f'"{value}"' for name, value in shop.own.ids.items()}
    roots = {
        "Customer": f"customer(id: {own['Customer']})",
        "Order": f"order(id: {own['Order']})",
        "OrderConnection": "orders(first: 50)",
        "CustomerConnection": "customers(first: 50)",
        "Store": "stores",
        "Conversation": f"conversation(id: {own['Conversation']})",
        "ConversationConnection": "conversations(first: 50)",
    }
    seen: set[str] = set()
    for type_name, root in roots.items():
        told = await shop.ask(f"{{ {root} {{ {document(type_name, DEPTH - 1)} }} }}", actor)
        assert not set(told.codes) - {"FORBIDDEN"}, told.errors[:3]
        seen |= set(ids_in(told.data))
    return seen


def strange_ids(shop: Shop) -> set[str]:
    """Return the ids that nobody of the own side may see: not those of store and channel, which shoppers may know."""
    return {value for name, value in shop.strange.ids.items() if name not in {"Store", "Channel"}}


async def test_no_edge_leads_to_a_stranger(client: Client) -> None:
    """From everything of their own, along every edge: nothing of the other side; whoever sees all finds both."""
    shop = await open_shop(client)
    for role in NARROWED:
        seen = await crawled(shop, shop.roles[role])
        assert not seen & strange_ids(shop), role
        assert {shop.own.ids[name] for name in ("Customer", "Order", "CreditNote", "CustomerIdentity")} <= seen, role
        assert {shop.own.ids[name] for name in ("Conversation", "Message", "StatusChange")} <= seen, role
        assert (shop.own.ids["Note"] in seen) == (role != "SHOPPER")
    assert strange_ids(shop) & await crawled(shop, shop.roles["ADMIN"])


async def test_every_id_argument_answers_a_stranger_like_nobody(client: Client) -> None:
    """Of every root field: the answer to a stranger's id is that to an id that nobody has, for reads and writes."""
    shop = await open_shop(client)
    tried = 0
    for query, names in [*reads(), *writes()]:
        for role in NARROWED:
            for name in names:
                strange = await shop.ask(query, shop.roles[role], {"id": shop.strange.ids[name]})
                nobody = await shop.ask(query, shop.roles[role], {"id": missing(shop.strange.ids[name])})
                assert strange.data == nobody.data, (role, name, query)
                assert strange.errors == nobody.errors, (role, name, query)
                tried += 1
    assert tried > 100
    external = "query($id: String!) { orderByExternalId(externalId: $id) { id } }"
    for role in NARROWED:
        for external_id in (shop.strange.external_id, "nothing"):
            told = await shop.ask(external, shop.roles[role], {"id": external_id})
            assert told.data == {"orderByExternalId": None}


def missing(value: str) -> str:
    """Return an id of the same type that nobody has."""
    return global_id(parse_id(value)[0], uuid4())


_NAMES = (
    *("Customer", "Order", "OrderLine", "Delivery", "CreditNote", "CustomerIdentity", "Consent", "CustomerMerge"),
    *("CustomerExport", "Conversation", "Message", "Note", "StatusChange"),
)


def reads() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a query for each argument of a root field that is an id, or an input with one, and the types to try."""
    for name, given in fields_of("Query").items():
        for key, argument in given.args.items():
            kind = get_named_type(argument.type)
            wanted = wanted_by_input(name, given, key) if isinstance(kind, GraphQLInputObjectType) else []
            if kind.name == "ID":
                wanted = [wanted_by_id(name, given, key)]
            yield from ((f"query($id: ID!) {{ {each} }}", _NAMES) for each in wanted)


def wanted_by_id(name: str, given: GraphQLField, key: str) -> str:
    """Return a root field that is asked for by one of its arguments, an id or a list of them."""
    required = {other: literal(each.type) for other, each in given.args.items() if is_required_argument(each)}
    return selected(name, given, {**required, key: "[$id]" if "[" in str(given.args[key].type) else "$id"})


def wanted_by_input(name: str, given: GraphQLField, key: str) -> list[str]:
    """Return a root field once for each id in the input that is one of its arguments."""
    kind = get_named_type(given.args[key].type)
    assert isinstance(kind, GraphQLInputObjectType)
    ids = [inner for inner, each in kind.fields.items() if get_named_type(each.type).name == "ID"]
    every = [selected(name, given, {key: f"{{ {inner}: $id }}"}) for inner in ids]
    return [each.replace("__typename", "nodes { id } totalCount") for each in every]


def writes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a mutation for each field of an input that is an id, and the types to try."""
    for name, given in fields_of("Mutation").items():
        kind = get_named_type(given.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        for key, each in kind.fields.items():
            if get_named_type(each.type).name == "ID":
                required = {k: literal(v.type) for k, v in kind.fields.items() if is_required_input_field(v)}
                said = ", ".join(f"{k}: {v}" for k, v in {**required, key: "$id"}.items())
                errors = "userErrors { code message field }"
                yield f"mutation($id: ID!) {{ {name}(input: {{{said}}}) {{ {errors} }} }}", _NAMES


async def test_the_queries_hold_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first fence alone: row-level security is off."""

    async def no_fence(*_: Any) -> None:  # noqa: ANN401
        return

    monkeypatch.setattr(databases, "_fence", no_fence)
    shop = await open_shop(client)
    for role in NARROWED:
        assert not await crawled(shop, shop.roles[role]) & strange_ids(shop), role


_FENCES = {
    "is_seen": (customers, identities, consents),
    "is_entry_seen": (timeline,),
    "is_order_seen": (orders, documents),
    "is_part_seen": (orders, deliveries),
    "is_note_seen": (credit_notes, documents),
    "is_store_seen": (stores,),
    "is_conversation_seen": (conversations, interactions, lists, queries),
    "is_interaction_seen": (interactions,),
}


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_the_database_holds_without_the_queries(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second fence alone: no query is narrowed. Without either the strangers are found, so this can fail."""
    # Statements are kept for as long as the process runs: those of this test are its own.
    monkeypatch.setattr(statements, "_statements", Kept[Prepared](statements.STATEMENTS_MAX))
    for name, modules in _FENCES.items():
        for module in modules:
            monkeypatch.setattr(module, name, lambda *_, **__: true())
    shop = await open_shop(client)
    for role in NARROWED:
        seen = await crawled(shop, shop.roles[role])
        assert not seen & strange_ids(shop), role
        assert {shop.own.ids[name] for name in ("Order", "Conversation", "Message")} <= seen, role

    async def no_fence(*_: Any) -> None:  # noqa: ANN401
        return

    monkeypatch.setattr(databases, "_fence", no_fence)
    assert await crawled(shop, shop.roles["PARTNER_AGENT"]) & strange_ids(shop)
