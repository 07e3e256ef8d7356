"""Families of customers: as quick to merge, to take apart and to read however much belongs to them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from benchmarks.asking import Shop, Variables, asked_in_turns, asking, compared, milliseconds
from benchmarks.bulk import FORMS, Values, writing
from benchmarks.customers import STORE
from benchmarks.databases import KINDS, NOW, Place, open_works
from domain.base.actors import SYSTEM
from domain.base.identifiers import new_id
from domain.base.model import Base
from domain.base.work import Works
from domain.customers.actions.profiles import create_customer
from domain.customers.model import CustomerSpending, CustomerTerm, TimelineEntry
from domain.customers.repository.timeline import NEWEST_ENTRIES
from domain.customers.rules.profiles import CustomerDetails
from domain.customers.rules.search import TermKind
from domain.identity.actions.stores import upsert_store
from domain.orders.model import CreditNote, Order
from schema.base.ids import global_id

FAMILY_SIZES = (1, 10)
ORDERS_OF_EACH = 10
NOTES = 10
PRICE = 100_000  # ten-thousandths

PROFILE = """query($id: ID!) { customer(id: $id) {
  id displayName externalId email phone version lifecycleStage tags
  value { orderCount netSpent { amount } averageOrder { amount } decile }
  identities { kind value verification }
  consents { purpose channel decision }
  merges { id mergedAt }
  orders(first: 10) { totalCount nodes { number placedAt total { amount } } }
  creditNotes(first: 10) { totalCount nodes { number } }
  timeline(first: 10) { nodes { occurredAt summary } } } }"""
MERGE = """mutation($survivor: ID!, $absorbed: ID!) {
  customerMerge(input: {survivorId: $survivor, absorbedId: $absorbed}) { merge { id } userErrors { code message } } }"""
UNMERGE = """mutation($merge: ID!) {
  customerUnmerge(input: {mergeId: $merge}) { survivor { id } userErrors { code message } } }"""
TIMELINE = """query($id: ID!, $after: String, $kind: [TimelineKind!]) { customer(id: $id) {
  timeline(first: 50, after: $after, kind: $kind) {
    nodes { id occurredAt summary } pageInfo { hasNextPage endCursor } } } }"""

COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Order: (
        "id", "external_id", "number", "store_id", "customer_id", "placed_at", "state", "currency_code", "total",
        "shipping_total", "discount_total", "tax_total", "paid", "created_at", "updated_at",
    ),
    CreditNote: (
        "id", "external_id", "number", "customer_id", "issued_at", "currency_code", "total", "created_at", "updated_at",
    ),
    TimelineEntry: ("id", "kind", "customer_id", "occurred_at"),
    CustomerTerm: ("subject_id", "kind", "term", "customer_id"),
    CustomerSpending: (
        "customer_id", "currency_code", "order_count", "ordered", "credited", "net", "first_order_at", "last_order_at",
    ),
}  # fmt: skip

Figures = dict[str, list[dict[str, Any]]]


def measure(place: Place, orders: tuple[int, int], entries: tuple[int, int], tell: Callable[[str], None]) -> Figures:
    """Return how long it takes to read families, to merge customers with so many orders, to page such timelines."""
    figures: Figures = {"families": [], "merges": [], "timelines": []}
    for kind in KINDS:
        with place.migrated(kind) as url:
            tell(f"families, {kind}")
            for name, rows in asyncio.run(_measure(kind, url, orders, entries)).items():
                figures[name] += rows
    return figures


async def _measure(kind: str, url: str, orders: tuple[int, int], entries: tuple[int, int]) -> Figures:
    works = open_works(url)
    store_id = await works.perform(lambda work: upsert_store(work, details=STORE), actor=SYSTEM, action="storeUpsert")
    relatives = [await _new_customer(works) for _ in range(sum(FAMILY_SIZES))]
    pairs = [(await _new_customer(works), await _new_customer(works), count) for count in orders]
    loners = [(await _new_customer(works), count) for count in entries]
    await works.database.dispose()
    counts = [(key, ORDERS_OF_EACH) for key in relatives] + loners
    counts += [(key, count) for *both, count in pairs for key in both]
    await _add_documents(kind, url, store_id, counts)
    async with asking(open_works(url)) as shop:
        return {
            "families": [{"database": kind} | await _reading(shop, relatives)],
            "merges": [{"database": kind} | row for row in await _merging(shop, pairs)],
            "timelines": [{"database": kind} | row for row in await _paging(shop, loners)],
        }


async def _new_customer(works: Works) -> UUID:
    key = new_id()
    details = CustomerDetails(
        external_id=key.hex, given_name=key.hex[-8:], family_name="Family", email=f"{key.hex}@example.org"
    )
    return await works.perform(
        lambda work: create_customer(work, details=details), actor=SYSTEM, action="customerCreate"
    )


async def _add_documents(kind: str, url: str, store_id: UUID, counts: Sequence[tuple[UUID, int]]) -> None:
    """Give each customer so many orders, and a few credit notes between them."""
    form = FORMS[kind]
    async with writing(kind, url) as bulk:
        for customer_id, count in counts:
            owner, store = form.key(customer_id), form.key(store_id)
            instants = [form.instant(NOW - timedelta(minutes=10 * number)) for number in range(count)]
            rows: dict[type[Base], list[Values]] = {table: [] for table in COLUMNS}
            for at in instants:
                _add_order(rows, form.key(new_id()), store, owner, at)
            noted = instants[:: max(1, count // NOTES)][:NOTES]
            for at in noted:
                _add_note(rows, form.key(new_id()), owner, at)
            ordered, credited = count * PRICE, len(noted) * PRICE
            spent = (owner, "GBP", count, ordered, credited, ordered - credited, instants[-1], instants[0])
            rows[CustomerSpending].append(spent)
            for table, columns in COLUMNS.items():
                await bulk.write(table, columns, rows[table])


def _add_order(rows: dict[type[Base], list[Values]], key: Any, store: Any, owner: Any, at: Any) -> None:  # noqa: ANN401
    number = str(key)
    amounts = (PRICE, 0, 0, 0, PRICE)
    rows[Order].append((key, number, number, store, owner, at, "PLACED", "GBP", *amounts, at, at))
    rows[TimelineEntry].append((key, "ORDER", owner, at))
    rows[CustomerTerm].append((key, TermKind.ORDER_NUMBER, number, owner))


def _add_note(rows: dict[type[Base], list[Values]], key: Any, owner: Any, at: Any) -> None:  # noqa: ANN401
    number = str(key)
    rows[CreditNote].append((key, number, number, owner, at, "GBP", PRICE, at, at))
    rows[TimelineEntry].append((key, "CREDIT_NOTE", owner, at))


async def _reading(shop: Shop, relatives: Sequence[UUID]) -> dict[str, Any]:
    """Compare one customer who was never merged with one who was, with nine others."""
    alone, survivor, *absorbed = relatives
    for other in absorbed:
        await _merge(shop, survivor, other)
    asked = [{"id": global_id("Customer", key)} for key in (alone, survivor)]
    statements = []
    for variables in asked:
        await shop.ask(PROFILE, variables)
        with shop.hearing() as heard:
            await shop.ask(PROFILE, variables)
        statements.append(sum(1 for statement, _ in heard if statement.lstrip().startswith(("SELECT", "WITH"))))
    times = await asked_in_turns(PROFILE, *((shop, each) for each in asked))
    counted = {f"statements_{size}": count for size, count in zip(FAMILY_SIZES, statements, strict=True)}
    return counted | compared(FAMILY_SIZES, times)


async def _merging(shop: Shop, pairs: Sequence[tuple[UUID, UUID, int]]) -> list[dict[str, Any]]:
    """Compare pairs of customers who have more and more orders; each is merged and taken apart again."""
    merges: dict[int, str] = {}

    def merge(survivor: UUID, absorbed: UUID, count: int) -> Callable[[], Any]:
        async def step() -> None:
            merges[count] = await _merge(shop, survivor, absorbed)

        return step

    def unmerge(count: int) -> Callable[[], Any]:
        async def step() -> None:
            answer = (await shop.ask(UNMERGE, {"merge": merges[count]}))["customerUnmerge"]
            _expect(answer, answer["survivor"])

        return step

    steps = [merge(*pair) for pair in pairs] + [unmerge(count) for *_, count in pairs]
    times = await milliseconds(*steps)
    sizes = [count for *_, count in pairs]
    return [
        {"orders of both": f"{sizes[0]:,} and {sizes[1]:,}", "step": "merge", **compared(sizes, times[:2])},
        {"orders of both": f"{sizes[0]:,} and {sizes[1]:,}", "step": "unmerge", **compared(sizes, times[2:])},
    ]


async def _merge(shop: Shop, survivor: UUID, absorbed: UUID) -> str:
    variables = {"survivor": global_id("Customer", survivor), "absorbed": global_id("Customer", absorbed)}
    answer = (await shop.ask(MERGE, variables))["customerMerge"]
    _expect(answer, answer["merge"])
    return str(answer["merge"]["id"])


def _expect(answer: dict[str, Any], found: object) -> None:
    if found is None:
        message = f"refused: {answer['userErrors']}"
        raise RuntimeError(message)


async def _paging(shop: Shop, loners: Sequence[tuple[UUID, int]]) -> list[dict[str, Any]]:
    """Compare the first page, one in the middle and one of a rare kind."""
    ids = [global_id("Customer", key) for key, _ in loners]
    sizes = [count for _, count in loners]
    middles = [await _middle(shop, key, count) for key, count in loners]
    rows = []
    pages: dict[str, list[Variables]] = {
        "first": [{}, {}],
        "middle": [{"after": cursor} for cursor in middles],
        "of the rare kind": [{"kind": ["CREDIT_NOTE"]}] * 2,
    }
    for page, more in pages.items():
        asked = [{"id": key, **each} for key, each in zip(ids, more, strict=True)]
        shown = [(await shop.ask(TIMELINE, each))["customer"]["timeline"]["nodes"] for each in asked]
        if len(shown[0]) != len(shown[1]):
            message = f"two pages that cannot be compared: {[len(nodes) for nodes in shown]}"
            raise RuntimeError(message)
        times = await asked_in_turns(TIMELINE, *((shop, each) for each in asked))
        rows.append({"page": page, "items": len(shown[0]), **compared(sizes, times)})
    return rows


async def _middle(shop: Shop, key: UUID, count: int) -> str:
    """Return the cursor in the middle of a timeline."""
    async with shop.works.database.reading() as session:
        statement = (
            select(*TimelineEntry.__table__.c)
            .where(TimelineEntry.customer_id == key)
            .order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc())
            .offset(count // 2)
            .limit(1)
        )
        return NEWEST_ENTRIES.cursor((await session.execute(statement)).one())
