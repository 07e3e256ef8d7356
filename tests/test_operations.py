"""The documents in contract/operations, which clients of the shop run, executed one by one."""

import pytest

from domain.base.actors import Permission
from tests.conftest import Client
from tests.customers.people import run_jobs
from tests.interactions.operations import carry_messages, follow_a_customer, talk_at_a_console
from tests.operations import ORDER, Documents


@pytest.fixture
def integrator() -> Documents:
    """Return what a shop's integration runs."""
    return Documents("integrator")


@pytest.fixture
def agent() -> Documents:
    """Return what an agent's console runs."""
    return Documents("agent")


async def test_an_integration_runs_its_documents(client: Client, integrator: Documents) -> None:
    """A shop sends a customer, an order, its delivery and a credit note, finds the ids again, and carries messages."""
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
    recorded = await integrator.write(client, "PushDelivery", parcel)
    assert [line["deliveredQuantity"] for line in recorded["order"]["lines"]] == [2, 1]

    line = {"sku": "TEA", "title": "Tea", "quantity": 1, "unitPrice": "4.25"}
    note = {"externalId": "cn-1", "orderExternalId": "web-1", "issuedAt": "2026-11-22T10:00:00Z"}
    credited = await integrator.write(client, "PushCreditNote", {**note, "currencyCode": "EUR", "lines": [line]})
    assert credited["creditNote"]["total"] == {"amount": "4.25", "currencyCode": "EUR"}
    customer_id = customer["customerCreate"]["customer"]["id"]
    await tell_of_a_customer(client, integrator, customer_id)
    await follow_a_customer(client, integrator, customer_id)
    owner, client.key = client.key, await client.new_key(Permission.CHANNELS_WRITE, Permission.CONVERSATIONS_READ)
    await carry_messages(client, integrator, owner=owner or "")
    assert integrator.sent == integrator.names


async def tell_of_a_customer(client: Client, integrator: Documents, customer_id: str) -> None:
    """Say by what else a customer is known, what they agreed to, and what the shop itself wants to know of them."""
    identity = {"customerId": customer_id, "kind": "EXTERNAL_ACCOUNT", "namespace": "newsletter", "value": "n-77"}
    added = (await integrator.write(client, "AddIdentity", identity))["identity"]
    asked = {name: identity[name] for name in ("kind", "namespace", "value")}
    assert (await integrator.send(client, "FindByIdentity", asked)).data == {"customerByIdentity": None}
    verified = await integrator.write(client, "VerifyIdentity", {"identityId": added["id"]})
    assert verified["identity"] == added | {"verification": "VERIFIED"}
    found = (await integrator.send(client, "FindByIdentity", asked)).data["customerByIdentity"]
    assert found == {"id": customer_id, "externalId": "c-1"}

    box = {"customerId": customer_id, "purpose": "MARKETING", "channel": "EMAIL", "decision": "GRANTED"}
    ticked = [await integrator.write(client, "PushConsent", {**box, "idempotencyKey": "box-1"}) for _ in range(2)]
    assert ticked[0] == ticked[1]
    assert ticked[0]["consent"]["decision"] == "GRANTED"

    attribute = {"key": "shelf", "name": "Shelf", "type": "CHOICE", "choices": ["A", "B"]}
    defined = [await integrator.write(client, "DefineAttribute", attribute) for _ in range(2)]
    assert defined[0] == defined[1]
    known = {"customerId": customer_id, "attributes": [{"key": "shelf", "choice": "B"}]}
    pushed = [await integrator.write(client, "PushAttributes", known) for _ in range(2)]
    assert pushed[0] == pushed[1]
    assert [(each["key"], each["choice"]) for each in pushed[0]["customer"]["attributes"]] == [("shelf", "B")]


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
    """An agent finds a customer, sees everything about them, corrects it, says who is who, and talks with them."""
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
    assert [(each["kind"], each["verification"]) for each in customer["identities"]] == [
        ("EXTERNAL_ACCOUNT", "VERIFIED"),
        ("EMAIL", "VERIFIED"),
    ]
    assert [item["number"] for item in customer["timeline"]["nodes"]] == ["web-1"]

    orders = (await agent.send(client, "FindOrders", {"search": "ADA@shop.example"})).data["orders"]["nodes"]
    assert [(order["number"], order["store"]["code"]) for order in orders] == [("web-1", "it")]
    await recognise_a_caller(client, agent, customer["id"])
    await correct_a_profile(client, integrator, agent, customer["id"])
    await decide_who_is_who(client, integrator, agent, customer["id"])
    await hear_what_is_agreed_to(client, agent, customer["id"])
    await talk_at_a_console(client, agent, customer["id"])
    await tell_and_forget(client, agent, customer["id"])
    assert agent.sent == agent.names


