"""Whose an identity is, decided by many at once: on PostgreSQL these writes really meet, on SQLite they wait."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.base.work import Organisation, Work, Works
from domain.customers.actions.identities import add_identity, share_identity, take_identity_away, verify_identity
from domain.customers.actions.profiles import create_customer
from domain.customers.model import CustomerIdentity, CustomerMerge, CustomerRecord
from domain.customers.rules.identities import IdentityKind, IdentityVerification
from domain.customers.rules.profiles import Buyer, CustomerDetails
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import LineDetails, OrderDetails
from tests.conftest import NOW
from tests.orders.shop import perform, with_organisation

PHONE = "+390669812345"
EMAIL = "ada@example.org"

Story = Callable[[Work], Awaitable[UUID]]


def creating(**details: Any) -> Story:  # noqa: ANN401
    """Say that a customer is added."""
    return lambda work: create_customer(work, details=CustomerDetails(**details))


def adding(customer_id: UUID, value: str, *, kind: IdentityKind = IdentityKind.PHONE, is_shared: bool = False) -> Story:
    """Say that an identity is added to a customer."""
    return lambda work: add_identity(
        work, customer_id=customer_id, kind=kind, namespace=None, value=value, is_shared=is_shared
    )


def verifying(identity_id: UUID) -> Story:
    """Say that somebody vouches for an identity."""
    return lambda work: verify_identity(work, identity_id=identity_id)


CUP = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))


def ordering(number: str, **buyer: Any) -> Story:  # noqa: ANN401
    """Say that an order of this buyer comes in."""
    order = OrderDetails(external_id=number, placed_at=NOW, currency_code="EUR", lines=[CUP], buyer=Buyer(**buyer))
    return lambda work: upsert_order(work, order=order)


async def at_once(works: Works, stories: Sequence[Story]) -> list[Any]:
    """Tell all stories at the same time; return the answer or the refusal of each."""
    return await asyncio.gather(*(perform(works, story) for story in stories), return_exceptions=True)


def kinds(outcomes: Sequence[Any]) -> dict[str, int]:
    """Return how many outcomes there are of each type."""
    return dict(Counter(type(outcome).__name__ for outcome in outcomes))


async def holders(works: Works, value: str, *, is_shared: bool = False) -> list[UUID]:
    """Return the customers as whose this is verified."""
    async with works.database.reading() as session:
        statement = select(CustomerIdentity.customer_id).where(
            CustomerIdentity.value == value,
            CustomerIdentity.verification == IdentityVerification.VERIFIED,
            CustomerIdentity.is_shared == is_shared,
        )
        return list(await session.scalars(statement))


async def canonical_ids(works: Works) -> set[UUID]:
    """Return the customers who absorb all the others."""
    async with works.database.reading() as session:
        return set(await session.scalars(select(CustomerRecord.canonical_id)))


async def test_ten_verifications_at_once_are_one(works: Works) -> None:
    """Of ten customers who are vouched for with one number, one has it, and nine are told whose it is."""
    customers = [await perform(works, creating()) for _ in range(10)]
    identities = [await perform(works, adding(each, PHONE)) for each in customers]
    outcomes = await at_once(works, [verifying(each) for each in identities])
    assert kinds(outcomes) == {"UUID": 1, "IdentityTaken": 9}
    (holder,) = await holders(works, PHONE)
    assert identities[customers.index(holder)] in outcomes


async def test_ten_clicks_on_one_verification_are_one(works: Works) -> None:
    """The same identity, verified by ten at once: ten equal answers, and one change of the customer."""
    customer = await perform(works, creating())
    identity = await perform(works, adding(customer, PHONE))
    assert set(await at_once(works, [verifying(identity)] * 10)) == {identity}
    async with works.database.reading() as session:
        assert (await session.get_one(CustomerRecord, customer)).version == 3


async def test_ten_additions_at_once_are_one(works: Works) -> None:
    """The same identity, added by ten at once, is one."""
    customer = await perform(works, creating())
    assert len(set(await at_once(works, [adding(customer, PHONE)] * 10))) == 1


async def test_a_verification_and_orders_at_once_have_one_winner(works: Works) -> None:
    """An address that staff vouch for as one customer's, and orders as others': one has it, everybody is answered."""
    for number in range(5):
        email = f"ada{number}@example.org"
        customer = await perform(works, creating())
        for name in "ab":
            await perform(works, ordering(f"{name}-{number}", external_id=f"{name}-{number}"))
        identity = await perform(works, adding(customer, email, kind=IdentityKind.EMAIL))
        outcomes = await at_once(
            works,
            [
                verifying(identity),
                *(
                    ordering(f"{name}-{number}", external_id=f"{name}-{number}", email=email, is_email_verified=True)
                    for name in "ab"
                ),
                adding(customer, email, kind=IdentityKind.EMAIL),
            ],
        )
        assert kinds(outcomes) in ({"UUID": 4}, {"UUID": 3, "IdentityTaken": 1})
        assert len(await holders(works, email)) == 1


async def test_an_address_taken_away_while_an_order_brings_it(works: Works) -> None:
    """Whichever comes first: the order finds the customer, or another one with the address; nothing breaks."""
    for number in range(10):
        email = f"ada{number}@example.org"
        customer = await perform(works, creating(email=email))
        identity = await perform(works, adding(customer, email, kind=IdentityKind.EMAIL))
        outcomes = await at_once(
            works,
            [
                lambda work, identity=identity: take_identity_away(work, identity_id=identity),  # type: ignore[misc]
                ordering(f"o-{number}", email=email, is_email_verified=True),
            ],
        )
        assert kinds(outcomes) == {"UUID": 2}, outcomes
        assert len(await holders(works, email)) <= 1


async def test_a_verification_and_a_removal_at_once(works: Works) -> None:
    """Whichever comes first, it is gone in the end."""
    for _ in range(5):
        customer = await perform(works, creating())
        identity = await perform(works, adding(customer, PHONE))
        outcomes = await at_once(
            works,
            [
                verifying(identity),
                lambda work, identity=identity: take_identity_away(work, identity_id=identity),  # type: ignore[misc]
            ],
        )
        assert kinds(outcomes) in ({"UUID": 2}, {"IdentityNotFound": 1, "UUID": 1})
        assert await holders(works, PHONE) == []


async def test_two_who_stop_sharing_at_once_are_not_both_recognised(works: Works) -> None:
    """Of two customers with one shared, verified number one may keep it as their own."""
    customers = [await perform(works, creating()) for _ in range(2)]
    identities = [await perform(works, adding(each, PHONE, is_shared=True)) for each in customers]
    for each in identities:
        await perform(works, verifying(each))
    outcomes = await at_once(
        works,
        [
            lambda work, each=each: share_identity(work, identity_id=each, is_shared=False)  # type: ignore[misc]
            for each in identities
        ],
    )
    assert kinds(outcomes) == {"UUID": 1, "IdentityTaken": 1}
    assert len(await holders(works, PHONE)) == len(await holders(works, PHONE, is_shared=True)) == 1


async def test_ten_new_accounts_with_one_address_at_once_are_one_customer(works: Works) -> None:
    """Nobody knew any of them, and the shop vouches for one address: one customer with ten accounts."""
    stories = [
        ordering(f"o-{number}", external_id=f"k-{number}", email=EMAIL, is_email_verified=True) for number in range(10)
    ]
    assert kinds(await at_once(works, stories)) == {"UUID": 10}
    assert len(await canonical_ids(works)) == len(await holders(works, EMAIL)) == 1


async def test_two_who_come_at_once_are_proposed(works: Works) -> None:
    """Though neither sees the other one while both come in: by a number, or by name and day of birth."""
    for number in range(5):
        told = {"phone": f"+39066981234{number}"} if number % 2 else {"given_name": "A", "family_name": str(number)}
        stories = [creating(**told, birth_date=date(1990, 1, 1))] * 2
        assert kinds(await at_once(works, stories)) == {"UUID": 2}
    async with works.database.reading() as session:
        assert len((await session.scalars(select(CustomerMerge))).all()) == 5


async def test_ten_known_accounts_with_one_address_at_once_are_proposed(works: Works) -> None:
    """One of ten known customers gets the address; each of the others is proposed to be that one, once."""
    for number in range(10):
        await perform(works, ordering(f"o-{number}", external_id=f"k-{number}"))
    stories = [
        ordering(f"o-{number % 10}", external_id=f"k-{number % 10}", email=EMAIL, is_email_verified=True)
        for number in range(20)
    ]
    assert kinds(await at_once(works, stories)) == {"UUID": 20}
    (holder,) = await holders(works, EMAIL)
    assert len(await canonical_ids(works)) == 10
    async with works.database.reading() as session:
        merges = (await session.scalars(select(CustomerMerge))).all()
    assert {merge.state for merge in merges} == {"PROPOSED"}
    assert len(merges) == 9
    assert all(holder in (merge.survivor_id, merge.absorbed_id) for merge in merges)


async def test_automatic_merges_at_once_make_one_customer(works: Works) -> None:
    """Where the shop lets proof merge, six customers proven to be one by six orders at once are one in the end."""
    allowed = with_organisation(works, Organisation(merges_automatically=True))
    for number in range(6):
        await perform(allowed, ordering(f"o-{number}", external_id=f"k-{number}"))
    stories = [
        ordering(f"o-{number}", external_id=f"k-{number}", email=EMAIL, is_email_verified=True) for number in range(6)
    ]
    assert kinds(await at_once(allowed, stories)) == {"UUID": 6}
    assert len(await canonical_ids(works)) == 1


async def test_automatic_merges_by_staff_at_once_make_one_customer(works: Works) -> None:
    """Likewise where staff vouch for one number as four customers' at the same time."""
    allowed = with_organisation(works, Organisation(merges_automatically=True))
    customers = [await perform(allowed, creating()) for _ in range(4)]
    identities = [await perform(allowed, adding(each, PHONE)) for each in customers]
    outcomes = await at_once(allowed, [verifying(each) for each in identities])
    assert kinds(outcomes) == {"UUID": 4}
    assert len(set(outcomes)) == 1, "each is answered with the one that is verified"
    assert len(await canonical_ids(works)) == 1
