"""Objects of every type by their global ids."""

import base64

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission
from schema.base.nodes import _LOADERS
from tests.api.shop import sell
from tests.conftest import Client

NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
MALFORMED = ["", "1", "é", "T3JkZXI6", "Order:1", "\0", "a" * 5_000, "gid://x/1"]


def raw_id(type_name: str, key: bytes = b"\0" * 16) -> str:
    """Return a well-formed id."""
    return base64.urlsafe_b64encode(type_name.encode() + b":" + key).rstrip(b"=").decode()


async def known_of(client: Client, customer_id: str) -> dict[str, str]:
    """Add an identity, a consent, a merge, an attribute and an export, and return their ids by type."""
    answer = await client.ask(
        """mutation($id: ID!) {
          customerIdentityAdd(input: { customerId: $id, kind: DEVICE, value: "d" }) { identity { id } }
          consentRecord(input: { customerId: $id, purpose: SURVEYS, decision: GRANTED }) { consent { id } }
          customerAttributeDefinitionUpsert(input: { key: "size", name: "Size", type: TEXT }) { definition { id } }
          customerExport(input: { customerId: $id }) { export { id } }
          customerCreate(input: { givenName: "Ada" }) { customer { id } } }""",
        {"id": customer_id},
    )
    merge = await client.ask(
        "mutation($a: ID!, $b: ID!) { customerMerge(input: { survivorId: $a, absorbedId: $b }) { merge { id } } }",
        {"a": customer_id, "b": answer.data["customerCreate"]["customer"]["id"]},
    )
    return {
        "CustomerIdentity": answer.data["customerIdentityAdd"]["identity"]["id"],
        "Consent": answer.data["consentRecord"]["consent"]["id"],
        "CustomerAttributeDefinition": answer.data["customerAttributeDefinitionUpsert"]["definition"]["id"],
        "CustomerExport": answer.data["customerExport"]["export"]["id"],
        "CustomerMerge": merge.data["customerMerge"]["merge"]["id"],
    }


async def talk_with(client: Client, customer_id: str) -> dict[str, str]:
    """Let a program talk to a customer, and return the ids of all that stands there by type."""
    door = 'mutation { channelUpsert(input: { name: "Chat", kind: WEB_CHAT }) { channel { id } } }'
    channel_id = (await client.ask(door)).data["channelUpsert"]["channel"]["id"]
    begun = await client.ask(
        """mutation($channelId: ID!, $customerId: ID!) {
          conversationStart(input: { channelId: $channelId, customerId: $customerId, text: "Good day" }) {
            conversation { id interactions(first: 5) { nodes { __typename id author { __typename id } } } } } }""",
        {"channelId": channel_id, "customerId": customer_id},
    )
    conversation = begun.data["conversationStart"]["conversation"]
    remark = 'mutation($id: ID!) { noteAdd(input: { conversationId: $id, text: "Calls often" }) { note { id } } }'
    note = await client.ask(remark, {"id": conversation["id"]})
    file = await client.ask(
        'mutation { attachmentCreate(input: { filename: "a", contentType: "a/b", byteSize: 1 }) { attachment { id } } }'
    )
    found = {
        "Channel": channel_id,
        "Conversation": conversation["id"],
        "Note": note.data["noteAdd"]["note"]["id"],
        "Attachment": file.data["attachmentCreate"]["attachment"]["id"],
    }
    for each in conversation["interactions"]["nodes"]:
        found |= {each["__typename"]: each["id"], each["author"]["__typename"]: each["author"]["id"]}
    return found


