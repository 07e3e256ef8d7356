"""The data on which all servers answer: the product's own tables, filled with the same rows each time.

Of `count` customers each has at least one order, the busiest some sixty; there are five times as many orders, with
one to three lines each, and half as many credit notes, with one line each.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from benchmarks.bulk import FORMS, Form, Values, writing
from benchmarks.databases import open_works
from benchmarks.names import FAMILY_NAMES, FAMILY_WEIGHTS, GIVEN_NAMES, GIVEN_WEIGHTS
from domain.base.actors import SYSTEM
from domain.base.columns import to_micros
from domain.base.model import Base
from domain.customers.actions.spending import refresh_ranking
from domain.customers.model import Customer, CustomerRecord, CustomerSpending, TimelineEntry
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import StoreDetails
from domain.orders.model import CreditNote, CreditNoteLine, Order, OrderLine
from domain.orders.rules import OrderState

ORDERS_EACH = 5
CREDIT_NOTES_EACH = 0.5
CURRENCY = "EUR"
STORE = StoreDetails(
    code="main", name="Main", country="DE", locale="de-DE", currency_code=CURRENCY, time_zone="Europe/Berlin"
)
COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Customer: (
        "id", "external_id", "email", "phone", "given_name", "family_name", "locale", "country", "sort_name",
        "rank_key", "version", "created_at", "updated_at", "is_absorbed", "order_count", "net_spent", "first_order_at",
        "last_order_at", "last_order_key",
    ),
    CustomerRecord: (
        "id", "canonical_id", "external_id", "email", "phone", "given_name", "family_name", "locale", "country",
        "emptied", "version", "created_at", "updated_at",
    ),
    CustomerSpending: (
        "customer_id", "currency_code", "order_count", "ordered", "credited", "net", "first_order_at", "last_order_at",
    ),
    Order: (
        "id", "external_id", "number", "store_id", "customer_id", "placed_at", "state", "currency_code",
        "shipping_country", "total", "shipping_total", "discount_total", "tax_total", "paid", "created_at",
        "updated_at",
    ),
    OrderLine: (
        "id", "order_id", "position", "sku", "title", "quantity", "delivered_quantity", "returned_quantity",
        "unit_price", "total", "is_returnable",
    ),
    CreditNote: (
        "id", "external_id", "number", "customer_id", "order_id", "issued_at", "currency_code", "total", "created_at",
        "updated_at",
    ),
    CreditNoteLine: ("id", "credit_note_id", "position", "sku", "title", "quantity", "unit_price", "total"),
    TimelineEntry: ("id", "kind", "customer_id", "occurred_at", "store_id"),
}  # fmt: skip
START = datetime(2018, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=5 * 365)
"""The customers became known in it; their orders follow within `ORDERING`."""

ORDERING = timedelta(days=700)
ARTICLES = [
    (f"SKU-{number:05d}", f"Article {number}, as the shop calls it", 10_000 + 2_500 * (number % 197))
    for number in range(2_000)
]
CHUNK = 10_000

Rows = dict[type[Base], list[Values]]


def fill(kind: str, url: str, count: int) -> None:
    """Put a store and so many customers with all that is theirs into a migrated, empty database."""
    asyncio.run(_fill(kind, url, count))


async def _fill(kind: str, url: str, count: int) -> None:
    works = open_works(url)
    store_id = await works.perform(lambda work: upsert_store(work, details=STORE), actor=SYSTEM, action="storeUpsert")
    await works.database.dispose()
    async with writing(kind, url, emptied=COLUMNS) as bulk:
        for rows in _chunks(_Shop(FORMS[kind], store_id, count), count):
            for table, columns in COLUMNS.items():
                await bulk.write(table, columns, rows[table])
    works = open_works(url)
    await works.perform(lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh")
    await works.database.dispose()


def _chunks(shop: "_Shop", count: int) -> Iterator[Rows]:
    for start in range(0, count, CHUNK):
        rows: Rows = defaultdict(list)
        for number in range(start, min(start + CHUNK, count)):
            shop.add(rows, number)
        yield rows


class _Shop:
    """Makes customers with their orders, the same ones each time."""

    def __init__(self, form: Form, store_id: UUID, count: int) -> None:
        self._chance = Random(2026)  # noqa: S311  the same data each time
        self._form = form
        self._store_key = form.key(store_id)
        self._step = SPAN / count
        weights = [self._chance.expovariate(1) for _ in range(count)]
        more = Counter(self._chance.choices(range(count), weights, k=count * (ORDERS_EACH - 1)))
        self._order_counts = [1 + more[number] for number in range(count)]
        orders = count * ORDERS_EACH
        self._credited = set(self._chance.sample(range(orders), int(count * CREDIT_NOTES_EACH)))
        self._orders_made = 0

    def add(self, rows: Rows, number: int) -> None:
        """Add a customer with all that is theirs."""
        chance, instant = self._chance, self._form.instant
        known_at = START + number * self._step
        key = self._new_key(known_at)
        placed = sorted(known_at + chance.random() * ORDERING for _ in range(self._order_counts[number]))
        ordered = credited = 0
        for placed_at in placed:
            total, credit = self._add_order(rows, key, placed_at)
            ordered, credited = ordered + total, credited + credit
        given = chance.choices(GIVEN_NAMES, cum_weights=GIVEN_WEIGHTS)[0]
        family = chance.choices(FAMILY_NAMES, cum_weights=FAMILY_WEIGHTS)[0]
        external_id = str(10_000_000 + number)
        email = f"{given.words[0]}.{family.words[0]}.{number}@example.org"
        profile = (external_id, email, f"+49151{number:08d}", given.written, family.written, "de-DE", "DE")
        at, first_at, last_at = instant(known_at), instant(placed[0]), instant(placed[-1])
        rows[Customer].append((
            key, *profile, f"{given.folded} {family.folded}", external_id, 1, at, at, False, len(placed),
            ordered - credited, first_at, last_at, to_micros(placed[-1]),
        ))  # fmt: skip
        rows[CustomerRecord].append((key, key, *profile, "[]", 1, at, at))
        sums = (len(placed), ordered, credited, ordered - credited)
        rows[CustomerSpending].append((key, CURRENCY, *sums, first_at, last_at))

    def _add_order(self, rows: Rows, customer_key: Any, placed_at: datetime) -> tuple[int, int]:  # noqa: ANN401
        """Add an order and perhaps a credit note; return the amounts of both."""
        key, number, at = self._new_key(placed_at), self._orders_made, self._form.instant(placed_at)
        self._orders_made += 1
        total = 0
        articles = self._chance.sample(ARTICLES, self._chance.randint(1, 3))
        for position, (sku, title, price) in enumerate(articles):
            quantity = self._chance.randint(1, 4)
            total += quantity * price
            rows[OrderLine].append((
                self._new_key(placed_at), key, position, sku, title, quantity, 0, 0, price, quantity * price, True,
            ))  # fmt: skip
        rows[Order].append((
            key, f"O-{number}", f"R-{20_000_000 + number}", self._store_key, customer_key, at, OrderState.PLACED,
            CURRENCY, "DE", total, 0, 0, 0, total, at, at,
        ))  # fmt: skip
        rows[TimelineEntry].append((key, "ORDER", customer_key, at, self._store_key))
        if number not in self._credited:
            return total, 0
        return total, self._add_credit_note(rows, (customer_key, key), number, placed_at)

    def _add_credit_note(self, rows: Rows, keys: tuple[Any, Any], number: int, placed_at: datetime) -> int:
        """Add a credit note on one piece of the order's first article; return its amount."""
        issued_at = placed_at + timedelta(days=self._chance.randint(1, 30))
        key, at = self._new_key(issued_at), self._form.instant(issued_at)
        sku, title, price = self._chance.choice(ARTICLES)
        name = f"C-{number}"
        rows[CreditNote].append((key, name, name, *keys, at, CURRENCY, price, at, at))
        rows[CreditNoteLine].append((self._new_key(issued_at), key, 0, sku, title, 1, price, price))
        rows[TimelineEntry].append((key, "CREDIT_NOTE", keys[0], at, self._store_key))
        return price

    def _new_key(self, at: datetime) -> Any:  # noqa: ANN401  as the database keeps it
        """Return a UUID of version 7: its first 48 bits are the milliseconds."""
        millis = to_micros(at) // 1_000
        return self._form.key(UUID(int=millis << 80 | 7 << 76 | 2 << 62 | self._chance.getrandbits(62)))
