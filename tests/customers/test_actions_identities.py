"""Adding, vouching for, sharing and taking away what customers are recognised by."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.base.actors import SYSTEM
from domain.base.errors import TooLong
from domain.base.work import Organisation, Work, Works
from domain.customers.actions.identities import add_identity, verify_identity
from domain.customers.errors import IdentityBlocked
from domain.customers.rules.identities import IDENTITIES_MAX, IdentityKind
from schema.base.ids import global_id, parse_id
from tests.conftest import Client, StandingClock
from tests.customers.identities import (
    EMAIL,
    PHONE,
    add,
    ask_identity,
    change,
    identities,
    merge,
    only_asked,
    recognised,
    refusals,
    share,
    unmerge,
    verify,
)
from tests.orders.shop import (
    ask_write,
    new_customer,
    read_customer,
    search,
    send_order,
    with_organisation,
)


async def test_an_identity_is_added(client: Client, clock: StandingClock) -> None:
    """Not verified yet, so that it recognises nobody; the profile that lacked it shows it; the change is counted."""
    customer = await new_customer(client, givenName="Ada")
    clock.advance(timedelta(days=1))
    payload = await change(client, "Add", customerId=customer["id"], kind="PHONE", value="06 69812345")
    later = "2026-11-23T12:00:00Z"
    identity = {
        "id": payload["identity"]["id"],
        "kind": "PHONE",
        "namespace": None,
        "value": PHONE,
        "verification": "UNVERIFIED",
        "isShared": False,
        "source": "ADDED",
        "firstSeenAt": later,
        "lastSeenAt": later,
    }
    assert payload["identity"] == identity
    assert payload["customer"] == {
        "id": customer["id"],
        "email": None,
        "phone": PHONE,
        "externalId": None,
        "version": 2,
        "updatedAt": later,
        "identities": [identity],
    }
    assert await recognised(client) is None
    assert await search(client, PHONE) == {"Ada"}


async def test_an_identity_added_again_changes_nothing(client: Client) -> None:
    """A second click, in any spelling and whatever is said of sharing, is answered with what is known."""
    customer = await new_customer(client)
    first = await add(client, customer["id"])
    async with only_asked(client.works):
        assert await add(client, customer["id"], "0039 06 69812345") == first
        assert await add(client, customer["id"], isShared=True) == first
    profile = await new_customer(client, email=EMAIL)
    known = await add(client, profile["id"], "ADA@example.org", "EMAIL")
    assert (known["source"], known["verification"]) == ("PROFILE", "UNVERIFIED")


async def test_what_an_identity_may_not_be(client: Client) -> None:
    """Each refusal is typed, says which value it is about, and leaves nothing behind."""
    ada = (await new_customer(client))["id"]
    order = await send_order(client)
    stranger = global_id("Customer", UUID(int=7))
    for given, expected in (
        ({"kind": "EMAIL", "value": "ada"}, [("INVALID", "value")]),
        ({"kind": "PHONE", "value": "12"}, [("INVALID", "value")]),
        ({"kind": "DEVICE", "value": " "}, [("REQUIRED", "value")]),
        ({"kind": "VISITOR", "value": "x" * 201}, [("TOO_LONG", "value")]),
        ({"kind": "EXTERNAL_ACCOUNT", "value": "a\x00"}, [("INVALID", "value")]),
        ({"kind": "EXTERNAL_ACCOUNT", "value": "a", "namespace": "an erp"}, [("INVALID", "namespace")]),
        ({"kind": "SOCIAL_HANDLE", "value": "ada"}, [("REQUIRED", "namespace")]),
        ({"kind": "SOCIAL_HANDLE", "value": "ada", "namespace": "myspace"}, [("INVALID", "namespace")]),
        ({"kind": "EMAIL", "value": EMAIL, "namespace": "work"}, [("INVALID", "namespace")]),
        ({"kind": "SOCIAL_HANDLE", "value": "@"}, [("REQUIRED", "namespace"), ("REQUIRED", "value")]),
        ({"kind": "PHONE", "value": "Anonymous"}, [("INVALID", "value")]),
        ({"kind": "PHONE", "value": "+266696687"}, [("INVALID", "value")]),
        ({"customerId": stranger}, [("NOT_FOUND", "customerId")]),
        ({"customerId": "?"}, [("NOT_FOUND", "customerId")]),
        ({"customerId": order["id"]}, [("NOT_FOUND", "customerId")]),
    ):
        full = {"customerId": ada, "kind": "PHONE", "value": PHONE} | given
        assert await refusals(client, "Add", **full) == expected, given


async def test_what_stands_for_anybody_is_kept_and_never_verified(client: Client) -> None:
    """Two customers may have it, as a way to reach them: it proves nothing, and proposes nothing."""
    for value in ("NoReply@shop.test", "x1@marketplace.amazon.co.uk"):
        for _ in range(2):
            customer = (await new_customer(client))["id"]
            kept = await add(client, customer, value, "EMAIL")
            assert (kept["value"], kept["verification"]) == (value.lower(), "UNVERIFIED")
            assert await refusals(client, "Verify", identityId=kept["id"]) == [("INVALID", "identityId")]
    proposed = await client.ask("{ customerMerges(first: 1) { totalCount } }")
    assert proposed.data["customerMerges"] == {"totalCount": 0}


async def test_the_organisations_relays_are_blocked(works: Works, client: Client) -> None:
    """A domain that the shop's settings name is no evidence."""
    ada = (await new_customer(client))["id"]
    kept = await add(client, ada, "x@Relay.example.ORG", "EMAIL")
    strict = with_organisation(works, Organisation(relay_domains=frozenset({"relay.example.org"})))
    with pytest.raises(IdentityBlocked):
        await strict.perform(
            lambda work: verify_identity(work, identity_id=parse_id(kept["id"])[1]),
            actor=SYSTEM,
            action="test",
        )


