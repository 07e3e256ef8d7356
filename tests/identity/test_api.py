"""The shop itself through the API."""

from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission
from tests.conftest import Client

UPSERT = """
mutation($input: StoreUpsertInput!) { storeUpsert(input: $input) {
  store { id code name country locale currencyCode timeZone } userErrors { __typename code message field } } }
"""
INPUT = {
    "code": "UK-online",
    "name": " United Kingdom ",
    "country": "gb",
    "locale": "en_GB",
    "currencyCode": "gbp",
    "timeZone": "Europe/London",
}
UK = {
    "code": "uk-online",
    "name": "United Kingdom",
    "country": "GB",
    "locale": "en-GB",
    "currencyCode": "GBP",
    "timeZone": "Europe/London",
}


async def upsert(client: Client, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Send a store and return the payload."""
    payload: dict[str, Any] = (await client.ask(UPSERT, {"input": {**INPUT, **changes}})).data["storeUpsert"]
    return payload


async def test_a_store_is_added_and_changed(client: Client) -> None:
    """The payload has the store as it is now, found by its id and in the list."""
    added = await upsert(client)
    assert added["userErrors"] == []
    store_id = added["store"].pop("id")
    assert added["store"] == UK
    changed = await upsert(client, name="Britain")
    assert changed["store"] == {**UK, "id": store_id, "name": "Britain"}
    found = await client.ask(
        "query($id: ID!) { node(id: $id) { ... on Store { name } } stores { code } }", {"id": store_id}
    )
    assert found.data == {"node": {"name": "Britain"}, "stores": [{"code": "it"}, {"code": "uk-online"}]}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"code": "?"}, "INVALID", ["code"]),
        ({"code": " "}, "REQUIRED", ["code"]),
        ({"name": ""}, "REQUIRED", ["name"]),
        ({"name": "x" * 201}, "TOO_LONG", ["name"]),
        ({"name": "a\u0000b"}, "INVALID", ["name"]),
        ({"country": "XX"}, "INVALID", ["country"]),
        ({"locale": "xx-XX"}, "INVALID", ["locale"]),
        ({"currencyCode": "EURO"}, "INVALID", ["currencyCode"]),
        ({"timeZone": "London"}, "INVALID", ["timeZone"]),
        ({"code": "it"}, "INVALID_STATE", ["currencyCode"]),
    ],
)
async def test_a_refusal_names_the_field(client: Client, changes: dict[str, str], code: str, field: list[str]) -> None:
    """Each refusal has its code and the path into the input as the client spelled it, and changes nothing."""
    payload = await upsert(client, **changes)
    assert payload["store"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert payload["userErrors"][0]["message"]
    assert (await client.ask("{ stores { code name } }")).data == {"stores": [{"code": "it", "name": "Italia"}]}


async def test_all_faults_are_told_at_once(client: Client) -> None:
    """A form marks every field in one go."""
    payload = await upsert(client, name="", country="XX", currencyCode="E")
    assert [error["field"] for error in payload["userErrors"]] == [["name"], ["country"], ["currencyCode"]]


async def test_who_may_not_is_refused(client: Client) -> None:
    """Reading and writing need a permission each; one refused mutation takes nothing from its neighbours."""
    reader = await client.new_key(Permission.STORES_READ)
    answer = await client.ask(UPSERT, {"input": INPUT}, key=reader)
    assert (answer.codes, answer.body["data"]) == (["FORBIDDEN"], {"storeUpsert": None})
    writer = await client.new_key(Permission.STORES_WRITE)
    answer = await client.ask(UPSERT, {"input": INPUT}, key=writer)
    assert answer.data["storeUpsert"]["store"]["code"] == "uk-online"
    assert (await client.ask("{ stores { code } }", key=writer)).codes == ["FORBIDDEN"]
    client.key = None
    assert (await client.ask(UPSERT, {"input": INPUT})).codes == ["UNAUTHENTICATED"]


async def test_the_viewer_is_who_asks(client: Client) -> None:
    """Anybody may ask who they are; permissions come in alphabetical order."""
    query = "{ viewer { kind permissions } }"
    assert (await client.ask(query)).data["viewer"] == {"kind": "APP", "permissions": sorted(EVERY_PERMISSION)}
    few = await client.new_key(Permission.STORES_READ, Permission.ORDERS_READ)
    found = (await client.ask(query, key=few)).data["viewer"]
    assert found == {"kind": "APP", "permissions": ["orders:read", "stores:read"]}
    client.key = None
    assert (await client.ask(query)).data["viewer"] == {"kind": "ANONYMOUS", "permissions": []}


async def test_root_mutations_run_one_after_another(client: Client) -> None:
    """Each is a transaction of its own: the refused one in the middle leaves the others as they are."""
    query = """
    mutation($a: StoreUpsertInput!, $b: StoreUpsertInput!, $c: StoreUpsertInput!) {
      a: storeUpsert(input: $a) { store { name } userErrors { code } }
      b: storeUpsert(input: $b) { store { name } userErrors { code } }
      c: storeUpsert(input: $c) { store { name } userErrors { code } } }
    """
    variables = {"a": INPUT, "b": {**INPUT, "currencyCode": "USD"}, "c": {**INPUT, "name": "C"}}
    answer = await client.ask(query, variables)
    assert answer.data == {
        "a": {"store": {"name": "United Kingdom"}, "userErrors": []},
        "b": {"store": None, "userErrors": [{"code": "INVALID_STATE"}]},
        "c": {"store": {"name": "C"}, "userErrors": []},
    }
