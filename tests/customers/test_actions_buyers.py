"""Recognising who bought: the same person is one customer, two persons are two."""

from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.work import Organisation, Work, Works
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.rules.profiles import Buyer
from tests.conftest import Client
from tests.customers.identities import add, change, identities, recognised, share, verify
from tests.orders.shop import (
    Input,
    days_ago,
    new_customer,
    read_customer,
    search,
    send_note,
    send_order,
)

ADA = "ada@example.org"
NOBODYS = ("noreply@shop.test", "No-Reply+7@Shop.test", "x1@marketplace.amazon.co.uk", "none@example.org")


async def buyer_of(client: Client, external_id: str, **customer: object) -> str:
    """Send an order by this buyer, and return the id of the customer who was recognised."""
    order = await send_order(client, external_id, customer=customer)
    found = order["customer"]["id"]
    assert isinstance(found, str)
    return found


async def recognise(works: Works, *buyers: Buyer) -> list[UUID]:
    """Recognise several buyers in one batch."""

    async def story(work: Work) -> list[UUID]:
        return [found for found in await recognise_buyers(work, buyers=buyers) if found is not None]

    return await works.perform(story, actor=SYSTEM, action="test")


async def test_an_external_id_is_one_customer(client: Client) -> None:
    """Two orders with one external id are one customer's, whatever e-mail they come with; another id is another."""
    first = await buyer_of(client, "o-1", externalId="k-1")
    assert await buyer_of(client, "o-2", externalId=" k-1 ", email=ADA) == first
    assert await buyer_of(client, "o-3", externalId="k-1", email="bob@example.org", emailVerified=True) == first
    assert await buyer_of(client, "o-4", externalId="K-1") != first
    assert await buyer_of(client, "o-5", externalId="k-2", email=ADA) != first


async def test_the_external_id_goes_before_the_email(client: Client) -> None:
    """Where external id and verified e-mail point to two customers, the external id decides, and the e-mail stays."""
    ada = await buyer_of(client, "o-1", externalId="ada", email=ADA, emailVerified=True)
    bob = await buyer_of(client, "o-2", externalId="bob", email="bob@example.org", emailVerified=True)
    assert await buyer_of(client, "o-3", externalId="bob", email=ADA, emailVerified=True) == bob
    assert await buyer_of(client, "o-4", email=ADA, emailVerified=True) == ada


async def test_a_verified_email_is_one_customer(client: Client) -> None:
    """A verified e-mail finds its customer in any case, also where the order brings a new external id."""
    first = await buyer_of(client, "o-1", email="Ada@Example.org", emailVerified=True)
    assert await buyer_of(client, "o-2", email="ADA@EXAMPLE.ORG", emailVerified=True) == first
    assert await buyer_of(client, "o-3", externalId="k-1", email=ADA, emailVerified=True) == first
    assert await buyer_of(client, "o-4", externalId="k-1") == first
    customer = await read_customer(client, first)
    assert (customer["externalId"], customer["email"]) == ("k-1", "Ada@example.org")


async def test_an_unverified_email_never_joins_an_account(client: Client) -> None:
    """Who only types an address gets a customer of their own: not that of an account, nor of its profile."""
    account = await buyer_of(client, "o-1", externalId="k-1", email=ADA, emailVerified=True)
    typed = await buyer_of(client, "o-2", email=ADA)
    assert typed != account
    profile = await new_customer(client, email="bob@example.org")
    assert await buyer_of(client, "o-3", email="bob@example.org") != profile["id"]
    assert await buyer_of(client, "o-4", externalId="k-2", email="bob@example.org") != profile["id"]
    assert (await read_customer(client, account))["value"]["orderCount"] == 1


async def test_a_repeated_unverified_email_goes_to_its_first_customer(client: Client) -> None:
    """A guest who comes again is one customer, in any case of the address, and stays apart once it is verified."""
    guest = await buyer_of(client, "o-1", email="Ada@Example.org")
    assert await buyer_of(client, "o-2", email="ada@example.ORG") == guest
    account = await buyer_of(client, "o-3", email=ADA, emailVerified=True)
    assert account != guest
    assert await buyer_of(client, "o-4", email=ADA) == guest
    assert await buyer_of(client, "o-5", email=ADA, emailVerified=True) == account