async def test_a_blocked_address_is_in_the_profile_alone(client: Client) -> None:
    """Two customers may have it: it recognises neither, and is no identity of theirs."""
    for _ in range(2):
        customer = await new_customer(client, email="noreply@shop.test", phone="+39 06 69812345")
        assert customer["email"] == "noreply@shop.test"
        assert [each["kind"] for each in await identities(client, customer["id"])] == ["PHONE"]


async def test_a_hundred_identities_are_enough(works: Works, client: Client) -> None:
    """The hundredth is taken, the next one is refused, and one that is known is still answered."""
    customer = await new_customer(client)
    key = parse_id(customer["id"])[1]

    async def add_device(work: Work, number: int) -> UUID:
        return await add_identity(
            work, customer_id=key, kind=IdentityKind.DEVICE, namespace=None, value=f"d-{number}", is_shared=False
        )

    async def fill(work: Work) -> UUID:
        return [await add_device(work, number) for number in range(IDENTITIES_MAX)][-1]

    last = await works.perform(fill, actor=SYSTEM, action="test")
    given = {"customerId": customer["id"], "kind": "DEVICE", "value": "d-100"}
    assert await refusals(client, "Add", **given) == [("TOO_LONG", "customerId")]
    assert await works.perform(lambda work: add_device(work, 99), actor=SYSTEM, action="test") == last
    with pytest.raises(TooLong):
        await works.perform(lambda work: add_device(work, 100), actor=SYSTEM, action="test")


async def test_an_idempotency_key_makes_an_addition_happen_once(client: Client) -> None:
    """The same key is answered alike, for another input it is refused, also after the identity was taken away."""
    customer = await new_customer(client)
    first = await add(client, customer["id"], idempotencyKey="k")
    assert await add(client, customer["id"], idempotencyKey="k") == first
    given = {"customerId": customer["id"], "kind": "PHONE", "value": "+390669812346", "idempotencyKey": "k"}
    assert await refusals(client, "Add", **given) == [("IDEMPOTENCY_MISMATCH", "idempotencyKey")]
    await change(client, "Remove", identityId=first["id"])
    async with only_asked(client.works):
        given = {"customerId": customer["id"], "kind": "PHONE", "value": PHONE, "idempotencyKey": "k"}
        assert (await ask_identity(client, "Add", given)).data["customerIdentityAdd"]["identity"] is None
    assert await identities(client, customer["id"]) == []


