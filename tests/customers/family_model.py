"""What the API is to show of customers, told again in plain words: loops over all there is, nothing kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

from domain.base.texts import folded
from schema.base.ids import global_id
from tests.customers.family_words import (
    NAMES,
    PROFILE,
    Answer,
    ModelRecord,
    attributes_of,
    display_name,
    ids_of,
    money,
    newest,
    page_of,
    plain,
    profile_of,
    stage,
    tags_of,
    wire,
)


@dataclass
class ModelIdentity:
    """A sign of one record."""

    key: UUID
    record: UUID
    kind: str
    namespace: str
    value: str
    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    is_verified: bool = False
    is_shared: bool = False

    def is_same(self, kind: str, namespace: str, value: str) -> bool:
        """Tell whether it is the same sign."""
        return (self.kind, self.namespace, self.value) == (kind, namespace, value)


@dataclass
class ModelOrder:
    """An order as it was sent last."""

    key: UUID
    name: str
    record: UUID | None
    contact: str | None
    placed_at: datetime
    currency: str
    total: Decimal
    is_cancelled: bool


@dataclass
class ModelNote:
    """A credit note as it was sent last."""

    key: UUID
    name: str
    record: UUID | None
    order: str | None
    issued_at: datetime
    currency: str
    total: Decimal


@dataclass(frozen=True)
class ModelConsent:
    """One decision."""

    key: UUID
    record: UUID
    purpose: str
    channel: str | None
    decision: str
    decided_at: datetime


@dataclass
class ModelMerge:
    """An edge."""

    key: UUID
    survivor: UUID
    absorbed: UUID
    merged_at: datetime
    reason: str | None
    state: str = "APPLIED"


@dataclass
class Known:
    """All that was told."""

    records: dict[UUID, ModelRecord] = field(default_factory=dict)
    identities: list[ModelIdentity] = field(default_factory=list)
    orders: dict[str, ModelOrder] = field(default_factory=dict)
    notes: dict[str, ModelNote] = field(default_factory=dict)
    consents: list[ModelConsent] = field(default_factory=list)
    merges: dict[UUID, ModelMerge] = field(default_factory=dict)
    rejected: set[UUID] = field(default_factory=set)

    @property
    def applied(self) -> list[ModelMerge]:
        """Return the edges there are, in the order in which they were drawn."""
        found = [merge for merge in self.merges.values() if merge.state == "APPLIED"]
        return sorted(found, key=lambda merge: (merge.merged_at, merge.key))

    def canonical(self, key: UUID) -> UUID:
        """Return who has the record now."""
        above = {merge.absorbed: merge.survivor for merge in self.applied}
        while key in above:
            key = above[key]
        return key

    @property
    def canonicals(self) -> list[UUID]:
        """Return everybody whom nobody absorbed."""
        absorbed = {merge.absorbed for merge in self.applied}
        return [key for key in self.records if key not in absorbed]

    def family(self, key: UUID) -> list[ModelRecord]:
        """Return the record and all below it, in the order of belief."""
        below = [merge.absorbed for merge in self.applied if merge.survivor == key]
        return [self.records[key], *(record for each in below for record in self.family(each))]

    def order_is_counted(self, name: str | None) -> bool:
        """Tell whether what was given back on this order is taken off: not where it is cancelled."""
        return name is None or not self.orders[name].is_cancelled

    def answer(self, family: Sequence[ModelRecord], *, now: datetime) -> Answer:
        """Return what is shown of these records together."""
        keys = {record.key for record in family}
        profile = profile_of(family)
        value = self.value(keys)
        orders = newest((order.placed_at, order.key, "Order") for order in self.orders.values() if order.record in keys)
        notes = newest((note.issued_at, note.key, "CreditNote") for note in self.notes.values() if note.record in keys)
        consents = newest((each.decided_at, each.key, "Consent") for each in self.consents if each.record in keys)
        return {
            "id": global_id("Customer", family[0].key),
            **{name: wire(profile[column]) for column, name in PROFILE.items()},
            "displayName": display_name(profile),
            "tags": tags_of(family),
            "attributes": attributes_of(family),
            "version": sum(record.version for record in family),
            "createdAt": plain(min(record.created_at for record in family)),
            "updatedAt": plain(max(record.updated_at for record in family)),
            "lifecycleStage": stage(value["firstOrderAt"], value["lastOrderAt"], now=now),
            "identities": self.identities_of(keys),
            "value": value,
            "orders": page_of(orders),
            "creditNotes": page_of(notes),
            "consents": self.consents_of(keys),
            "consentHistory": page_of(consents),
            "timeline": {"nodes": ids_of(newest([*orders, *notes, *consents]))},
            "documents": {"nodes": ids_of(newest([*orders, *notes]))},
        }

    def identities_of(self, keys: set[UUID]) -> list[Answer]:
        """Return by what the records are recognised."""
        found = [each for each in self.identities if each.record in keys]
        return [
            {
                "id": global_id("CustomerIdentity", each.key),
                "kind": each.kind,
                "namespace": each.namespace or None,
                "value": each.value,
                "verification": "VERIFIED" if each.is_verified else "UNVERIFIED",
                "isShared": each.is_shared,
                "source": each.source,
                "firstSeenAt": plain(each.first_seen_at),
                "lastSeenAt": plain(each.last_seen_at),
            }
            for each in sorted(found, key=lambda each: (each.first_seen_at, each.key))
        ]

    def nets(self, keys: set[UUID]) -> dict[str, Decimal]:
        """Return orders less credit notes by currency."""
        found: dict[str, Decimal] = {}
        orders = [(o.currency, o.total) for o in self.orders.values() if o.record in keys and not o.is_cancelled]
        notes = [n for n in self.notes.values() if n.record in keys and self.order_is_counted(n.order)]
        for currency, amount in [*orders, *((note.currency, -note.total) for note in notes)]:
            found[currency] = found.get(currency, Decimal(0)) + amount
        return found

    def concentration(self) -> Answer:
        """Return how much the best customers bring, as the API shows it."""
        nets = {key: self.nets({record.key for record in self.family(key)}) for key in self.canonicals}
        best = sorted((-own["EUR"], self.tie(key)) for key, own in nets.items() if "EUR" in own)
        total = -sum((net for net, _ in best), Decimal(0))
        points = []
        for percent in (1, 5, 10, 20, 50):
            count = -(-len(best) * percent // 100)
            part = -sum((net for net, _ in best[:count]), Decimal(0))
            share = (part / total).quantize(Decimal("0.000001")) if total > 0 else Decimal(0)
            points.append({"percent": percent, "customerCount": count, "share": str(share)})
        return {"customerCount": len(best), "total": money(total, "EUR"), "points": points}

    def value(self, keys: set[UUID]) -> Answer:
        """Return what the records brought."""
        orders = [each for each in self.orders.values() if each.record in keys and not each.is_cancelled]
        nets = self.nets(keys)
        own = [order.total for order in orders if order.currency == "EUR"]
        placed = sorted(order.placed_at for order in orders)
        mean = (sum(own, Decimal(0)) / len(own)).quantize(Decimal("0.0001"), ROUND_HALF_EVEN) if own else None
        return {
            "orderCount": len(orders),
            "netSpent": money(nets.get("EUR", Decimal(0)), "EUR"),
            "otherCurrencies": [money(nets[code], code) for code in sorted(nets) if code != "EUR"],
            "averageOrder": None if mean is None else money(mean, "EUR"),
            "firstOrderAt": plain(placed[0]) if placed else None,
            "lastOrderAt": plain(placed[-1]) if placed else None,
        }

    def net(self, key: UUID) -> Decimal:
        """Return what the family brought in the organisation's currency."""
        return Decimal(self.value({record.key for record in self.family(key)})["netSpent"]["amount"])

    def consents_of(self, keys: set[UUID]) -> list[Answer]:
        """Return which decisions count, and of which a reason is told."""
        edges = [merge for merge in self.applied if merge.survivor in keys and merge.absorbed in keys]
        by_use: dict[tuple[str, str], list[ModelConsent]] = {}
        for each in sorted(self.consents, key=lambda each: (each.decided_at, each.key)):
            if each.record in keys:
                by_use.setdefault((each.purpose, each.channel or ""), []).append(each)
        counting = {use: found for use in sorted(by_use) if (found := counted(by_use[use], keys, edges)) is not None}
        for purpose, channel in list(counting):
            general = counting.get((purpose, ""))
            if channel and general and is_overruled(counting[purpose, channel][0], general[0], edges):
                del counting[purpose, channel]
                counting[purpose, ""] = general[0], True
        return [{"id": global_id("Consent", found[0].key), "hasReason": found[1]} for found in counting.values()]

    def merges_of(self, key: UUID, *, now: datetime) -> list[Answer]:
        """Return the edges of a family, with the absorbed as themselves."""
        keys = {record.key for record in self.family(key)}
        return [
            {
                "id": global_id("CustomerMerge", merge.key),
                "state": "APPLIED",
                "reason": merge.reason,
                "mergedAt": plain(merge.merged_at),
                "survivor": {"id": global_id("Customer", self.canonical(key))},
                "absorbed": self.answer([self.records[merge.absorbed]], now=now),
            }
            for merge in self.applied
            if merge.survivor in keys
        ]

    def ranks(self) -> dict[UUID, Answer]:
        """Return scores and decile of each canonical customer."""
        values = {key: self.value({record.key for record in self.family(key)}) for key in self.canonicals}
        bought = [key for key, value in values.items() if value["orderCount"]]

        def groups(name: str, count: int, *, sign: int = 1) -> dict[UUID, int]:
            def place(key: UUID) -> tuple[Any, str]:
                measure = {"recency": values[key]["lastOrderAt"], "frequency": values[key]["orderCount"]}
                return measure.get(name, sign * self.net(key)), self.tie(key)

            in_order = sorted(bought, key=place)
            return {key: -(-count * (rank + 1) // len(bought)) for rank, key in enumerate(in_order)}

        scores = {name: groups(name, 5) for name in ("recency", "frequency", "monetary")}
        deciles = groups("decile", 10, sign=-1)
        return {
            key: {**{f"{name}Score": scores[name].get(key) for name in scores}, "decile": deciles.get(key)}
            for key in values
        }

    def tie(self, key: UUID) -> str:
        """Return what decides between customers who brought the same."""
        return profile_of(self.family(key))["external_id"] or key.hex

    def in_order(self, sort: str) -> list[UUID]:
        """Return everybody in the order of a list."""

        def place(key: UUID) -> tuple[Any, ...]:
            family = self.family(key)
            value = self.value({record.key for record in family})
            return {
                "CREATED_AT": (min(record.created_at for record in family), key),
                "UPDATED_AT": (max(record.updated_at for record in family), key),
                "NAME": (folded(display_name(profile_of(family))), key),
                "LIFETIME_VALUE": (self.net(key), self.tie(key), key),
                "LAST_ORDER_AT": (value["lastOrderAt"] or "", self.tie(key), key),
            }[sort]

        return sorted(self.canonicals, key=place)

    def recognised(self, kind: str, namespace: str, value: str) -> UUID | None:
        """Return whom a sign identifies."""
        same = [each for each in self.identities if each.is_same(kind, namespace, value)]
        if any(each.is_shared for each in same):
            return None
        return next((self.canonical(each.record) for each in same if each.is_verified), None)

    def found_by(self, words: Iterable[str]) -> set[UUID]:
        """Return whom a search finds: each word begins something of the family."""
        terms = {key: {term for record in self.family(key) for term in self.terms(record)} for key in self.canonicals}
        wanted = [folded(word) for word in words]
        return {key for key, own in terms.items() if all(any(term.startswith(word) for term in own) for word in wanted)}

    def found_by_phone(self, number: str) -> set[UUID]:
        """Return whom a telephone number finds."""
        own = {each.record for each in self.identities if each.is_same("PHONE", "", number)}
        own |= {record.key for record in self.records.values() if record.profile["phone"] == number}
        return {self.canonical(key) for key in own}

    def terms(self, record: ModelRecord) -> set[str]:
        """Return the words of one record."""
        names = [record.profile[name] or "" for name in NAMES]
        own = [each.value for each in self.identities if each.record == record.key]
        numbers = [order.name for order in self.orders.values() if order.record == record.key]
        return {folded(text) for text in (*names, record.profile["email"] or "", *own, *numbers) if text}


def is_overruled(specific: ModelConsent, general: ModelConsent, edges: Sequence[ModelMerge]) -> bool:
    """Tell whether a yes over one channel gives way to a no over all: they were said apart, and then merged."""
    if specific.decision != "GRANTED" or general.decision == "GRANTED":
        return False
    known = {specific.record}
    for count, edge in enumerate(edges, 1):
        while more := {k for e in edges[:count] for k in (e.survivor, e.absorbed) if {e.survivor, e.absorbed} & known}:
            if more <= known:
                break
            known |= more
        if general.record in known:
            is_one = specific.record == general.record
            return not is_one and max(specific.decided_at, general.decided_at) <= edge.merged_at
    return False


def counted(
    decisions: Sequence[ModelConsent], keys: set[UUID], edges: Sequence[ModelMerge]
) -> tuple[ModelConsent, bool] | None:
    """Return which of the decisions (the oldest first) counts for these records, and whether a reason is told.

    What was decided after the last edge was drawn counts for all; before it, the two sides decided apart.
    """
    said = [each for each in decisions if each.record in keys]
    if not edges or not said:
        return (said[-1], False) if said else None
    last = edges[-1]
    if said[-1].decided_at > last.merged_at:
        return said[-1], False
    absorbed = {last.absorbed}
    while more := {e.absorbed for e in edges[:-1] if e.survivor in absorbed} - absorbed:
        absorbed |= more
    sides = [
        counted(said, side, [edge for edge in edges[:-1] if edge.survivor in side])
        for side in (keys - absorbed, keys & absorbed)
    ]
    one, other = sides
    if one is None or other is None:
        return one or other
    strict, lenient = sorted(
        (one, other), key=lambda each: (each[0].decision != "GRANTED", each[0].decided_at, each[0].key), reverse=True
    )
    is_against = (strict[0].decision == "GRANTED") != (lenient[0].decision == "GRANTED")
    return strict[0], strict[1] or lenient[1] or is_against
