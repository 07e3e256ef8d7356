"""Merges, unmerges, orders and changes at once: never two canonical customers, never a cycle, every sum exact."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import select

from domain.base.errors import Refusal, Refusals
from domain.base.work import Work, Works
from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import add_identity
from domain.customers.actions.merges import merge_customers, reject_merge, unmerge_customers
from domain.customers.actions.profiles import update_customer
from domain.customers.model import Customer, CustomerMerge, CustomerRecord, CustomerTag
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.orders.actions.orders import upsert_order
from domain.orders.model import Order
from domain.orders.rules import LineDetails, OrderDetails
from tests.conftest import NOW, Client, StandingClock
from tests.customers.family_changing import add_customers, id_of, join
from tests.orders.shop import perform, read_customer

Story: TypeAlias = Callable[[Work], Awaitable[UUID]]

ROUNDS = 5
MERGES_IN_A_WAVE = 3


def merging(survivor: UUID, absorbed: UUID) -> Story:
    """Let one absorb another."""
    return lambda work: merge_customers(work, survivor_id=survivor, absorbed_id=absorbed, reason=None)


def parting(merge_id: UUID) -> Story:
    """Take a merge back."""
    return lambda work: unmerge_customers(work, merge_id=merge_id, reason=None)


def rejecting(merge_id: UUID) -> Story:
    """Decide that two are two."""
    return lambda work: reject_merge(work, merge_id=merge_id, reason=None)


def ordering(number: int, account: str) -> Story:
    """Send an order of ten euros."""
    order = OrderDetails(
        external_id=f"o-{number}",
        placed_at=NOW - timedelta(minutes=number),
        currency_code="EUR",
        lines=[LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))],
        buyer=Buyer(external_id=account),
    )
    return lambda work: upsert_order(work, order=order)


def changing(key: UUID, changes: CustomerChanges) -> Story:
    """Change what is said of a customer."""
    return lambda work: update_customer(work, customer_id=key, changes=changes, expected_version=None)


async def at_once(works: Works, stories: Sequence[Story]) -> list[UUID | str]:
    """Perform all at the same time; return what each made, or the name of its refusal."""

    async def outcome(story: Story) -> UUID | str:
        try:
            return await perform(works, story)
        except (Refusal, Refusals) as refusal:
            return type(refusal).__name__

    return await asyncio.gather(*(outcome(story) for story in stories))


async def add(works: Works, count: int) -> list[UUID]:
    """Add customers with the accounts k-0, k-1 and so on."""
    return await add_customers(works, *(CustomerDetails(external_id=f"k-{number}") for number in range(count)))


async def check(works: Works) -> dict[UUID, UUID]:
    """Hold that all that is kept fits together; return the canonical customer of each record."""
    async with works.database.reading() as session:
        records = {row.id: row for row in await session.execute(select(*CustomerRecord.__table__.c))}
        customers = {row.id: row for row in await session.execute(select(*Customer.__table__.c))}
        merges = (await session.execute(select(*CustomerMerge.__table__.c))).all()
        tags = (await session.execute(select(*CustomerTag.__table__.c))).all()
        orders = (await session.execute(select(*Order.__table__.c))).all()
    above = {merge.absorbed_id: merge.survivor_id for merge in merges if merge.state == "APPLIED"}
    assert len(above) == sum(merge.state == "APPLIED" for merge in merges), "nobody is absorbed twice"
    roots = {key: root_of(key, above) for key in records}
    assert {key: row.canonical_id for key, row in records.items()} == roots
    for key, customer in customers.items():
        assert customer.is_absorbed == (key in above)
        family = [] if key in above else [record for record in records.values() if roots[record.id] == key]
        brought = [order.total for order in orders if roots[order.customer_id] == key]
        assert (customer.order_count, customer.net_spent) == (len(brought), sum(brought, Decimal(0)))
        assert not family or customer.version == sum(record.version for record in family)
        shown = [row.tag for row in tags if row.is_shown and roots[row.customer_id] == key]
        assert len(shown) == len(set(shown)), "one row shows a tag"
    return roots


def root_of(key: UUID, above: dict[UUID, UUID]) -> UUID:
    """Follow the edges up; a cycle would have more steps than there are edges."""
    for _ in range(len(above)):
        key = above.get(key, key)
    assert key not in above, "a cycle"
    return key


async def test_two_who_absorb_each_other_at_once_become_one(works: Works) -> None:
    """One of the merges is done; the other one is refused: they are one customer already."""
    for _ in range(ROUNDS):
        one, other = await add_customers(works, CustomerDetails(), CustomerDetails())
        outcomes = await at_once(works, [merging(one, other), merging(other, one)])
        assert sorted(isinstance(each, UUID) for each in outcomes) == [False, True]
        assert "Refusals" in outcomes
        roots = await check(works)
        assert roots[one] == roots[other]


async def test_two_who_absorb_the_same_one_at_once_do_not_both(works: Works) -> None:
    """One of them has the absorbed one; the other merge is refused and leaves its survivor as it was."""
    for _ in range(ROUNDS):
        one, two, three = await add_customers(works, *[CustomerDetails()] * 3)
        outcomes = await at_once(works, [merging(one, two), merging(three, two)])
        assert sorted(isinstance(each, UUID) for each in outcomes) == [False, True]
        roots = await check(works)
        assert roots[two] == (one if isinstance(outcomes[0], UUID) else three)
        assert (roots[one], roots[three]) == (one, three)


async def test_a_ring_at_once_is_no_ring(works: Works) -> None:
    """Of three who absorb one another in a circle one is left: two of the merges are done, the last one is refused."""
    for _ in range(ROUNDS):
        one, two, three = await add_customers(works, *[CustomerDetails()] * 3)
        outcomes = await at_once(works, [merging(one, two), merging(two, three), merging(three, one)])
        assert outcomes.count("Refusals") == 1
        roots = await check(works)
        assert len({roots[each] for each in (one, two, three)}) == 1


async def test_the_same_merge_many_times_at_once_is_one(works: Works) -> None:
    """Eight clicks are one merge; eight clicks to undo it undo it once, and seven are told that it is undone."""
    one, other = await add_customers(works, CustomerDetails(), CustomerDetails())
    (merge_id,) = set(await at_once(works, [merging(one, other)] * 8))
    assert isinstance(merge_id, UUID)
    await check(works)
    undone = await at_once(works, [parting(merge_id)] * 8)
    assert (undone.count(merge_id), undone.count("MergeNotApplied")) == (1, 7)
    assert (await check(works))[other] == other


async def test_a_merge_while_orders_of_both_arrive_counts_all(client: Client) -> None:
    """Whatever is first, afterwards the survivor has every order of both, and undone each has its own."""
    works = client.works
    one, other = await add(works, 2)
    stories = [ordering(number, f"k-{number % 2}") for number in range(12)]
    outcomes = await at_once(works, [*stories[:6], merging(one, other), *stories[6:]])
    assert all(isinstance(each, UUID) for each in outcomes)
    assert (await check(works))[other] == one
    value = (await read_customer(client, id_of(one)))["value"]
    assert (value["orderCount"], value["netSpent"]["amount"]) == (12, "120.00")


async def test_an_unmerge_while_orders_arrive_counts_all(client: Client) -> None:
    """Whatever is first, afterwards each has the orders that came in through it, and no other."""
    works = client.works
    one, other = await add(works, 2)
    merge_id = await join(works, one, other)
    stories = [ordering(number, f"k-{number % 3 > 0:d}") for number in range(12)]
    outcomes = await at_once(works, [*stories[:6], parting(merge_id), *stories[6:]])
    assert all(isinstance(each, UUID) for each in outcomes)
    assert (await check(works))[other] == other
    values = [(await read_customer(client, id_of(each)))["value"] for each in (one, other)]
    assert [(each["orderCount"], each["netSpent"]["amount"]) for each in values] == [(4, "40.00"), (8, "80.00")]


async def test_a_change_during_a_merge_is_shown(client: Client) -> None:
    """Changes of both, by their own ids, are in neither case lost: they are the survivor's or fill its gaps."""
    for _ in range(ROUNDS):
        one, other = await add_customers(client.works, CustomerDetails(tags=["old"]), CustomerDetails(tags=["old"]))
        stories = [
            changing(one, CustomerChanges(country="IT")),
            merging(one, other),
            changing(other, CustomerChanges(locale="it-IT")),
            changing(one, CustomerChanges(tags=["new"])),
        ]
        outcomes = await at_once(client.works, stories)
        assert all(isinstance(each, UUID) for each in outcomes)
        await check(client.works)
        shown = await read_customer(client, id_of(one))
        assert (shown["country"], shown["locale"], shown["version"]) == ("IT", "it-IT", 5)
        assert "new" in shown["tags"]