async def test_a_verified_identity_recognises(client: Client, clock: StandingClock) -> None:
    """From the moment that somebody vouches for it; a second click changes nothing."""
    customer = await new_customer(client)
    identity = await add(client, customer["id"])
    clock.advance(timedelta(days=1))
    payload = await change(client, "Verify", identityId=identity["id"])
    assert payload["identity"] == identity | {"verification": "VERIFIED", "lastSeenAt": "2026-11-23T12:00:00Z"}
    assert (payload["customer"]["version"], payload["customer"]["id"]) == (3, customer["id"])
    assert await recognised(client) == customer["id"]
    clock.advance(timedelta(days=1))
    async with only_asked(client.works):
        assert await verify(client, identity) == payload["identity"]


async def test_what_cannot_be_vouched_for(client: Client) -> None:
    """No code was ever sent; an id of nothing, of something else, or none at all; another's own identity."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers, his = await add(client, ada), await add(client, bob)
    for code in ("", "123456"):
        assert await refusals(client, "Verify", identityId=hers["id"], code=code) == [("CODE_INVALID", "code")]
    for action, more in (("Verify", {}), ("Update", {"isShared": True}), ("Remove", {})):
        for wrong in (global_id("CustomerIdentity", UUID(int=7)), ada, "?"):
            assert await refusals(client, action, identityId=wrong, **more) == [("NOT_FOUND", "identityId")]
    await verify(client, hers)
    assert await refusals(client, "Verify", identityId=his["id"]) == [("TAKEN", "identityId")]
    eve = (await new_customer(client))["id"]
    assert await refusals(client, "Add", customerId=eve, kind="PHONE", value="06 69812345") == [("TAKEN", "value")]
    assert await recognised(client) == ada


async def test_what_was_taken_away_may_be_anothers(client: Client) -> None:
    """A number that changed hands: taken away there, vouched for here."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers = await verify(client, await add(client, ada))
    payload = await change(client, "Remove", identityId=hers["id"])
    assert payload["removedIdentityId"] == hers["id"]
    assert payload["customer"] | {"updatedAt": ""} == {
        "id": ada,
        "email": None,
        "phone": None,
        "externalId": None,
        "version": 4,
        "updatedAt": "",
        "identities": [],
    }
    assert (await recognised(client), await search(client, PHONE)) == (None, set())
    assert await refusals(client, "Remove", identityId=hers["id"]) == [("NOT_FOUND", "identityId")]
    assert await refusals(client, "Verify", identityId=hers["id"]) == [("NOT_FOUND", "identityId")]
    await verify(client, await add(client, bob))
    assert await recognised(client) == bob


async def test_a_profile_shows_the_first_of_each_kind(client: Client) -> None:
    """E-mail, telephone and the shop's own account are shown where there was none, and no other kind is."""
    customer = await new_customer(client)
    for kind, values, namespace in (
        ("EMAIL", ("Ada@Example.org", "two@example.org"), None),
        ("PHONE", (PHONE, "+390669812346"), None),
        ("EXTERNAL_ACCOUNT", ("erp-1",), "erp"),
        ("EXTERNAL_ACCOUNT", ("k-1", "k-2"), None),
        ("SOCIAL_HANDLE", ("ada",), "instagram"),
        ("DEVICE", ("d",), None),
        ("VISITOR", ("v",), None),
    ):
        for value in values:
            added = await add(client, customer["id"], value, kind, namespace=namespace)
            if kind == "EXTERNAL_ACCOUNT":  # an account of the shop is shown once somebody vouches for it
                assert (await read_customer(client, customer["id"]))["externalId"] in (None, "k-1")
                await verify(client, added)
    found = await read_customer(client, customer["id"])
    assert [found[name] for name in ("email", "phone", "externalId")] == [EMAIL, PHONE, "k-1"]
    for identity in await identities(client, customer["id"]):
        await change(client, "Remove", identityId=identity["id"])
        shown = await read_customer(client, customer["id"])
        if identity["value"] == EMAIL:
            assert (shown["email"], shown["phone"]) == (None, PHONE)
    assert [shown[name] for name in ("email", "phone", "externalId", "displayName")] == [None, None, None, "Customer"]