async def tell_and_forget(client: Client, agent: Documents, customer_id: str) -> None:
    """What is stored about a customer can be had for a while; then they are gone, and so is that."""
    export = (await agent.write(client, "ExportCustomer", {"customerId": customer_id}))["export"]
    assert export["state"] == "PENDING"
    await run_jobs(client.works)
    ready = (await agent.send(client, "ExportState", {"id": export["id"]})).data["node"]
    assert ready["state"] == "READY"
    assert (await client.http.get(ready["url"])).json()["records"][0]["email"] == "ada@shop.example"
    erased = await agent.write(client, "EraseCustomer", {"customerId": customer_id})
    assert erased["erasedCustomerId"] == customer_id
    assert (await agent.send(client, "Customer360", {"id": customer_id})).data["customer"] is None
    assert (await agent.send(client, "ExportState", {"id": export["id"]})).data == {"node": None}


async def recognise_a_caller(client: Client, agent: Documents, customer_id: str) -> None:
    """A number identifies once somebody vouches for it, and no longer when a family shares it."""
    call = {"kind": "PHONE", "value": "06 69812345"}
    assert (await agent.send(client, "Recognise", call)).data == {"customerByIdentity": None}
    added = (await agent.write(client, "AddIdentity", {"customerId": customer_id, **call}))["identity"]
    assert (await agent.send(client, "Recognise", call)).data == {"customerByIdentity": None}
    verified = await agent.write(client, "VerifyIdentity", {"identityId": added["id"]})
    assert verified["identity"]["value"] == "+390669812345"
    assert (await agent.send(client, "Recognise", call)).data["customerByIdentity"]["id"] == customer_id
    shared = await agent.write(client, "ShareIdentity", {"identityId": added["id"], "isShared": True})
    assert shared["identity"]["isShared"]
    assert (await agent.send(client, "Recognise", call)).data == {"customerByIdentity": None}
    removed = await agent.write(client, "RemoveIdentity", {"identityId": added["id"]})
    assert removed["removedIdentityId"] == added["id"]
    assert (removed["customer"]["phone"], len(removed["customer"]["identities"])) == (None, 2)


async def correct_a_profile(client: Client, integrator: Documents, agent: Documents, customer_id: str) -> None:
    """Tags and attributes change with the version that was seen; who was slower reads it again."""
    flag = {"key": "trade", "name": "Trade customer", "type": "FLAG"}
    await integrator.write(client, "DefineAttribute", flag)
    (definition,) = (await agent.send(client, "AttributeForm", {})).data["customerAttributeDefinitions"]
    assert (definition["key"], definition["type"], definition["audience"]) == ("trade", "FLAG", "STAFF")
    version = (await agent.send(client, "Customer360", {"id": customer_id})).data["customer"]["version"]
    change = {"customerId": customer_id, "expectedVersion": version, "tags": ["Tea"]}
    change |= {"attributes": [{"key": "trade", "flag": True}]}
    changed = (await agent.write(client, "UpdateCustomer", change))["customer"]
    assert changed["tags"] == ["tea"]
    assert [each["flag"] for each in changed["attributes"]] == [True]
    late = (await agent.send(client, "UpdateCustomer", {"input": change})).data["customerUpdate"]
    assert late["userErrors"][0]["currentVersion"] == changed["version"]
    asked = {"attribute": [{"key": "trade", "flag": True}]}
    listed = (await agent.send(client, "FindByAttribute", asked)).data["customers"]
    assert [node["id"] for node in listed["nodes"]] == [customer_id]


