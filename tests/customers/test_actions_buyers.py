"""Recognising who bought: the same person is one customer, two persons are two."""

from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.work import Work, Works
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.rules.profiles import Buyer
from tests.conftest import Client
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
