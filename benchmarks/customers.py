"""Customers by the million, written straight into the tables: many of them equal in what lists are ordered by.

Of each hundred one was merged with the one before. Customer `number` of any database is found by the same signs.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from benchmarks.bulk import FORMS, Form, Values, writing
from benchmarks.databases import NOW, open_works
from benchmarks.names import FAMILY_NAMES, FAMILY_WEIGHTS, GIVEN_NAMES, GIVEN_WEIGHTS, Name
from domain.base.actors import SYSTEM
from domain.base.columns import to_micros
from domain.base.model import Base
from domain.customers.actions.spending import refresh_ranking
from domain.customers.model import (
    Customer,
    CustomerIdentity,
    CustomerMerge,
    CustomerRecord,
    CustomerSpending,
    CustomerTerm,
)
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.search import TermKind
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import StoreDetails

STORE = StoreDetails(
    code="uk", name="United Kingdom", country="GB", locale="en-GB", currency_code="GBP", time_zone="Europe/London"
)
COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Customer: (
        "id", "external_id", "email", "phone", "given_name", "family_name", "country", "sort_name", "rank_key",
        "version", "created_at", "updated_at", "is_absorbed", "order_count", "net_spent", "first_order_at",
        "last_order_at", "last_order_key",
    ),
    CustomerRecord: (
        "id", "canonical_id", "external_id", "email", "phone", "given_name", "family_name", "country", "emptied",
        "version", "created_at", "updated_at",
    ),
    CustomerMerge: ("id", "survivor_id", "absorbed_id", "first_id", "second_id", "state", "evidence", "merged_at"),
    CustomerSpending: ("customer_id", "currency_code", "order_count", "ordered", "credited", "net"),
    CustomerIdentity: (
        "id", "customer_id", "kind", "namespace", "value", "verification", "source", "first_seen_at", "last_seen_at",
    ),
    CustomerTerm: ("subject_id", "kind", "term", "customer_id"),
}  # fmt: skip
START = datetime(2020, 1, 1, tzinfo=UTC)
START_MILLIS = to_micros(START) // 1_000
CHUNK = 50_000
MERGED_EVERY = 100

Rows = dict[type[Base], list[Values]]


def phone_of(number: int) -> str:
    """Return the telephone number of a customer."""
    return f"+44740{number:07d}"


def external_id_of(number: int) -> str:
    """Return the shop's own id of a customer."""
    return str(10_000_000 + number)


def order_number_of(number: int) -> str:
    """Return the number of the one order of a customer that is indexed."""
    return f"R-{20_000_000 + number}"


def fill(kind: str, url: str, count: int) -> None:
    """Put a store and so many customers with what they spent and are found by into an empty database."""
    asyncio.run(_fill(kind, url, count))