async def test_every_type_is_found_by_its_id(client: Client) -> None:
    """What has an id is read by it, and answers with the same id; no type is left out."""
    sale = await sell(client, 1, customer="Ada")
    wanted = {
        "Store": sale.store,
        "Customer": sale.customer,
        "Order": sale.order,
        "OrderLine": sale.lines[0],
        "Delivery": sale.delivery,
        "CreditNote": sale.credit_note,
        **await known_of(client, sale.customer),
        **await talk_with(client, sale.customer),
    }
    assert set(wanted) | {"ApiKey", "StaffMember"} == set(_LOADERS)  # those: tests/identity/
    for type_name, node_id in wanted.items():
        assert (await client.ask(NODE, {"id": node_id})).data["node"] == {"__typename": type_name, "id": node_id}
    ids = [*wanted.values(), *reversed(wanted.values())]
    found = (await client.ask(NODES, {"ids": ids})).data["nodes"]
    assert [node["id"] for node in found] == ids


async def test_missing_objects_are_null_in_their_place(client: Client) -> None:
    """Missing ids, ids of types that nobody knows, and real ones keep their places, with no error."""
    sale = await sell(client, 1, customer="Ada")
    ids = [raw_id("Order"), sale.order, raw_id("Planet"), sale.customer, raw_id("Customer"), sale.order]
    found = (await client.ask(NODES, {"ids": ids})).data["nodes"]
    assert [node and node["id"] for node in found] == [None, sale.order, None, sale.customer, None, sale.order]
    for node_id in (raw_id("Order"), raw_id("Planet"), raw_id("")):
        assert (await client.ask(NODE, {"id": node_id})).data == {"node": None}


async def test_an_id_of_another_type_is_like_a_missing_one(client: Client) -> None:
    """A field of one type does not answer for another."""
    sale = await sell(client, 1, customer="Ada")
    answer = await client.ask(
        "query($c: ID!, $o: ID!) { customer(id: $o) { id } order(id: $c) { id } }",
        {"c": sale.customer, "o": sale.order},
    )
    assert answer.data == {"customer": None, "order": None}


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("node_id", MALFORMED)
async def test_what_is_no_id_is_refused(client: Client, node_id: str) -> None:
    """An id that this API never gave out is a mistake of the client, and blanks nothing beside it."""
    answer = await client.ask(NODE, {"id": node_id})
    assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"node": None})
    assert "send one back exactly as it came" in answer.body["errors"][0]["message"]
    several = await client.ask(NODES, {"ids": [raw_id("Order"), node_id, raw_id("Store")]})
    assert several.codes == ["BAD_USER_INPUT"]
    assert several.body["errors"][0]["path"] == ["nodes", 1]
    assert several.body["data"] == {"nodes": [None, None, None]}


async def test_at_most_a_hundred_at_once(client: Client) -> None:
    """A hundred ids are answered in order; one more is refused."""
    sale = await sell(client, 1, customer="Ada")
    hundred = [sale.order, raw_id("Order")] * 50
    found = (await client.ask(NODES, {"ids": hundred})).data["nodes"]
    assert [node and node["id"] for node in found] == [sale.order, None] * 50
    answer = await client.ask(NODES, {"ids": [*hundred, sale.order]})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "At most 100" in answer.body["errors"][0]["message"]
    assert (await client.ask(NODES, {"ids": []})).data == {"nodes": []}


async def test_an_object_needs_its_permission(client: Client) -> None:
    """Each type asks for its own; what may be seen is answered beside what may not."""
    sale = await sell(client, 1, customer="Ada")
    only_stores = await client.new_key(Permission.STORES_READ)
    answer = await client.ask(NODES, {"ids": [sale.customer, sale.store, sale.order]}, key=only_stores)
    assert [(error["path"], error["extensions"]["code"]) for error in answer.body["errors"]] == [
        (["nodes", 0], "FORBIDDEN"),
        (["nodes", 2], "FORBIDDEN"),
    ]
    assert answer.body["data"]["nodes"] == [None, {"__typename": "Store", "id": sale.store}, None]
    no_key = await client.http.post("/graphql", json={"query": NODE, "variables": {"id": raw_id("Order")}})
    assert no_key.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert {policy.needs for name, (_, policy) in _LOADERS.items() if name != "CustomerExport"} <= EVERY_PERMISSION