async def test_an_unverified_email_beside_an_external_id_says_nothing(client: Client) -> None:
    """What somebody typed beside their account is the order's contact, and no way to the account."""
    account = await buyer_of(client, "o-1", externalId="k-1", email=ADA)
    assert await buyer_of(client, "o-2", email=ADA) != account
    assert await buyer_of(client, "o-3", email=ADA, emailVerified=True) != account


async def test_a_profiles_email_is_found_once_it_is_verified(client: Client) -> None:
    """An e-mail that staff wrote down is the customer's as soon as an order vouches for it."""
    profile = await new_customer(client, email=ADA, givenName="Ada")
    assert await buyer_of(client, "o-1", email="ADA@example.org", emailVerified=True) == profile["id"]
    assert await buyer_of(client, "o-2", externalId="k-1", email=ADA, emailVerified=True) == profile["id"]
    assert (await read_customer(client, profile["id"]))["externalId"] == "k-1"


async def test_a_profiles_email_may_turn_out_to_be_somebody_elses(client: Client) -> None:
    """Where an account proves an e-mail that a profile only claims, the account is found by it from then on."""
    profile = await new_customer(client, email=ADA)
    account = await buyer_of(client, "o-1", externalId="k-1")
    assert await buyer_of(client, "o-2", externalId="k-1", email=ADA, emailVerified=True) == account
    assert await buyer_of(client, "o-3", email=ADA, emailVerified=True) == account != profile["id"]


async def test_a_guest_is_nobody(client: Client) -> None:
    """An order without a buyer, or with nothing but a country or blanks, has no customer; sent again neither."""
    guests: list[Input] = [{}, {"customer": {}}, {"customer": {"country": "IT", "givenName": " "}}]
    for number, more in enumerate(guests):
        for _ in range(2):
            assert (await send_order(client, f"o-{number}", **more))["customer"] is None
    assert (await send_note(client))["customer"] is None
    found = (await client.ask("{ customers(first: 1) { totalCount } }")).data["customers"]
    assert found["totalCount"] == 0


async def test_an_order_may_become_a_guests(client: Client) -> None:
    """The order is what was sent last: without a buyer it is nobody's, and its customer's sums go down."""
    customer = await buyer_of(client, "o-1", externalId="k-1")
    assert (await send_order(client))["customer"] is None
    assert (await read_customer(client, customer))["value"]["orderCount"] == 0


async def test_a_buyer_with_a_name_only_keeps_the_orders_customer(client: Client) -> None:
    """Nobody can be found by a name: each order is another customer's, and sent again it stays whose it is."""
    first = await buyer_of(client, "o-1", givenName="Ada")
    assert await buyer_of(client, "o-1", givenName="Ada", familyName="Byron") == first
    assert (await read_customer(client, first))["displayName"] == "Ada Byron"
    assert await buyer_of(client, "o-2", givenName="Ada") != first
    note = await send_note(client, customer={"givenName": "Ada"})
    again = await send_note(client, customer={"givenName": "Ada"}, number="again")
    assert again["customer"]["id"] == note["customer"]["id"] not in {first}
    named = await buyer_of(client, "o-1", externalId="k-1")
    assert await buyer_of(client, "o-1", givenName="Somebody") == named


async def test_an_order_sent_again_with_its_contact_stays_whose_it_is(client: Client) -> None:
    """Vouched for once is enough; another address, or an external id, is another buyer."""
    account = await buyer_of(client, "o-1", externalId="k-1", email=ADA, emailVerified=True)
    assert await buyer_of(client, "o-1", email="ADA@example.org") == account
    assert await buyer_of(client, "o-1", email="bob@example.org") != account
    assert await buyer_of(client, "o-1", externalId="k-1") == account