async def test_an_inner_and_an_outer_edge_at_once_both_go_or_stay(works: Works) -> None:
    """Merging a tree while a branch of it is taken off: the branch is on its own, the rest is with the new root."""
    for _ in range(ROUNDS):
        one, two, three, four = await add_customers(works, *[CustomerDetails()] * 4)
        await join(works, three, four)
        inner = await join(works, two, three)
        outcomes = await at_once(works, [merging(one, two), parting(inner)])
        assert all(isinstance(each, UUID) for each in outcomes)
        roots = await check(works)
        assert [roots[each] for each in (one, two, three, four)] == [one, one, three, three]


async def test_a_proposal_that_is_decided_twice_at_once_is_decided_once(works: Works) -> None:
    """Merged and rejected at the same moment: what was first stands; rejected first, the merge is another edge."""
    for number in range(ROUNDS):
        twin = CustomerDetails(given_name=f"Ada{number}", family_name="Byron", birth_date=date(1990, 1, 1))
        one, other = await add_customers(works, twin, twin)
        (merge_id,) = await proposals(works, other)
        merged, rejected = await at_once(works, [merging(one, other), rejecting(merge_id)])
        assert isinstance(merged, UUID)
        assert rejected == ("MergeNotProposed" if merged == merge_id else merge_id)
        assert (await check(works))[other] == one
        await perform(works, parting(merged))
        assert len(await proposals(works, other)) == (merged == merge_id), "as it was before the merge"


