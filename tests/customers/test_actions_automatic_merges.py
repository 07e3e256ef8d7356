"""Merging without asking: only where it is allowed, and only on proof for both."""

from uuid import UUID

import pytest

from domain.base.actors import SYSTEM, Permission
from domain.base.work import Organisation, Work, Works
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.families import FAMILY_SIZE_MAX
from domain.customers.rules.profiles import CustomerDetails
from schema.base.ids import global_id
from tests.conftest import Client
from tests.customers.identities import (
    EMAIL,
    PHONE,
    add,
    change,
    identities,
    merge,
    merges,
    recognised,
    refusals,
    reject,
    share,
    unmerge,
    verify,
)
from tests.orders.shop import Input, new_customer, order_input, read_customer, send_order

SHOWN = ("state", "score", "signals", "evidence", "reason")
BY_ITSELF = "Merged by itself: the same identity was proven for both."


@pytest.fixture
def allowed(works: Works) -> Works:
    """Let proof merge without asking, for the client too."""
    object.__setattr__(works, "organisation", Organisation(merges_automatically=True))
    return works


async def account(client: Client, name: str, *, email: str | None = None, number: str | None = None) -> str:
    """Send an order of an account, perhaps with an address that the shop vouches for; return whose it is now."""
    customer: Input = {"externalId": name}
    if email is not None:
        customer |= {"email": email, "emailVerified": True}
    order = await send_order(client, number or f"o-{name}", customer=customer)
    return str(order["customer"]["id"])


async def state(client: Client) -> list[tuple[object, ...]]:
    """Return what became of all merges, the newest first."""
    return [tuple(each[name] for name in ("state", "score", "signals")) for each in await merges(client)]


async def test_proof_alone_merges_nobody(client: Client) -> None:
    """By default a person is asked: an order is taken with a proposal, a verification is refused."""
    ada, bob = await account(client, "a", email=EMAIL), await account(client, "b")
    assert await account(client, "b", email=EMAIL) == bob
    assert await state(client) == [("PROPOSED", "0.9500", ["VERIFIED_ON_BOTH"])]
    his, hers = await add(client, bob), await add(client, ada)
    await verify(client, his)
    assert await refusals(client, "Verify", identityId=hers["id"]) == [("TAKEN", "identityId")]
    assert {await recognised(client, EMAIL, "EMAIL"), await recognised(client)} == {ada, bob}


@pytest.mark.usefixtures("allowed")
async def test_an_order_merges_whom_it_proves_to_be_one(client: Client) -> None:
    """The account of one with the verified address of another: the older customer has both, and why is told."""
    ada, bob = await account(client, "a", email=EMAIL), await account(client, "b")
    assert await account(client, "b", email="ADA@Example.org", number="o-2") == ada
    (applied,) = await merges(client)
    assert [applied[name] for name in SHOWN] == [
        "APPLIED",
        "0.9500",
        ["VERIFIED_ON_BOTH"],
        [f"Proven for both: EMAIL {EMAIL}."],
        BY_ITSELF,
    ]
    assert (applied["survivor"]["id"], applied["absorbed"]["id"]) == (ada, bob)
    assert (await read_customer(client, bob))["value"]["orderCount"] == 3
    await unmerge(client, applied["id"])
    counts = [(await read_customer(client, each))["value"]["orderCount"] for each in (ada, bob)]
    assert counts == [1, 2], "each has what came in through them"


@pytest.mark.usefixtures("allowed")
async def test_a_key_for_orders_alone_merges_by_its_orders(client: Client) -> None:
    """What follows from an order needs no other permission than the order."""
    key = await client.new_key(Permission.ORDERS_WRITE)
    for number, customer in enumerate(
        (
            {"externalId": "a", "email": EMAIL, "emailVerified": True},
            {"externalId": "b"},
            {"externalId": "b", "email": EMAIL, "emailVerified": True},
        )
    ):
        query = """mutation($input: OrderUpsertInput!) {
          orderUpsert(input: $input) { order { id } userErrors { code } } }"""
        answer = await client.ask(query, {"input": order_input(f"o-{number}", customer=customer)}, key=key)
        assert answer.data["orderUpsert"]["userErrors"] == []
    assert [each["state"] for each in await merges(client)] == ["APPLIED"]