async def test_gaps_are_filled_and_what_is_known_stays(client: Client) -> None:
    """An order fills in what the profile lacks; a name is only taken whole, so that two people are not mixed."""
    customer = await buyer_of(client, "o-1", externalId="k-1")
    await buyer_of(client, "o-2", externalId="k-1", email=ADA, givenName="Ada", familyName="Byron", country="IT")
    known = await read_customer(client, customer)
    assert [known[name] for name in ("givenName", "familyName", "country", "email")] == ["Ada", "Byron", "IT", None]
    assert known["version"] == 2
    await buyer_of(client, "o-3", externalId="k-1", email=ADA, emailVerified=True, givenName="Eve", country="DE")
    known = await read_customer(client, customer)
    assert [known[name] for name in ("givenName", "familyName", "country", "email")] == ["Ada", "Byron", "IT", ADA]
    assert known["version"] == 3
    half = await buyer_of(client, "o-4", externalId="k-2", givenName="Bob")
    await buyer_of(client, "o-5", externalId="k-2", givenName="Eve", familyName="Moore")
    assert (await read_customer(client, half))["displayName"] == "Bob"


async def test_what_an_order_brings_makes_the_customer_findable(client: Client) -> None:
    """A second external id and a second verified e-mail of a customer find them from then on."""
    customer = await buyer_of(client, "o-1", externalId="k-1", email=ADA, emailVerified=True, givenName="Ada")
    assert await buyer_of(client, "o-2", externalId="k-1", email="two@example.org", emailVerified=True) == customer
    assert await buyer_of(client, "o-3", externalId="second", email=ADA, emailVerified=True) == customer
    assert await search(client, "two@example.org") == {"Ada"}
    assert await search(client, "second") == {"Ada"}


async def test_a_new_buyer_several_times_in_one_batch_is_one_customer(works: Works, client: Client) -> None:
    """Within a batch buyers are recognised by what the batch itself brought, in its order."""
    ids = await recognise(
        works,
        Buyer(external_id="k-1", email=ADA, is_email_verified=True),
        Buyer(external_id="k-1"),
        Buyer(email="ADA@example.org", is_email_verified=True, given_name="Ada"),
        Buyer(external_id="k-2", email=ADA, is_email_verified=True),
        Buyer(external_id="k-2"),
        Buyer(email=ADA),
        Buyer(email="Ada@example.org"),
        Buyer(external_id="k-3", email=ADA),
        Buyer(given_name="Ada"),
        Buyer(given_name="Ada"),
    )
    numbers = {found: number for number, found in enumerate(dict.fromkeys(ids))}
    assert [numbers[found] for found in ids] == [0, 0, 0, 0, 0, 1, 1, 2, 3, 4]
    found = (await client.ask("{ customers(first: 9) { nodes { externalId displayName } } }")).data["customers"]
    assert [node["displayName"] for node in found["nodes"]] == ["Ada", ADA, "k-3", "Ada", "Ada"]


async def test_a_batch_of_nobody_is_empty(works: Works) -> None:
    """No buyers, no customers."""
    assert await recognise(works) == []


async def test_a_credit_notes_customer_is_its_orders(client: Client) -> None:
    """A note with an order is its customer's whoever is named beside; without one it is the named buyer's."""
    ada = await buyer_of(client, "o-1", externalId="ada")
    note = await send_note(client, "c-1", orderExternalId="o-1", customer={"externalId": "bob"})
    assert note["customer"]["id"] == ada
    bob = (await send_note(client, "c-2", customer={"externalId": "bob"}))["customer"]
    assert bob["externalId"] == "bob"
    moved: Input = await send_note(client, "c-2", customer={"externalId": "ada"}, issuedAt=days_ago(1))
    assert moved["customer"]["id"] == ada
    await send_order(client, "guest")
    assert (await send_note(client, "c-3", orderExternalId="guest", customer={"externalId": "bob"}))["customer"] is None


async def customer_count(client: Client) -> int:
    """Return how many customers there are."""
    found = (await client.ask("{ customers(first: 1) { totalCount } }")).data["customers"]["totalCount"]
    assert isinstance(found, int)
    return found


async def test_who_comes_with_nobodys_address_is_a_guest(client: Client) -> None:
    """Vouched for or not, new or sent again: it is the order's contact, and makes nobody a customer."""
    for number, email in enumerate(NOBODYS):
        for is_verified in (False, True, False):
            order = await send_order(client, f"o-{number}", customer={"email": email, "emailVerified": is_verified})
            assert order["customer"] is None
            assert order["contactEmail"].lower() == email.lower()
        assert (await send_note(client, customer={"email": email, "emailVerified": True}))["customer"] is None
    assert await customer_count(client) == 0


