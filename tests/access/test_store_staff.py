"""Staff of some stores: what they do not see they do not change either, as it would become theirs to see."""

from dataclasses import replace
from typing import Any

from domain.base.actors import StaffRole
from schema.base.ids import parse_id
from tests.access.shop import Shop, open_shop
from tests.conftest import Client
from tests.identity.staff import add_staff, enter

WRITES = {
    "customerUpdate": 'customerUpdate(input: { customerId: "%(Customer)s", givenName: "M" })',
    "customerIdentityAdd": 'customerIdentityAdd(input: { customerId: "%(Customer)s", kind: DEVICE, value: "d" })',
    "customerIdentityUpdate": 'customerIdentityUpdate(input: { identityId: "%(CustomerIdentity)s", isShared: true })',
    "customerIdentityVerify": 'customerIdentityVerify(input: { identityId: "%(CustomerIdentity)s" })',
    "customerIdentityCodeSend": 'customerIdentityCodeSend(input: { identityId: "%(CustomerIdentity)s" })',
    "customerIdentityRemove": 'customerIdentityRemove(input: { identityId: "%(CustomerIdentity)s" })',
    "consentRecord": 'consentRecord(input: { customerId: "%(Customer)s", purpose: MARKETING, decision: GRANTED })',
    "customerMergeReject": 'customerMergeReject(input: { mergeId: "%(CustomerMerge)s" })',
    "customerUnmerge": 'customerUnmerge(input: { mergeId: "%(CustomerMerge)s" })',
    "customerExport": 'customerExport(input: { customerId: "%(Customer)s" })',
    "customerErase": 'customerErase(input: { customerId: "%(Customer)s" })',
}
MERGE = """mutation($a: ID!, $b: ID!) { customerMerge(input: { survivorId: $a, absorbedId: $b }) {
  customer { id } userErrors { code field } } }"""
COUNT = "{ customers(first: 5) { totalCount } }"


def of_the_store(shop: Shop) -> Any:  # noqa: ANN401  an actor
    """Return a supervisor of the own side's store."""
    store_id = parse_id(shop.own.ids["Store"])[1]
    return replace(shop.roles["SUPERVISOR"], store_ids=frozenset({store_id}))


async def test_customers_of_other_stores_are_not_changed(client: Client) -> None:
    """Each write is answered as if there were nobody; the same write does for a customer of their store."""
    shop = await open_shop(client)
    actor = of_the_store(shop)
    for name, write in WRITES.items():
        document = "mutation { %s { userErrors { code } } }"
        strange = await shop.ask(document % (write % shop.strange.ids), actor)
        assert strange.data[name]["userErrors"] == [{"code": "NOT_FOUND"}], name
        own = await shop.ask(document % (write % shop.own.ids), actor)
        assert {"code": "NOT_FOUND"} not in own.data[name]["userErrors"], name


async def test_a_stranger_is_not_absorbed_to_be_seen(client: Client) -> None:
    """A merge would gather all that is known of them with a customer whom the caller sees."""
    shop = await open_shop(client)
    actor, own, strange = of_the_store(shop), shop.own.ids["Customer"], shop.strange.ids["Customer"]
    for values, field in (({"a": own, "b": strange}, "absorbedId"), ({"a": strange, "b": own}, "survivorId")):
        told = await shop.ask(MERGE, actor, values)
        refused = [{"code": "NOT_FOUND", "field": [field]}]
        assert told.data["customerMerge"] == {"customer": None, "userErrors": refused}
    missing = await shop.ask(MERGE, actor, {"a": own, "b": own[:-4] + "AAAA"})
    assert [each["code"] for each in missing.data["customerMerge"]["userErrors"]] == ["NOT_FOUND"]
    told = await shop.ask(MERGE, shop.roles["SUPERVISOR"], {"a": own, "b": strange})
    assert told.data["customerMerge"]["userErrors"] != [{"code": "NOT_FOUND", "field": ["absorbedId"]}]


async def test_a_partner_agent_without_a_store_sees_nobody(client: Client) -> None:
    """For everyone else no store means every store; for them a forgotten one must not open the others."""
    await open_shop(client)
    counts = {}
    for role, codes in ((StaffRole.PARTNER_AGENT, ()), (StaffRole.PARTNER_AGENT, ("it",)), (StaffRole.AGENT, ())):
        email = f"{role}-{len(codes)}@example.org".lower()
        await add_staff(client.works, email, role=role, store_codes=codes)
        session = await enter(client, email)
        told = await client.ask(COUNT, key=session["accessToken"])
        counts[role, codes] = told.data["customers"]["totalCount"]
    assert list(counts.values()) == [0, 1, 2]
