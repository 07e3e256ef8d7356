"""A merge that is undone leaves no trace: every answer is as before, word for word."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import add_identity, verify_identity
from domain.customers.rules.attributes import AttributeChange
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerDetails
from domain.orders.actions.credit_notes import upsert_credit_note
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails
from tests.conftest import NOW, Client, StandingClock
from tests.customers.family_changing import add_customers, define_attributes, join, part
from tests.customers.family_reading import read_answers, read_merges
from tests.orders.shop import perform

DETAILS = [  # the second and the fourth are proposed: they may be one person
    CustomerDetails(external_id="k-0", given_name="Ada", country="IT", tags=["press", "vip"], email="ada@shop.test"),
    CustomerDetails(
        external_id="k-1",
        given_name="ADA",
        family_name="Byron",
        locale="en-GB",
        birth_date=date(1980, 1, 1),
        tags=["vip"],
        attributes=[AttributeChange(key="text", text="tall"), AttributeChange(key="number", number=Decimal("1.5"))],
    ),
    CustomerDetails(
        external_id="k-2", given_name="Eva", family_name="King", birth_date=date(1990, 1, 1), phone="+390669812345"
    ),
    CustomerDetails(
        external_id="k-3",
        given_name="Ada",
        family_name="Byron",
        birth_date=date(1980, 1, 1),
        country="DE",
        time_zone="Europe/Berlin",
        attributes=[AttributeChange(key="flag", flag=True)],
    ),
]
SEARCHES = ["ada", "byron", "eva king", "ada king", "k-3", "o-1", "o-2 ada", "+39 06 69812345", "ada@shop.test", "kng"]
EDGES = [(0, 1), (2, 3), (0, 2)]
"""Whom each survivor absorbs; the last one is a merge of merges."""

DECISIONS = [
    (0, ConsentDecision.GRANTED, 5),
    (1, ConsentDecision.REFUSED, 9),
    (2, ConsentDecision.WITHDRAWN, 1),
    (3, ConsentDecision.GRANTED, 2),
]


def document(number: int, *, price: int) -> list[LineDetails]:
    """Return the line of a document."""
    return [LineDetails(sku="cup", title="Cup", quantity=number + 1, unit_price=Decimal(price))]


async def fill(client: Client) -> list[UUID]:
    """Add four customers with something of everything, and return them."""
    works = client.works
    await define_attributes(works)
    keys = await add_customers(works, *DETAILS)
    for number, key in enumerate(keys):
        order = OrderDetails(
            external_id=f"o-{number}",
            placed_at=NOW - timedelta(days=100 * number + 5),
            currency_code="USD" if number == 1 else "EUR",
            lines=document(number, price=10),
            buyer=Buyer(external_id=f"k-{number}"),
            cancelled_at=NOW if number == 3 else None,
        )
        note = CreditNoteDetails(
            external_id=f"c-{number}",
            issued_at=NOW - timedelta(days=number),
            currency_code="EUR",
            lines=document(number, price=1),
            buyer=Buyer(external_id=f"k-{number}"),
        )
        await perform(works, lambda work, order=order: upsert_order(work, order=order))  # type: ignore[misc]
        await perform(works, lambda work, note=note: upsert_credit_note(work, note=note))  # type: ignore[misc]
        identity = await perform(
            works,
            lambda work, key=key, number=number: add_identity(  # type: ignore[misc]
                work,
                customer_id=key,
                kind=IdentityKind.SOCIAL_HANDLE,
                namespace="instagram",
                value=f"h{number}",
                is_shared=number == 1,
            ),
        )
        await perform(works, lambda work, key=identity: verify_identity(work, identity_id=key))  # type: ignore[misc]
    for number, decision, days in DECISIONS:
        details = ConsentDetails(
            purpose=ConsentPurpose.MARKETING,
            channel=None,
            decision=decision,
            decided_at=NOW - timedelta(days=days),
        )
        await perform(
            works,
            lambda work, key=keys[number], details=details: record_consent(work, customer_id=key, details=details),  # type: ignore[misc]
        )
    assert len(await read_merges(client, "PROPOSED")) == 1
    return keys


async def read_all(client: Client, clock: StandingClock, keys: Sequence[UUID]) -> str:
    """Return everything that can be asked, as one text; the ranks are renewed before."""
    clock.advance(timedelta(minutes=2))
    return json.dumps(await read_answers(client, keys, searches=SEARCHES), indent=1)


async def draw(client: Client, clock: StandingClock, keys: Sequence[UUID], edge: tuple[int, int]) -> UUID:
    """Merge two, a moment after what was before."""
    clock.advance(timedelta(seconds=1))
    return await join(client.works, keys[edge[0]], keys[edge[1]])


async def test_each_merge_is_undone_without_a_trace(client: Client, clock: StandingClock) -> None:
    """The last one taken back first, every answer is the one of before that merge, and before the one before."""
    keys = await fill(client)
    seen = [await read_all(client, clock, keys)]
    drawn = []
    for edge in EDGES:
        drawn.append(await draw(client, clock, keys, edge))
        seen.append(await read_all(client, clock, keys))
    assert len(set(seen)) == len(EDGES) + 1, "each merge shows"
    for merge_id in reversed(drawn):
        assert await read_all(client, clock, keys) == seen.pop()
        await part(client.works, merge_id)
    assert await read_all(client, clock, keys) == seen.pop()


async def test_merges_are_undone_in_any_order(client: Client, clock: StandingClock) -> None:
    """Whichever edge goes first, in the end every answer is as before the first merge."""
    keys = await fill(client)
    before = await read_all(client, clock, keys)
    for order in permutations(range(len(EDGES))):
        drawn = [await draw(client, clock, keys, edge) for edge in EDGES]
        for number in order:
            clock.advance(timedelta(seconds=1))
            await part(client.works, drawn[number])
        assert await read_all(client, clock, keys) == before, order