async def test_nobodys_address_joins_nobody(client: Client) -> None:
    """Two accounts, and two people with names, who come with it stay apart, and stay whose they are when sent again."""
    for round_number, email in enumerate(NOBODYS):
        buyers: dict[str, Input] = {
            f"o-{round_number}-0": {"externalId": f"a-{round_number}"},
            f"o-{round_number}-1": {"externalId": f"b-{round_number}"},
            f"o-{round_number}-2": {"givenName": "Ada"},
            f"o-{round_number}-3": {"givenName": "Ada"},
        }
        ids = [
            await buyer_of(client, number, **buyer, email=email, emailVerified=True) for number, buyer in buyers.items()
        ]
        assert len(set(ids)) == 4
        for is_verified in (False, True):
            for known, (number, buyer) in zip(ids, buyers.items(), strict=True):
                assert await buyer_of(client, number, **buyer, email=email, emailVerified=is_verified) == known
        assert [(await read_customer(client, each))["email"] for each in ids] == [None] * 4
        assert await search(client, email) == set()


async def test_the_organisations_relays_join_nobody(works: Works, client: Client) -> None:
    """Also addresses that made customers before the shop's settings named their domain: those stay whose they are."""
    first = await buyer_of(client, "o-1", email="x@relay.example.org", emailVerified=True)
    guest = await buyer_of(client, "o-2", email="y@relay.example.org")
    object.__setattr__(works, "organisation", Organisation(relay_domains=frozenset({"relay.example.org"})))
    for number, email in (("o-3", "x@relay.example.org"), ("o-4", "y@relay.example.org")):
        for is_verified in (True, False):
            order = await send_order(client, number, customer={"email": email, "emailVerified": is_verified})
            assert order["customer"] is None
    assert await buyer_of(client, "o-1", email="x@relay.example.org", emailVerified=True) == first
    assert await buyer_of(client, "o-2", email="y@relay.example.org") == guest


async def test_a_shared_address_joins_nobody(client: Client) -> None:
    """An address of a profile, one that is vouched for and a guest's: shared, none of them brings its customer."""
    profile = (await new_customer(client, email="profile@example.org"))["id"]
    account = await buyer_of(client, "o-1", externalId="k-1", email="account@example.org", emailVerified=True)
    guest = await buyer_of(client, "o-2", email="guest@example.org")
    for customer in (profile, account, guest):
        for identity in await identities(client, customer):
            if identity["kind"] == "EMAIL":
                await share(client, identity)
    for name in ("profile", "account", "guest"):
        for is_verified in (False, True):
            given = {"email": f"{name.upper()}@example.org", "emailVerified": is_verified}
            for _ in range(2):
                assert (await send_order(client, f"new {name}", customer=given))["customer"] is None
    assert await buyer_of(client, "o-3", externalId="k-1", email="guest@example.org", emailVerified=True) == account
    named = await buyer_of(client, "o-4", givenName="Ada", email="account@example.org", emailVerified=True)
    assert await buyer_of(client, "o-4", givenName="Ada", email="account@example.org") == named
    assert named not in (profile, account, guest)
    assert await customer_count(client) == 4


async def test_orders_stay_whose_they_are_when_their_address_becomes_shared(client: Client) -> None:
    """Sent again with it, vouched for or not, they move to nobody; shared no longer it brings its customer again."""
    account = await buyer_of(client, "o-1", email=ADA, emailVerified=True)
    guest = await buyer_of(client, "o-2", email="guest@example.org")
    addresses = [(await identities(client, each))[0] for each in (account, guest)]
    for identity in addresses:
        await share(client, identity)
    for is_verified in (False, True):
        assert await buyer_of(client, "o-1", email=ADA, emailVerified=is_verified) == account
        assert await buyer_of(client, "o-2", email="Guest@example.org", emailVerified=is_verified) == guest
    for identity in addresses:
        await share(client, identity, is_shared=False)
    assert await buyer_of(client, "o-3", email=ADA, emailVerified=True) == account
    assert await buyer_of(client, "o-4", email="guest@example.org") == guest


