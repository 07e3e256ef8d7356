"""Makes up histories of customers, from a seed: what happens, and what the plain model makes of it."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from domain.base.changes import UNCHANGED
from domain.base.work import Work
from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import add_identity, share_identity, take_identity_away, verify_identity
from domain.customers.actions.merges import merge_customers, reject_merge, unmerge_customers
from domain.customers.actions.profiles import create_customer, update_customer
from domain.customers.rules.attributes import AttributeAudience, AttributeChange, AttributeType, DefinitionDetails
from domain.customers.rules.consents import ChannelKind, ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.orders.actions.credit_notes import upsert_credit_note
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails
from tests.conftest import NOW
from tests.customers.family_words import ATTRIBUTES, tags_of, values_of
from tests.customers.family_writes import Fresh, Model, Refused

FIRST_CUSTOMERS = 5

ACCOUNTS = [f"k-{number}" for number in range(8)]
EMAILS = [f"{name}@shop.test" for name in ("ada", "bob", "cleo", "dan", "eve")]
PHONES = ["+390669812345", "+4930901820", "+442079460000"]
HANDLES = ["quill", "rook"]
GIVEN = ["Wilhelmina", "Bartholomew", "Ursula"]
FAMILY = ["Featherstone", "Quixote"]
COUNTRIES = ["IT", "DE", "FR"]
TAGS = ["vip", "press", "slow"]
ORDERS = [f"order-{number}" for number in range(10)]
NOTES = [f"note-{number}" for number in range(4)]

Made: TypeAlias = tuple[str, Callable[[Work], Awaitable[UUID]], Callable[[Fresh | None], Refused]]
"""What is to happen, in words; the write; what the model makes of it."""


def define(sort: str) -> DefinitionDetails:
    """Return an attribute that is called as its sort."""
    choices = ("gold", "silver") if sort == "choice" else ()
    return DefinitionDetails(
        key=sort,
        name=sort,
        description=None,
        type=AttributeType[sort.upper()],
        choices=choices,
        audience=AttributeAudience.STAFF,
        is_archived=False,
    )


def brief(said: Any) -> str:  # noqa: ANN401  any dataclass
    """Return what is said, without what is not."""
    told = {each.name: getattr(said, each.name) for each in fields(said)}
    return " ".join(f"{name}={value!r}" for name, value in told.items() if value not in (None, UNCHANGED))


@dataclass
class Chance:
    """Makes up what happens, from a seed."""

    seed: int
    model: Model
    proposed: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with the seed."""
        self.random = random.Random(self.seed)  # noqa: S311  a seed makes it the same each time

    def maybe(self, values: list[Any], *, odds: float = 0.5) -> Any:  # noqa: ANN401
        """Return one of the values, or None."""
        return self.random.choice(values) if self.random.random() < odds else None

    def anybody(self) -> UUID:
        """Return any customer, absorbed or not."""
        return self.random.choice(list(self.model.records))

    def buyer(self) -> Buyer | None:
        """Return a buyer, named in one way or several, or not at all."""
        email = self.maybe(EMAILS)
        made = Buyer(
            external_id=self.maybe(ACCOUNTS),
            email=email,
            is_email_verified=email is not None and self.random.random() < 0.5,
            given_name=self.maybe(GIVEN),
            family_name=self.maybe(FAMILY),
            country=self.maybe(COUNTRIES),
        )
        return made if self.random.random() < 0.95 else None

    def attributes(self) -> list[AttributeChange]:
        """Return changes of some attributes."""
        values: dict[str, list[Any]] = {
            "text": ["tall", "short"],
            "number": [Decimal("1.5"), Decimal(-3)],
            "flag": [True, False],
            "day": [date(2020, 2, 29), date(2024, 1, 1)],
            "choice": ["gold", "silver"],
        }
        keys = self.random.sample(ATTRIBUTES, self.random.randint(0, 2))
        return [AttributeChange(key=key, **{key: self.maybe(values[key], odds=0.6)}) for key in keys]

    def tags(self) -> list[str]:
        """Return some tags."""
        return self.random.sample(TAGS, self.random.randint(0, 2))

    def create(self) -> Made:
        """Add a customer."""
        details = CustomerDetails(
            external_id=self.maybe(ACCOUNTS),
            email=self.maybe(EMAILS),
            phone=self.maybe(PHONES),
            given_name=self.maybe(GIVEN),
            family_name=self.maybe(FAMILY),
            locale=self.maybe(["it-IT", "de-DE"]),
            time_zone=self.maybe(["Europe/Rome", "Europe/Berlin"]),
            birth_date=self.maybe([date(1990, 1, 1), date(1985, 5, 5)]),
            country=self.maybe(COUNTRIES),
            tags=sorted(self.tags()),
            attributes=self.attributes(),
        )
        return (
            f"create {brief(details)}",
            lambda work: create_customer(work, details=details),
            lambda fresh: self.model.create(details, fresh),
        )

    def update(self) -> Made:
        """Change some of what is said, empty some, sometimes on what somebody saw."""
        key = self.anybody()
        family = self.model.family(self.model.canonical(key))
        version = sum(record.version for record in family)
        expected = self.random.choice([None, None, version, version, version - 1])
        values: dict[str, list[Any]] = {
            "given_name": [*GIVEN, None],
            "family_name": [*FAMILY, None],
            "country": [*COUNTRIES, None],
            "locale": ["it-IT", None],
            "time_zone": ["Europe/Rome", None],
            "birth_date": [date(1990, 1, 1), None],
            "tags": [self.tags(), self.tags(), None, tags_of(family)[:1], tags_of(family)[1:]],
            "attributes": [self.attributes(), [AttributeChange(key=each) for each in values_of(family)]],
        }
        chosen = self.random.sample(list(values), self.random.randint(1, 3))
        changes = CustomerChanges(**{name: self.random.choice(values[name]) for name in chosen})
        return (
            f"update {key} at {expected}: {brief(changes)}",
            lambda work: update_customer(work, customer_id=key, changes=changes, expected_version=expected),
            lambda _: self.model.update(key, changes, expected),
        )

    def lines(self) -> list[LineDetails]:
        """Return one line."""
        price = Decimal(self.random.randint(0, 99_999)).scaleb(-4)
        return [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=price)]

    def order(self) -> Made:
        """Send an order: a new one, or one that is known, perhaps of somebody else now."""
        name = self.random.choice(ORDERS)
        order = OrderDetails(
            external_id=name,
            placed_at=NOW - timedelta(days=self.random.choice([1, 1, 100, 250, 400])),
            currency_code="USD" if name[-1] in "12" else "EUR",
            lines=self.lines(),
            buyer=self.buyer(),
            cancelled_at=self.maybe([NOW], odds=0.2),
        )

        def told(fresh: Fresh | None) -> Refused:
            assert fresh is not None
            return self.model.order(order, fresh)

        return f"order {brief(order)}", lambda work: upsert_order(work, order=order), told

    def note(self) -> Made:
        """Send a credit note, on an order or not."""
        order = self.maybe(ORDERS, odds=0.6)
        note = CreditNoteDetails(
            external_id=self.random.choice(NOTES),
            issued_at=NOW - timedelta(days=self.random.randint(0, 3)),
            currency_code="USD" if (order or "0")[-1] in "12" else "EUR",
            lines=self.lines(),
            order_external_id=order,
            buyer=self.buyer(),
        )
        return (
            f"note {brief(note)}",
            lambda work: upsert_credit_note(work, note=note),
            lambda fresh: self.model.note(note, fresh),
        )

    def identity(self) -> Made:
        """Add an identity, or vouch for one, share it, take it away."""
        done = self.random.choice(["add", "verify", "verify", "share", "remove"])
        if done == "add" or not self.model.identities:
            return self.added_identity()
        identity = self.random.choice(self.model.identities)
        told = f"{done} {brief(identity)}"
        if done == "verify":
            return (
                told,
                lambda work: verify_identity(work, identity_id=identity.key),
                lambda _: self.model.verify(identity),
            )
        if done == "remove":
            return (
                told,
                lambda work: take_identity_away(work, identity_id=identity.key),
                lambda _: self.model.remove(identity),
            )
        is_shared = not identity.is_shared
        return (
            told,
            lambda work: share_identity(work, identity_id=identity.key, is_shared=is_shared),
            lambda _: self.model.share(identity, is_shared=is_shared),
        )

    def added_identity(self) -> Made:
        """Add an identity of any kind, also to an absorbed customer."""
        key, is_shared = self.anybody(), self.random.random() < 0.2
        kind, namespace, values = self.random.choice(
            [
                ("EMAIL", "", EMAILS),
                ("PHONE", "", PHONES),
                ("SOCIAL_HANDLE", "instagram", HANDLES),
                ("EXTERNAL_ACCOUNT", "erp", ACCOUNTS[:3]),
            ]
        )
        value = self.random.choice(values)
        return (
            f"add {kind} {value} to {key}, shared: {is_shared}",
            lambda work: add_identity(
                work,
                customer_id=key,
                kind=IdentityKind(kind),
                namespace=namespace or None,
                value=value,
                is_shared=is_shared,
            ),
            lambda fresh: self.model.add_identity(key, kind, namespace, value, fresh, is_shared=is_shared),
        )

    def consent(self) -> Made:
        """Record a decision of now or of a while ago."""
        key = self.anybody()
        details = ConsentDetails(
            purpose=self.random.choice([ConsentPurpose.MARKETING, ConsentPurpose.SURVEYS]),
            channel=self.maybe([ChannelKind.EMAIL]),
            decision=self.random.choice(list(ConsentDecision)),
            decided_at=self.maybe([NOW - timedelta(days=1), NOW + timedelta(minutes=1)], odds=0.3),
        )

        def told(fresh: Fresh | None) -> Refused:
            assert fresh is not None
            return self.model.consent(key, details, fresh)

        return (
            f"consent of {key}: {brief(details)}",
            lambda work: record_consent(work, customer_id=key, details=details),
            told,
        )

    def merge(self) -> Made:
        """Merge two customers, mostly ones that can be merged."""
        pool = self.model.canonicals if self.random.random() < 0.8 else list(self.model.records)
        survivor, absorbed = self.random.choice(pool), self.random.choice(pool)
        reason = self.maybe(["They called."])
        return (
            f"merge {survivor} <- {absorbed}",
            lambda work: merge_customers(work, survivor_id=survivor, absorbed_id=absorbed, reason=reason),
            lambda fresh: self.model.merge(survivor, absorbed, reason, fresh),
        )

    def unmerge(self) -> Made:
        """Take any edge away, also one inside a tree, also one that is gone."""
        if not self.model.merges:
            return self.merge()
        pool = [merge.key for merge in self.model.applied] * 3 + list(self.model.merges)
        key = self.random.choice(pool)
        return (
            f"unmerge {brief(self.model.merges[key])}",
            lambda work: unmerge_customers(work, merge_id=key, reason=None),
            lambda _: self.model.unmerge(key),
        )

    def reject(self) -> Made:
        """Decide that two who were proposed are two."""
        if not self.proposed:
            return self.create()
        key = self.random.choice(self.proposed)

        return (
            f"reject {key}",
            lambda work: reject_merge(work, merge_id=key, reason=None),
            lambda _: self.model.rejected.add(key),
        )

    def next(self) -> Made:
        """Return what happens next."""
        if len(self.model.records) < FIRST_CUSTOMERS:
            return self.create()
        weights = {
            self.create: 2,
            self.update: 5,
            self.order: 6,
            self.note: 2,
            self.identity: 5,
            self.consent: 4,
            self.merge: 6,
            self.unmerge: 3,
            self.reject: 1,
        }
        (chosen,) = self.random.choices(list(weights), list(weights.values()))
        return chosen()
