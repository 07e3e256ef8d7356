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

from benchmarks.bulk import FORMS, Form, Row, writing
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
from domain.identity.actions import upsert_store
from domain.identity.rules import StoreDetails

STORE = StoreDetails(
    code="uk", name="United Kingdom", country="GB", locale="en-GB", currency_code="GBP", time_zone="Europe/London"
)
COLUMNS = {
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
CHUNK = 50_000
MERGED_EVERY = 100

Rows = dict[type[Base], list[Row]]


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
        self._survivor = UUID(int=0)

    def add(self, rows: Rows, number: int) -> None:
        """Add what is known of one customer."""
        chance, instant, key = self._chance, self._form.instant, self._form.key
        # A UUID of version 7: its first 48 bits are the milliseconds.
        identifier = UUID(int=(to_micros(START) // 1_000 + number) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))
        own = key(identifier)
        place = number % MERGED_EVERY
        is_absorbed, version = place == MERGED_EVERY - 1, 2 if place == MERGED_EVERY - 2 else 1
        canonical = key(self._survivor) if is_absorbed else own
        made_at = START + timedelta(days=chance.randrange(2_000)) * (chance.random() < 0.5)
        since, until = instant(made_at), instant(min(made_at + timedelta(days=100), NOW))
        given, family = self._given(), chance.choices(FAMILY_NAMES, cum_weights=FAMILY_WEIGHTS)[0]
        email = f"{given.words[0]}.{family.words[0]}.{number}@example.org"
        phone, external_id = phone_of(number), external_id_of(number)
        profile = (external_id, email, phone, given.written, family.written, "GB")
        orders = 0 if is_absorbed or chance.random() < 0.2 else min(int(chance.paretovariate(1.2)), 400)
        spent = sum(chance.choice((1_995, 2_550, 4_900, 9_995, 12_000)) for _ in range(min(orders, 12))) * 100
        last = START + timedelta(days=chance.randrange(2_500), minutes=10 * chance.randrange(60)) if orders else None
        last_at = None if last is None else instant(last)
        rows[Customer].append((
            own, *profile, f"{given.folded} {family.folded}", external_id, version, since, until, is_absorbed, orders,
            spent, last_at, last_at, 0 if last is None else to_micros(last),
        ))  # fmt: skip
        rows[CustomerRecord].append((own, canonical, *profile, "[]", 1, since, until))
        rows[CustomerSpending].append((own, "GBP", orders, spent, 0, spent))
        if is_absorbed:
            pair = (canonical, own)
            rows[CustomerMerge].append((key(self._new_id(number)), *pair, *pair, "APPLIED", "[]", until))
        self._survivor = identifier
        for kind, value in (
            (IdentityKind.EXTERNAL_ACCOUNT, external_id),
            (IdentityKind.EMAIL, email),
            (IdentityKind.PHONE, phone),
        ):
            is_verified = kind is IdentityKind.EXTERNAL_ACCOUNT or number % 2
            verification = IdentityVerification.VERIFIED if is_verified else IdentityVerification.UNVERIFIED
            signs = (kind, "", value, verification, IdentitySource.PROFILE, since, until)
            rows[CustomerIdentity].append((key(self._new_id(number)), own, *signs))
        words: dict[tuple[str, str], Any] = dict.fromkeys(
            [(TermKind.NAME, word) for word in (*given.words, *family.words)]
        )
        terms = [
            *words,
            (TermKind.EMAIL, email),
            (TermKind.PHONE, phone[1:]),
            (TermKind.PHONE, phone[3:]),
            (TermKind.EXTERNAL_ID, external_id),
        ]
        rows[CustomerTerm] += [(own, term_kind, term, own) for term_kind, term in terms]
        order_id = key(self._new_id(number))
        rows[CustomerTerm].append((order_id, TermKind.ORDER_NUMBER, order_number_of(number).lower(), own))

    def _given(self) -> Name:
        """Return a given name; every twelfth customer has two."""
        chance = self._chance
        first, *more = chance.choices(GIVEN_NAMES, cum_weights=GIVEN_WEIGHTS, k=1 + (chance.random() < 1 / 12))
        for each in more:
            first = Name(
                f"{first.written} {each.written}", f"{first.folded} {each.folded}", (*first.words, *each.words)
            )
        return first

    def _new_id(self, number: int) -> UUID:
        return UUID(int=(to_micros(START) // 1_000 + number) << 80 | 7 << 76 | 2 << 62 | self._chance.getrandbits(62))
