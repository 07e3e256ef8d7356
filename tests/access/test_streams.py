"""What each role is told, live: what it could read by query at that moment, and nothing else."""

import pytest

from domain.base.actors import Actor
from tests.access.shop import Shop, open_shop
from tests.conftest import Client
from tests.customers.family_changing import change, merge
from tests.customers.following import Follower, begin, following
from tests.orders.shop import new_customer, order_input, write

MISSING = "Q3VzdG9tZXI6AAAAAAAAAAAAAAAAAAAAAA"
REFUSED = {"ANONYMOUS": "UNAUTHENTICATED", "ANALYST": "FORBIDDEN", "APP_WITHOUT": "FORBIDDEN"}
"""Who may follow nobody."""

NARROWED = {"SHOPPER", "PARTNER_AGENT"}
"""Who sees the own side only: themselves, and the own store's customers."""

WITHOUT_MERGES = NARROWED
"""Who is not told of merges, but that something changed."""


async def refusal(shop: Shop, actor: Actor, customer_id: str | None) -> tuple[str, str] | None:
    """Try to follow; return code and words of the refusal, None where there is none."""
    found = await begin(shop.works, customer_id, actor=actor)
    if isinstance(found, Follower):
        await found.close()
        return None
    (error,) = found["errors"]
    return error["extensions"]["code"], error["message"]


async def test_whom_each_role_may_follow(client: Client) -> None:
    """A stranger is answered like one who is not there."""
    shop = await open_shop(client)
    for role, actor in shop.roles.items():
        own, strange, missing = [
            await refusal(shop, actor, customer_id)
            for customer_id in (shop.own.ids["Customer"], shop.strange.ids["Customer"], MISSING)
        ]
        if role in REFUSED:
            assert {each and each[0] for each in (own, strange, missing)} == {REFUSED[role]}, role
            continue
        assert own is None, role
        assert missing == ("BAD_USER_INPUT", "There is no customer with this id.")
        assert strange == (missing if role in NARROWED else None), role
    assert client.works.feed.listener_count == 0


@pytest.mark.parametrize("store", ["it", "uk"])
async def test_what_each_role_is_told(client: Client, store: str) -> None:
    """Of an order in a store, of a consent, of a merge: the same customer, each role its own events."""
    shop = await open_shop(client)
    customer_id = shop.own.ids["Customer"]
    absorbed = await new_customer(client, externalId="late")
    for role, actor in shop.roles.items():
        if role in REFUSED:
            continue
        async with following(shop.works, customer_id, actor=actor) as follower:
            bought = order_input(f"{role}-{store}", storeCode=store, customer={"externalId": "own"})
            assert (await write(client, "orderUpsert", bought)).errors == []
            given = {"customerId": customer_id, "purpose": "MARKETING", "decision": "GRANTED"}
            assert (await change(client, "consentRecord", **given)).errors == []
            expected = ["ConsentChanged"]
            if role != "PARTNER_AGENT" or store == "it":
                expected.insert(0, "OrderChanged")
            assert await follower.kinds(len(expected)) == expected, role
    for role in ("AGENT", "SHOPPER", "PARTNER_AGENT"):
        async with following(shop.works, customer_id, actor=shop.roles[role]) as follower:
            other = absorbed if role == "AGENT" else await new_customer(client, externalId=f"late-{role}")
            await merge(client, customer_id, other["id"])
            assert await follower.kinds(1) == ["CustomerUpdated" if role in WITHOUT_MERGES else "CustomerMerged"]