async def _fill(kind: str, url: str, count: int) -> None:
    works = open_works(url)
    await works.perform(lambda work: upsert_store(work, details=STORE), actor=SYSTEM, action="storeUpsert")
    # As a shop's first ranking is made while it is small.
    await works.perform(lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh")
    await works.database.dispose()
    async with writing(kind, url, emptied=COLUMNS) as bulk:
        for rows in _chunks(_Crowd(FORMS[kind]), count):
            for table, columns in COLUMNS.items():
                await bulk.write(table, columns, rows[table])


def rank(url: str) -> None:
    """Rank all customers by their value, as an import does at its end."""

    async def ranked() -> None:
        works = open_works(url)
        await works.perform(lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh")
        await works.database.dispose()

    asyncio.run(ranked())


def _chunks(crowd: "_Crowd", count: int) -> Iterator[Rows]:
    for start in range(0, count, CHUNK):
        rows: Rows = defaultdict(list)
        for number in range(start, min(start + CHUNK, count)):
            crowd.add(rows, number)
        yield rows


class _Crowd:
    """Makes customers, the same ones each time.

    A fifth never ordered; half ordered once; prices are those of a shop, so sums repeat; imports and
    nightly jobs give thousands the same instants; names are as frequent as names are.
    """

    def __init__(self, form: Form) -> None:
        self._chance = Random(2026)  # noqa: S311  the same customers each time
        self._form = form
        self._previous: Any = None

    def add(self, rows: Rows, number: int) -> None:
        """Add what is known of one customer; the last of each hundred was absorbed by the one before."""
        instant, chance = self._form.instant, self._chance
        key, place = self._new_key(number), number % MERGED_EVERY
        is_absorbed, version = place == MERGED_EVERY - 1, 2 if place == MERGED_EVERY - 2 else 1
        made_at = START + timedelta(days=chance.randrange(2_000)) * (chance.random() < 0.5)
        since, until = instant(made_at), instant(min(made_at + timedelta(days=100), NOW))
        given, family = self._given(), chance.choices(FAMILY_NAMES, cum_weights=FAMILY_WEIGHTS)[0]
        email = f"{given.words[0]}.{family.words[0]}.{number}@example.org"
        profile = (external_id_of(number), email, phone_of(number), given.written, family.written, "GB")
        count, spent, last = (0, 0, None) if is_absorbed else self._orders()
        last_at = None if last is None else instant(last)
        rows[Customer].append((
            key, *profile, f"{given.folded} {family.folded}", profile[0], version, since, until, is_absorbed, count,
            spent, last_at, last_at, 0 if last is None else to_micros(last),
        ))  # fmt: skip
        pair = (self._previous if is_absorbed else key, key)
        rows[CustomerRecord].append((key, pair[0], *profile, "[]", 1, since, until))
        rows[CustomerSpending].append((key, "GBP", count, spent, 0, spent))
        if is_absorbed:
            rows[CustomerMerge].append((self._new_key(number), *pair, *pair, "APPLIED", "[]", until))
        self._identify(rows, number, key, (profile[0], email, profile[2]), (since, until))
        self._index(rows, number, key, {*given.words, *family.words}, email)
        self._previous = key

    def _orders(self) -> tuple[int, int, datetime | None]:
        """Return how often somebody ordered, for how much, and when last."""
        chance = self._chance
        if chance.random() < 0.2:
            return 0, 0, None
        count = min(int(chance.paretovariate(1.2)), 400)
        spent = sum(chance.choices((1_995, 2_550, 4_900, 9_995, 12_000), k=min(count, 12))) * 100
        return count, spent, START + timedelta(days=chance.randrange(2_500), minutes=10 * chance.randrange(60))

    def _identify(self, rows: Rows, number: int, key: Any, values: tuple[str, str, str], seen: tuple[Any, Any]) -> None:  # noqa: ANN401
        """Add by what the customer is recognised; of every second one e-mail and telephone are verified."""
        contact = IdentityVerification.VERIFIED if number % 2 else IdentityVerification.UNVERIFIED
        for (kind, verification), value in zip(
            (
                (IdentityKind.EXTERNAL_ACCOUNT, IdentityVerification.VERIFIED),
                (IdentityKind.EMAIL, contact),
                (IdentityKind.PHONE, contact),
            ),
            values,
            strict=True,
        ):
            signs = (kind, "", value, verification, IdentitySource.PROFILE, *seen)
            rows[CustomerIdentity].append((self._new_key(number), key, *signs))

    def _index(self, rows: Rows, number: int, key: Any, words: set[str], email: str) -> None:  # noqa: ANN401
        """Add what the customer is found by, their order's number included."""
        phone = phone_of(number)
        terms = [(TermKind.NAME, word) for word in words]
        terms += [
            (TermKind.EMAIL, email),
            (TermKind.PHONE, phone[1:]),
            (TermKind.PHONE, phone[3:]),
            (TermKind.EXTERNAL_ID, external_id_of(number)),
        ]
        rows[CustomerTerm] += [(key, kind, term, key) for kind, term in terms]
        order_number = order_number_of(number).lower()
        rows[CustomerTerm].append((self._new_key(number), TermKind.ORDER_NUMBER, order_number, key))

    def _given(self) -> Name:
        """Return a given name; every twelfth customer has two."""
        chance = self._chance
        first, *more = chance.choices(GIVEN_NAMES, cum_weights=GIVEN_WEIGHTS, k=1 + (chance.random() < 1 / 12))
        return first.joined(more[0]) if more else first

    def _new_key(self, number: int) -> Any:  # noqa: ANN401  as the database keeps it
        """Return a UUID of version 7: its first 48 bits are the milliseconds."""
        millis = START_MILLIS + number
        return self._form.key(UUID(int=millis << 80 | 7 << 76 | 2 << 62 | self._chance.getrandbits(62)))