async def test_an_address_that_another_customer_shares_joins_nobody(client: Client) -> None:
    """It is enough that one of those who have it says so."""
    account = await buyer_of(client, "o-1", email=ADA, emailVerified=True)
    other = await new_customer(client, givenName="Bob")
    await add(client, other["id"], ADA, "EMAIL", isShared=True)
    assert (await send_order(client, "o-2", customer={"email": ADA, "emailVerified": True}))["customer"] is None
    assert await buyer_of(client, "o-1", email=ADA, emailVerified=True) == account


async def test_a_shared_account_joins_nobody(client: Client) -> None:
    """An account that many use, such as the counter's: who comes with it is known by something else, or a guest."""
    counter = await buyer_of(client, "o-1", externalId="counter")
    (identity,) = await identities(client, counter)
    await share(client, identity)
    for number in ("o-2", "o-3", "o-2"):
        assert (await send_order(client, number, customer={"externalId": "counter"}))["customer"] is None
    ada = await buyer_of(client, "o-4", externalId="counter", email=ADA, emailVerified=True)
    assert await buyer_of(client, "o-5", email=ADA, emailVerified=True) == ada != counter
    assert await buyer_of(client, "o-1", externalId="counter") == counter, "what was its stays its"
    assert (await recognised(client, "counter", "EXTERNAL_ACCOUNT"), await customer_count(client)) == (None, 2)
    await share(client, identity, is_shared=False)
    assert await buyer_of(client, "o-6", externalId="counter") == counter


async def test_an_account_that_another_customer_shares_joins_nobody(client: Client) -> None:
    """As with addresses: what recognises nobody brings no order to anybody."""
    account = await buyer_of(client, "o-1", externalId="k-1")
    other = await new_customer(client, givenName="Bob")
    await add(client, other["id"], "k-1", "EXTERNAL_ACCOUNT", isShared=True)
    assert await recognised(client, "k-1", "EXTERNAL_ACCOUNT") is None
    assert (await send_order(client, "o-2", customer={"externalId": "k-1"}))["customer"] is None
    assert await buyer_of(client, "o-1", externalId="k-1") == account


async def test_an_address_that_staff_added_is_verified_by_an_order(client: Client) -> None:
    """The one identity that there is becomes a verified one, instead of a second one beside it."""
    account = await buyer_of(client, "o-1", externalId="k-1")
    added = await add(client, account, ADA, "EMAIL")
    assert await buyer_of(client, "o-2", externalId="k-1", email=ADA, emailVerified=True) == account
    assert [each for each in await identities(client, account) if each["kind"] == "EMAIL"] == [
        added | {"verification": "VERIFIED"}
    ]
    assert await buyer_of(client, "o-3", email=ADA, emailVerified=True) == account


async def test_a_guest_who_became_an_account_is_not_found_by_typing(works: Works, client: Client) -> None:
    """Once an order vouches for a guest's address it is an account's: who only types it is somebody else, at once."""
    guest = await buyer_of(client, "o-1", email=ADA)
    await verify(client, await add(client, guest, "k-1", "EXTERNAL_ACCOUNT"))
    ids = await recognise(
        works,
        Buyer(email=ADA),
        Buyer(external_id="k-1", email=ADA, is_email_verified=True),
        Buyer(email=ADA),
        Buyer(email=ADA, is_email_verified=True),
    )
    account = await buyer_of(client, "o-2", externalId="k-1")
    typed = await buyer_of(client, "o-3", email=ADA)
    assert account == guest != typed
    assert [each == ids[0] for each in ids] == [True, True, False, True]
    assert await buyer_of(client, "o-4", email=ADA, emailVerified=True) == guest
    assert await customer_count(client) == 2


async def test_an_address_that_was_taken_away_brings_nobody(client: Client) -> None:
    """Taken away from its customer it is nobody's: the next order with it is another customer's."""
    account = await buyer_of(client, "o-1", email=ADA, emailVerified=True)
    (identity,) = await identities(client, account)
    await change(client, "Remove", identityId=identity["id"])
    assert (await read_customer(client, account))["email"] is None
    assert await buyer_of(client, "o-2", email=ADA, emailVerified=True) != account