async def test_a_removed_address_leaves_the_profile_in_any_case(client: Client) -> None:
    """The profile keeps the case that was typed; another address of it stays."""
    customer = await new_customer(client, email="Ada.Byron@Example.org", externalId="k-1", phone=PHONE)
    await add(client, customer["id"], "two@example.org", "EMAIL")
    for identity in await identities(client, customer["id"]):
        if identity["value"] in ("two@example.org", PHONE):
            await change(client, "Remove", identityId=identity["id"])
    shown = await read_customer(client, customer["id"])
    assert [shown[name] for name in ("email", "phone", "externalId")] == ["Ada.Byron@example.org", None, "k-1"]
    for identity in await identities(client, customer["id"]):
        await change(client, "Remove", identityId=identity["id"])
    shown = await read_customer(client, customer["id"])
    assert [shown[name] for name in ("email", "phone", "externalId")] == [None, None, None]
    again = await send_order(client, "o-1", customer={"externalId": "k-1", "email": EMAIL})
    assert again["customer"]["id"] != customer["id"]


async def test_a_profile_that_lacks_it_shows_what_is_vouched_for(client: Client) -> None:
    """Taken away and added again while another was shown: the verified one is shown once there is room."""
    customer = await new_customer(client, phone=PHONE)
    second = await add(client, customer["id"], "+390669812346")
    (first,) = [each for each in await identities(client, customer["id"]) if each["value"] == PHONE]
    await change(client, "Remove", identityId=first["id"])
    assert (await read_customer(client, customer["id"]))["phone"] is None
    await verify(client, second)
    assert (await read_customer(client, customer["id"]))["phone"] == "+390669812346"


async def test_a_shared_identity_recognises_nobody(client: Client) -> None:
    """A family's telephone, verified for each of them; said of one of them it holds for all, until it is taken back."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers = await verify(client, await add(client, ada))
    assert await recognised(client) == ada
    his = await add(client, bob, isShared=True)
    assert await recognised(client) is None, "bob says that he uses it too"
    await verify(client, his)
    assert await recognised(client) is None
    async with only_asked(client.works):
        await share(client, his)
    assert await refusals(client, "Update", identityId=his["id"], isShared=False) == [("TAKEN", "identityId")]
    await share(client, hers)
    assert await recognised(client) is None
    await share(client, his, is_shared=False)
    assert await recognised(client) is None, "ada still shares it"
    assert await refusals(client, "Update", identityId=hers["id"], isShared=False) == [("TAKEN", "identityId")]
    await change(client, "Remove", identityId=hers["id"])
    assert await recognised(client) == bob


async def test_who_claims_a_shared_identity_may_say_it_is_their_own(client: Client) -> None:
    """Not verified, it may be said to be anybody's; it recognises nobody as long as it is not."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers, his = await verify(client, await add(client, ada)), await add(client, bob, isShared=True)
    await share(client, his, is_shared=False)
    assert await recognised(client) == ada
    assert await refusals(client, "Verify", identityId=his["id"]) == [("TAKEN", "identityId")]
    await change(client, "Remove", identityId=hers["id"])
    await verify(client, his)
    assert await recognised(client) == bob


