"""Erasing somebody while others write of them: one comes first, and nothing of the person is left in the end."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.base.actors import SYSTEM
from domain.base.errors import Refusal, Refusals
from domain.base.work import Work, Works
from domain.customers.actions import proposals
from domain.customers.actions.consents import record_consent
from domain.customers.actions.erasure import erase_customer
from domain.customers.actions.exports import request_export
from domain.customers.actions.identities import add_identity
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import create_customer, update_customer
from domain.customers.model import Customer, CustomerMerge, CustomerRecord, CustomerSpending
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_order
from domain.orders.model import Order
from domain.orders.rules import DeliveryDetails, LineDetails, OrderDetails
from tests.conftest import NOW
from tests.customers.family_changing import add_customers
from tests.customers.test_erasure_traces import rows_with
from tests.orders.shop import perform

Story: TypeAlias = Callable[[Work], Awaitable[UUID]]

ROUNDS = 6
EMAIL = "quixo@mail.example"
BUYER = Buyer(external_id="quixo-1", email=EMAIL, is_email_verified=True, given_name="Quixo")
QUIXO = CustomerDetails(external_id="quixo-1", email=EMAIL, given_name="Quixo", family_name="Quixoti")


def an_order(number: int, buyer: Buyer = BUYER, quantity: int = 1) -> Story:
    """Send an order of so many tens of euros."""
    lines = [LineDetails(sku="cup", title="Cup", quantity=quantity, unit_price=Decimal(10))]
    order = OrderDetails(external_id=f"o-{number}", placed_at=NOW, currency_code="EUR", lines=lines, buyer=buyer)
    return lambda work: upsert_order(work, order=order)


def erasing(key: UUID) -> Story:
    """Erase somebody."""
    return lambda work: erase_customer(work, customer_id=key)


async def at_once(works: Works, *stories: Story) -> list[UUID | str]:
    """Perform all at the same time; return what each made, or the name of its refusal."""

    async def outcome(story: Story) -> UUID | str:
        try:
            return await perform(works, story)
        except (Refusal, Refusals) as refusal:
            return type(refusal).__name__

    return await asyncio.gather(*(outcome(story) for story in stories))


async def start(works: Works) -> UUID:
    """Let somebody be known, with an order and its parcel."""
    key = await perform(works, lambda work: create_customer(work, details=QUIXO))
    await perform(works, an_order(1))
    return key


async def gone_whole(works: Works, key: UUID) -> None:
    """Hold that nothing personal is left, after erasing whoever came in anew, and that every sum is right."""
    async with works.database.reading() as session:
        living = select(CustomerRecord.id).where(CustomerRecord.erased_at.is_(None), CustomerRecord.canonical_id != key)
        others = (await session.scalars(living.order_by(CustomerRecord.id))).all()
        merges = (await session.scalars(select(CustomerMerge))).all()
        record = (await session.scalars(select(CustomerRecord).where(CustomerRecord.id == key))).one()
        customer = (await session.scalars(select(Customer).where(Customer.id == key))).one()
    assert record.erased_at is not None
    assert customer.is_absorbed
    assert [merge for merge in merges if key in (merge.survivor_id, merge.absorbed_id)] == []
    for other in others:
        await perform(works, erasing(other))
    assert await rows_with(works, ["quixo"]) == []
    async with works.database.reading() as session:
        orders = (await session.scalars(select(Order))).all()
        sums = (await session.scalars(select(CustomerSpending))).all()
        shown = {each.id: each.net_spent for each in await session.scalars(select(Customer))}
    for each in sums:
        assert each.net == sum(order.total for order in orders if order.customer_id == each.customer_id)
    assert sum(shown.values()) == sum(order.total for order in orders)


def writes(key: UUID) -> dict[str, Story]:
    """Return what others may be writing of somebody at that moment."""
    consent = ConsentDetails(
        purpose=ConsentPurpose.MARKETING, channel=None, decision=ConsentDecision.GRANTED, proof="quixo"
    )
    parcel = DeliveryDetails(external_id="d-1", carrier="Post", tracking_number="QUIXO1", tracking_url=None)
    claim = CustomerDetails(given_name="Quixo", family_name="Quixoti", email=EMAIL)
    return {
        "update": lambda work: update_customer(
            work, customer_id=key, changes=CustomerChanges(given_name="Quixolina"), expected_version=None
        ),
        "identity": lambda work: add_identity(
            work, customer_id=key, kind=IdentityKind.DEVICE, namespace=None, value="quixo-d", is_shared=False
        ),
        "consent": lambda work: record_consent(work, customer_id=key, details=consent),
        "delivery": lambda work: record_delivery(work, delivery=parcel, order_external_id="o-1"),
        "new order": an_order(2),
        "order again": an_order(1, quantity=2),
        "typed order": an_order(3, Buyer(email=EMAIL)),
        "another with the name": lambda work: create_customer(work, details=claim),
        "export": lambda work: request_export(work, customer_id=key),
    }


@pytest.mark.parametrize("name", list(writes(uuid4())))
async def test_a_write_and_an_erasure_at_once(works: Works, name: str) -> None:
    """Either it was there and went, or it came too late: of the person nothing is left."""
    key = await start(works)
    outcomes = await at_once(works, writes(key)[name], erasing(key), writes(key)[name])
    assert outcomes[1] == key
    await gone_whole(works, key)


async def test_everything_at_once(works: Works) -> None:
    """All of these, several times, in any order."""
    key = await start(works)
    stories = [story for _ in range(3) for story in writes(key).values()]
    outcomes = await at_once(works, *stories[:13], erasing(key), *stories[13:], erasing(key))
    assert outcomes.count(key) >= 2
    await gone_whole(works, key)


async def test_two_erase_at_once(works: Works) -> None:
    """Both are told the same, and it is done once."""
    key = await start(works)
    assert await at_once(works, *[erasing(key)] * ROUNDS) == [key] * ROUNDS
    assert [row for row in await rows_with(works, ["quixo"]) if not row.startswith("import")] == []


async def test_a_merge_and_an_erasure_at_once(works: Works) -> None:
    """Merged first, both go; erased first, the other one stays and is merged with nobody."""
    for number in range(ROUNDS):
        one, other = await add_customers(
            works, CustomerDetails(external_id=f"quixo-{number}"), CustomerDetails(external_id=f"other-{number}")
        )
        survivor, absorbed = (one, other) if number % 2 else (other, one)
        merging = partial(merge_customers, survivor_id=survivor, absorbed_id=absorbed, reason="quixo said so")
        merged, erased = await at_once(works, merging, erasing(one))
        async with works.database.reading() as session:
            records = {each.id: each for each in await session.scalars(select(CustomerRecord))}
        assert records[one].erased_at is not None
        if merged == "CustomerNotFound":
            assert (erased, records[other].erased_at, records[other].canonical_id) == (one, None, other)
        else:
            assert (erased, records[other].canonical_id) == (survivor, survivor)
            assert records[other].erased_at is not None
        assert await rows_with(works, ["quixo"]) == []


async def test_a_crash_in_the_middle_leaves_all_or_nothing(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before the commit has erased nothing; tried again, everything."""
    key = await start(works)
    before = await rows_with(works, ["quixo"])

    async def broken(*_: object, **__: object) -> None:
        message = "the power went"
        raise OSError(message)

    with monkeypatch.context() as patched:
        patched.setattr("domain.customers.actions.erasure.erase_records", broken)
        with pytest.raises(OSError, match="the power went"):
            await works.perform(erasing(key), actor=SYSTEM, action="test")
    assert await rows_with(works, ["quixo"]) == before
    await perform(works, erasing(key))
    await gone_whole(works, key)


@pytest.mark.parametrize("point", ["hold_records", "list_merges_between"])
async def test_nobody_is_proposed_who_is_erased_meanwhile(
    works: Works, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Somebody with the same number comes in; before and after they hold on to the other one, that one is erased."""
    phone = "+390669812345"
    quixo = CustomerDetails(phone=phone, given_name="Quixo", family_name="Quixoti")
    key = await perform(works, lambda work: create_customer(work, details=quixo))
    original = getattr(proposals, point)
    erased: list[asyncio.Task[UUID]] = []

    async def slowly(*arguments: Any, **words: Any) -> Any:  # noqa: ANN401
        if not erased:
            erased.append(asyncio.create_task(perform(works, erasing(key))))
            await asyncio.wait(erased, timeout=0.5)
        return await original(*arguments, **words)

    monkeypatch.setattr(proposals, point, slowly)
    twin = CustomerDetails(phone=phone, given_name="Quixo", family_name="Quixoti")
    await perform(works, lambda work: create_customer(work, details=twin))
    assert await asyncio.gather(*erased) == [key]
    await gone_whole(works, key)