@pytest.mark.usefixtures("allowed")
async def test_a_verification_merges_whom_it_proves_to_be_one(client: Client) -> None:
    """Staff vouch for a number as two customers': answered with the one that is verified, of the one they are."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers, his = await add(client, ada), await add(client, bob)
    await verify(client, his)
    payload = await change(client, "Verify", identityId=hers["id"])
    assert (payload["identity"]["id"], payload["customer"]["id"]) == (his["id"], ada)
    (applied,) = await merges(client)
    assert [applied[name] for name in SHOWN] == [
        "APPLIED",
        "0.9500",
        ["VERIFIED_ON_BOTH"],
        [f"Proven for both: PHONE {PHONE}."],
        BY_ITSELF,
    ]
    assert (await change(client, "Verify", identityId=hers["id"]))["customer"] == payload["customer"]
    assert await recognised(client) == ada
    await unmerge(client, applied["id"])
    assert await recognised(client) == bob


@pytest.mark.usefixtures("allowed")
async def test_other_evidence_merges_nobody(client: Client) -> None:
    """However much of it there is: verified on one side, the same name, day of birth and country."""
    more = {"givenName": "Ada", "familyName": "Byron", "birthDate": "1990-12-10", "country": "IT"}
    ada, _ = [await new_customer(client, phone=PHONE, **more) for _ in range(2)]
    await verify(client, (await identities(client, ada["id"]))[0])
    ((found, score, _),) = await state(client)
    assert (found, score) == ("PROPOSED", "0.8803")
    await account(client, "a", email=EMAIL)
    await send_order(client, "typed", customer={"email": EMAIL})
    await send_order(client, "typed-2", customer={"externalId": "b", "email": EMAIL})
    assert {each["state"] for each in await merges(client)} == {"PROPOSED"}


@pytest.mark.usefixtures("allowed")
async def test_what_a_person_undid_is_not_done_again(client: Client) -> None:
    """The same proof, however often it comes in, by orders or by staff: a person has decided on it."""
    ada, bob = await account(client, "a", email=EMAIL), await account(client, "b")
    his = await add(client, bob)
    await verify(client, await add(client, ada))
    assert await account(client, "b", email=EMAIL) == ada
    await unmerge(client, (await merges(client))[0]["id"])
    for _ in range(2):
        assert await account(client, "b", email=EMAIL) == bob
    assert [each["state"] for each in await merges(client)] == ["PROPOSED", "UNDONE"], (
        "it waited before, it waits again"
    )
    payload = await change(client, "Verify", identityId=his["id"])
    assert payload["customer"]["id"] == ada, "other proof is news"
    await unmerge(client, (await merges(client, "APPLIED"))[0]["id"])
    assert await refusals(client, "Verify", identityId=his["id"]) == [("TAKEN", "identityId")]
    assert await account(client, "b", email=EMAIL) == bob
    assert sorted(each["state"] for each in await merges(client)) == ["PROPOSED", "UNDONE", "UNDONE"]


@pytest.mark.usefixtures("allowed")
async def test_what_a_person_undid_for_a_family_is_not_done_again(client: Client) -> None:
    """Where an absorbed customer's order was the proof, it is the families that were merged, and taken apart."""
    first, second, bob = [await account(client, name) for name in ("a", "a2", "b")]
    await account(client, "b", email=EMAIL)
    await merge(client, first, second)
    assert await account(client, "a2", email=EMAIL) == first
    (newest, _) = await merges(client, "APPLIED")
    assert (newest["survivor"]["id"], newest["absorbed"]["id"]) == (first, bob)
    assert newest["signals"] == ["VERIFIED_ON_BOTH"]
    await unmerge(client, newest["id"])
    assert await account(client, "a2", email=EMAIL) == first
    assert await account(client, "b") == bob
    assert [each["signals"] for each in await merges(client, "PROPOSED")] == [["VERIFIED_ON_BOTH"]]


