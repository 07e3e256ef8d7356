"""Long lists over a family: one order over all its records, without gaps, from either end."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.base.actors import SYSTEM
from domain.base.work import Organisation, Works
from domain.customers.actions.consents import record_consent
from domain.customers.actions.spending import refresh_ranking
from domain.customers.model import Customer
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.profiles import Buyer, CustomerDetails
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.customers.family_changing import add_customers, id_of, join, part
from tests.orders.shop import Input, perform, with_organisation

LISTS = ("orders", "creditNotes", "consentHistory", "timeline")
SIZE = 3
"""Records in the family; each has every third document."""


async def fill(works: Works) -> list[UUID]:
    """Add three customers with seven orders, credit notes and consents, of which some are of the same moment."""
    keys = await add_customers(works, *(CustomerDetails(external_id=f"k-{number}") for number in range(SIZE)))
    lines = [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))]
    orders, notes = [], []
    for number in range(7):
        at, buyer = NOW - timedelta(hours=number // 2), Buyer(external_id=f"k-{number % SIZE}")
        name = str(number)
        orders.append(
            OrderDetails(
                external_id=name,
                placed_at=at,
                currency_code="USD" if number % 2 else "EUR",
                lines=lines,
                buyer=buyer,
            )
        )
        notes.append(CreditNoteDetails(external_id=name, issued_at=at, currency_code="EUR", lines=lines, buyer=buyer))
        said = ConsentDetails(
            purpose=ConsentPurpose.MARKETING, channel=None, decision=ConsentDecision.GRANTED, decided_at=at
        )
        await say(works, keys[number % SIZE], said)
    await works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    await works.perform(lambda work: upsert_credit_notes(work, notes=notes), actor=SYSTEM, action="test")
    return keys


async def say(works: Works, key: UUID, said: ConsentDetails) -> None:
    """Record a decision."""
    await perform(works, lambda work: record_consent(work, customer_id=key, details=said))


async def read_page(client: Client, key: UUID, name: str, **page: Any) -> Input:  # noqa: ANN401
    """Return a page of one of a customer's lists."""
    query = f"""query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{ customer(id: $id) {{
      {name}(first: $first, after: $after, last: $last, before: $before) {{ nodes {{ id }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"""
    answer = await client.ask(query, {"id": id_of(key), **page})
    found: Input = answer.data["customer"][name]
    return found


async def walk(client: Client, key: UUID, name: str, *, size: int, is_backward: bool) -> list[str]:
    """Return the ids of a whole list, read page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        words = ("last", "before") if is_backward else ("first", "after")
        page = await read_page(client, key, name, **dict(zip(words, (size, cursor), strict=True)))
        found = [node["id"] for node in page["nodes"]]
        ids = [*found, *ids] if is_backward else [*ids, *found]
        cursor = page["pageInfo"]["startCursor" if is_backward else "endCursor"]
        if not page["pageInfo"]["hasPreviousPage" if is_backward else "hasNextPage"]:
            return ids


async def test_a_familys_lists_are_walked_without_a_gap(client: Client) -> None:
    """Page by page, forwards and backwards, each list is what it is in one piece; nothing comes twice."""
    keys = await fill(client.works)
    await join(client.works, keys[1], keys[2])
    await join(client.works, keys[0], keys[1])
    for name in LISTS:
        whole = [node["id"] for node in (await read_page(client, keys[0], name, first=100))["nodes"]]
        assert len(whole) == len(set(whole)) == (21 if name == "timeline" else 7)
        for size in (1, 2, 7):
            assert await walk(client, keys[0], name, size=size, is_backward=False) == whole
            assert await walk(client, keys[0], name, size=size, is_backward=True) == whole


async def test_a_page_goes_on_over_a_merge(client: Client) -> None:
    """Who reads on with the cursor of before finds what is older, of both; undone, of the one alone."""
    keys = await fill(client.works)
    for name in LISTS:
        alone = [node["id"] for node in (await read_page(client, keys[0], name, first=100))["nodes"]]
        first = await read_page(client, keys[0], name, first=1)
        merge_id = await join(client.works, keys[0], keys[1])
        whole = [node["id"] for node in (await read_page(client, keys[0], name, first=100))["nodes"]]
        after = first["pageInfo"]["endCursor"]
        rest = await read_page(client, keys[0], name, first=100, after=after)
        assert [node["id"] for node in rest["nodes"]] == whole[whole.index(alone[0]) + 1 :]
        await part(client.works, merge_id)
        rest = await read_page(client, keys[0], name, first=100, after=after)
        assert [node["id"] for node in rest["nodes"]] == alone[1:]


async def test_another_currency_is_added_up_over_the_family(works: Works) -> None:
    """Where the organisation changes its currency, lists are ordered by what families brought in the new one."""
    keys = await fill(works)
    merge_id = await join(works, keys[0], keys[1])
    assert await nets(works, keys) == [Decimal(-2), Decimal(0), Decimal(-1)]
    dollars = with_organisation(works, Organisation(currency_code="USD"))
    await dollars.perform(lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="test")
    assert await nets(works, keys) == [Decimal(2), Decimal(0), Decimal(1)]
    await part(dollars, merge_id)
    assert await nets(works, keys) == [Decimal(1), Decimal(1), Decimal(1)]


async def nets(works: Works, keys: Sequence[UUID]) -> list[Decimal]:
    """Return by what each customer is ordered."""
    async with works.database.reading() as session:
        rows = await session.execute(select(Customer.id, Customer.net_spent))
        found = {row.id: row.net_spent for row in rows}
    return [found[key] for key in keys]