async def decide_who_is_who(client: Client, integrator: Documents, agent: Documents, customer_id: str) -> None:
    """A guest with the same address is proposed, merged and taken apart; another one is said to be somebody else."""
    guest = {"email": "ada@shop.example", "givenName": "Ada"}
    await integrator.write(client, "PushOrder", ORDER | {"externalId": "web-2", "customer": guest})
    (proposal,) = (await agent.send(client, "MergeProposals", {})).data["customerMerges"]["nodes"]
    pair = {"survivorId": proposal["survivor"]["id"], "absorbedId": proposal["absorbed"]["id"]}
    assert pair["survivorId"] == customer_id
    assert proposal["signals"] == ["VERIFIED_ON_ONE", "SAME_NAME"]
    seen = {"a": pair["survivorId"], "b": pair["absorbedId"]}
    preview = (await agent.send(client, "MergePreview", seen)).data["customerMergePreview"]
    assert (preview["blockers"], preview["orderCount"], len(preview["identities"])) == ([], 2, 3)

    before = (await agent.send(client, "Customer360", {"id": customer_id})).data["customer"]
    merged = await agent.write(client, "Merge", {**pair, "reason": "She said so."})
    assert (merged["merge"]["id"], merged["merge"]["state"]) == (proposal["id"], "APPLIED")
    assert merged["customer"]["version"] > before["version"]
    shown = (await agent.send(client, "Customer360", {"id": pair["absorbedId"]})).data["customer"]
    assert (shown["id"], shown["orders"]["totalCount"]) == (customer_id, 2)
    assert [merge["absorbed"]["id"] for merge in shown["merges"]] == [pair["absorbedId"]]

    parted = await agent.write(client, "Unmerge", {"mergeId": proposal["id"]})
    assert parted["survivor"] == {"id": customer_id, "version": before["version"]}
    assert (await agent.send(client, "Customer360", {"id": customer_id})).data["customer"] == before

    other = guest | {"email": "ada+gift@shop.example"}
    await integrator.write(client, "PushOrder", ORDER | {"externalId": "web-3", "customer": other})
    waiting = (await agent.send(client, "MergeProposals", {})).data["customerMerges"]["nodes"]
    assert len(waiting) >= 2
    for proposal in waiting:
        rejected = await agent.write(client, "RejectMerge", {"mergeId": proposal["id"], "reason": "Her daughter."})
        assert (rejected["merge"]["state"], rejected["merge"]["reason"]) == ("REJECTED", "Her daughter.")
    assert (await agent.send(client, "MergeProposals", {})).data["customerMerges"]["totalCount"] == 0


async def hear_what_is_agreed_to(client: Client, agent: Documents, customer_id: str) -> None:
    """What a customer says is added to what they said before; the latest counts, and all of it is told."""
    letters = {"customerId": customer_id, "purpose": "MARKETING", "channel": "EMAIL", "source": "telephone"}
    for decision in ("GRANTED", "WITHDRAWN"):
        recorded = await agent.write(client, "RecordConsent", {**letters, "decision": decision})
        assert [each["decision"] for each in recorded["customer"]["consents"]] == [decision]
    history = (await agent.send(client, "ConsentHistory", {"id": customer_id})).data["customer"]["consentHistory"]
    assert [each["decision"] for each in history["nodes"]] == ["WITHDRAWN", "GRANTED"]
    asked = {"id": customer_id, "kind": ["CONSENT"]}
    happened = (await agent.send(client, "Timeline", asked)).data["customer"]["timeline"]["nodes"]
    assert [item["decision"] for item in happened] == ["WITHDRAWN", "GRANTED"]