@pytest.mark.usefixtures("allowed")
async def test_what_a_person_rejected_is_merged_by_new_proof_only(client: Client) -> None:
    """Rejected on a guess, proof merges; the guess itself does not."""
    ada, bob = [await new_customer(client, phone=PHONE) for _ in range(2)]
    await reject(client, (await merges(client))[0]["id"])
    hers, his = [(await identities(client, each["id"]))[0] for each in (ada, bob)]
    await verify(client, his)
    assert [each["state"] for each in await merges(client)] == ["PROPOSED", "REJECTED"]
    await verify(client, hers)
    assert [each["state"] for each in await merges(client)] == ["APPLIED", "REJECTED"]


async def test_what_waited_is_merged_once_it_is_allowed(works: Works, client: Client) -> None:
    """Proof that comes in again after the shop's settings changed merges what it could only propose before."""
    ada, bob = await account(client, "a", email=EMAIL), await account(client, "b")
    assert await account(client, "b", email=EMAIL) == bob
    object.__setattr__(works, "organisation", Organisation(merges_automatically=True))
    assert await account(client, "b", email=EMAIL) == ada
    assert [each["state"] for each in await merges(client)] == ["APPLIED"]


@pytest.mark.usefixtures("allowed")
async def test_what_somebody_shares_proves_nothing(client: Client) -> None:
    """A number that a third customer shares merges nobody, nor does an address in orders."""
    ada, bob, school = [(await new_customer(client))["id"] for _ in range(3)]
    hers, his = await add(client, ada), await add(client, bob)
    await add(client, school, isShared=True)
    await verify(client, hers)
    assert await refusals(client, "Verify", identityId=his["id"]) == [("TAKEN", "identityId")]
    first, second = await account(client, "a", email=EMAIL), await account(client, "b")
    (email,) = [each for each in await identities(client, first) if each["kind"] == "EMAIL"]
    await share(client, email)
    assert await account(client, "b", email=EMAIL) == second
    assert "APPLIED" not in {each["state"] for each in await merges(client)}


async def test_what_stands_for_anybody_proves_nothing(works: Works, client: Client) -> None:
    """An address that was verified before the shop's settings named its domain as a relay's."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers, his = [await add(client, each, EMAIL, "EMAIL") for each in (ada, bob)]
    await verify(client, hers)
    relays = Organisation(merges_automatically=True, relay_domains=frozenset({"example.org"}))
    object.__setattr__(works, "organisation", relays)
    assert await refusals(client, "Verify", identityId=his["id"]) == [("INVALID", "identityId")]


@pytest.mark.usefixtures("allowed")
async def test_three_proven_to_be_one_are_one(client: Client) -> None:
    """Merges of merges: each order joins another family, and the oldest of all is shown."""
    ids = [await account(client, name) for name in "abc"]
    await account(client, "c", email=EMAIL)
    assert await account(client, "b", email=EMAIL) == ids[1]
    assert await account(client, "a", email=EMAIL) == ids[0]
    assert [await account(client, name) for name in "abc"] == [ids[0]] * 3
    assert await recognised(client, EMAIL, "EMAIL") == ids[0]
    query = "query($id: ID!) { customer(id: $id) { merges { id } } }"
    shown = (await client.ask(query, {"id": ids[0]})).data["customer"]["merges"]
    assert [each["id"] for each in shown] == [each["id"] for each in reversed(await merges(client, "APPLIED"))]


async def test_a_family_that_is_full_waits_for_a_person(allowed: Works, client: Client) -> None:
    """No family of more than a hundred by itself: the order is taken with a proposal, the verification is refused."""

    async def fill(work: Work) -> UUID:
        first, *others = [await create_customer(work, details=CustomerDetails()) for _ in range(FAMILY_SIZE_MAX)]
        for other in others:
            await merge_customers(work, survivor_id=first, absorbed_id=other, reason=None)
        return first

    full = global_id("Customer", await allowed.perform(fill, actor=SYSTEM, action="test"))
    hers = await verify(client, await add(client, full))
    await verify(client, await add(client, full, EMAIL, "EMAIL"))
    bob = await account(client, "b")
    assert await account(client, "b", email=EMAIL) == bob
    assert [each["signals"] for each in await merges(client, "PROPOSED")] == [["VERIFIED_ON_BOTH"]]
    await change(client, "Remove", identityId=hers["id"])
    his = await add(client, bob)
    await verify(client, await add(client, full))
    assert await refusals(client, "Verify", identityId=his["id"]) == [("TAKEN", "identityId")]
    assert await account(client, "b") == bob