async def proposals(works: Works, absorbed: UUID) -> Sequence[UUID]:
    """Return the proposals in which a customer would be absorbed."""
    statement = select(CustomerMerge.id).where(CustomerMerge.state == "PROPOSED", CustomerMerge.absorbed_id == absorbed)
    async with works.database.reading() as session:
        return (await session.scalars(statement)).all()


async def test_a_storm_leaves_everything_whole(works: Works, clock: StandingClock) -> None:
    """Waves of everything at once, with refusals and without: after each one, all that is kept fits together."""
    chance = random.Random(7)  # noqa: S311  a seed makes the waves the same each time
    keys = await add(works, 6)
    merges: list[UUID] = []
    done = set()
    for wave in range(8):
        clock.advance(timedelta(seconds=1))
        new = [merging(*chance.sample(keys, 2)) for _ in range(MERGES_IN_A_WAVE)]
        outcomes = await at_once(works, [*new, *storm(chance, keys, merges, first_order=10 * wave)])
        merges += [each for each in outcomes[:MERGES_IN_A_WAVE] if isinstance(each, UUID)]
        done |= {each if isinstance(each, str) else "done" for each in outcomes}
        await check(works)
    assert done == {"done", "Refusals", "MergeNotApplied"}


def storm(chance: random.Random, keys: Sequence[UUID], merges: Sequence[UUID], *, first_order: int) -> list[Story]:
    """Return what happens in one wave beside new merges."""
    said = ConsentDetails(purpose=ConsentPurpose.MARKETING, channel=None, decision=ConsentDecision.REFUSED)
    stories = [parting(chance.choice(merges)) for _ in range(2) if merges]
    stories += [ordering(first_order + number, f"k-{chance.randrange(len(keys))}") for number in range(4)]
    for key in chance.sample(keys, 2):
        tags = chance.sample(["vip", "press", "slow"], 2)
        device = f"d-{chance.randrange(9)}"
        stories.append(changing(key, CustomerChanges(tags=tags, country=chance.choice(["IT", "DE", None]))))
        stories.append(lambda work, key=key: record_consent(work, customer_id=key, details=said))  # type: ignore[misc]
        stories.append(
            lambda work, key=key, device=device: add_identity(  # type: ignore[misc]
                work, customer_id=key, kind=IdentityKind.DEVICE, namespace=None, value=device, is_shared=False
            )
        )
    chance.shuffle(stories)
    return stories