async def test_a_family_may_share_the_address_of_its_profiles(client: Client) -> None:
    """Once somebody says that it is shared, others are added with it, and nobody is recognised by it."""
    ada = await new_customer(client, email=EMAIL, givenName="Ada")
    (hers,) = await identities(client, ada["id"])
    taken = (await ask_write(client, "customerCreate", {"email": EMAIL})).data["customerCreate"]
    assert [error["code"] for error in taken["userErrors"]] == ["TAKEN"]
    await share(client, hers)
    for name in ("Bob", "Eve"):
        other = await new_customer(client, email="ADA@example.org", givenName=name)
        assert (other["email"], await identities(client, other["id"])) == ("ADA@example.org", [])
    assert await search(client, EMAIL) == {"Ada", "Bob", "Eve"}
    order = await send_order(client, customer={"email": EMAIL, "emailVerified": True})
    assert order["customer"] is None
    await share(client, hers, is_shared=False)
    order = await send_order(client, customer={"email": EMAIL, "emailVerified": True})
    assert order["customer"]["id"] == ada["id"]


async def test_an_absorbed_customers_identities(client: Client) -> None:
    """Added through either id they are that one's; what both have is known; all of it recognises the one customer."""
    ada, bob = [(await new_customer(client))["id"] for _ in range(2)]
    hers, his = await add(client, ada), await verify(client, await add(client, bob))
    assert await refusals(client, "Verify", identityId=hers["id"]) == [("TAKEN", "identityId")]
    edge = await merge(client, ada, bob)
    assert await recognised(client) == ada
    async with only_asked(client.works):
        assert await verify(client, hers) == his, "it is verified as theirs already"
        assert await add(client, bob, PHONE) in (his, hers)
    added = await change(client, "Add", customerId=bob, kind="DEVICE", value="d")
    assert added["customer"]["id"] == ada
    await verify(client, added["identity"])
    assert await recognised(client, "d", "DEVICE") == ada
    email = await add(client, bob, EMAIL, "EMAIL")
    await unmerge(client, edge)
    assert await recognised(client) == bob
    bobs = {his["id"], email["id"], added["identity"]["id"]}
    assert {each["id"] for each in await identities(client, bob)} == bobs
    assert {each["id"] for each in await identities(client, ada)} == {hers["id"]}


async def test_an_absorbed_customers_own_identity_is_changed_where_it_is(client: Client) -> None:
    """Verified, shared and taken away while they are one, it is so for the one who has it, also afterwards."""
    ada, bob = await new_customer(client, phone="+390669812346"), await new_customer(client, email=EMAIL, phone=PHONE)
    phone, email = sorted(await identities(client, bob["id"]), key=lambda each: str(each["kind"]), reverse=True)
    edge = await merge(client, ada["id"], bob["id"])
    shown = (await change(client, "Verify", identityId=email["id"]))["customer"]
    assert (shown["id"], shown["email"], shown["phone"]) == (ada["id"], EMAIL, "+390669812346")
    shown = (await change(client, "Remove", identityId=phone["id"]))["customer"]
    assert (shown["id"], shown["phone"]) == (ada["id"], "+390669812346")
    await share(client, email)
    assert await recognised(client, EMAIL, "EMAIL") is None
    await share(client, email, is_shared=False)
    await unmerge(client, edge)
    assert await recognised(client, EMAIL, "EMAIL") == bob["id"]
    assert [(await read_customer(client, bob["id"]))[name] for name in ("email", "phone")] == [EMAIL, None]
    assert await read_customer(client, ada["id"]) == ada


async def test_what_is_removed_while_merged_uncovers_the_others(client: Client) -> None:
    """Where the canonical customer's address goes, the absorbed one's is shown."""
    ada, bob = [await new_customer(client, email=each) for each in (EMAIL, "bob@example.org")]
    await merge(client, ada["id"], bob["id"])
    (hers,) = [each for each in await identities(client, ada["id"]) if each["value"] == EMAIL]
    assert (await change(client, "Remove", identityId=hers["id"]))["customer"]["email"] == "bob@example.org"
