"""One customer out of several records: what a family shows, and who may be merged with whom.

Customers form a forest: a merge is an edge from the one who was absorbed to the one who survives, and no
record is changed by it. What a family shows is gathered from its records in one order: the canonical customer
first, then, in the order in which they were merged, each one whom it absorbed, with those whom that one had
absorbed. The first record that says something is believed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.base.texts import folded
from domain.customers.errors import MergeBlocked
from domain.customers.rules.profiles import display_name, last_order_key

FAMILY_SIZE_MAX = 100
"""Records in a family: whoever has more of them is no person but a place where records are thrown."""


class MergeState(StrEnum):
    """What became of a merge."""

    PROPOSED = "PROPOSED"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    UNDONE = "UNDONE"


class Record(Protocol):
    """What became known under one customer id."""

    @property
    def id(self) -> UUID:
        """The customer id."""

    @property
    def canonical_id(self) -> UUID:
        """Who has it now."""

    @property
    def emptied(self) -> Sequence[str]:
        """Fields that were emptied on purpose."""

    @property
    def version(self) -> int:
        """How often it changed."""

    @property
    def created_at(self) -> datetime:
        """When it became known."""

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""


class Spent(Protocol):
    """What the orders of one record in one currency come to."""

    @property
    def currency_code(self) -> str:
        """The currency."""

    @property
    def order_count(self) -> int:
        """Orders, without cancelled ones."""

    @property
    def net(self) -> Decimal:
        """Orders less credit notes."""

    @property
    def first_order_at(self) -> datetime | None:
        """The first order."""

    @property
    def last_order_at(self) -> datetime | None:
        """The last order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown of a customer: the columns of `Customer` that are gathered."""

    id: UUID
    external_id: str | None
    email: str | None
    phone: str | None
    given_name: str | None
    family_name: str | None
    locale: str | None
    time_zone: str | None
    birth_date: date | None
    country: str | None
    sort_name: str
    rank_key: str
    version: int
    created_at: datetime
    updated_at: datetime
    order_count: int
    net_spent: Decimal
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_order_key: int


_SINGLE_FIELDS = ("external_id", "email", "phone", "locale", "time_zone", "birth_date", "country")
_NAME_FIELDS = ("given_name", "family_name")
PROFILE_FIELDS = (*_SINGLE_FIELDS, *_NAME_FIELDS)

_Row = TypeVar("_Row", bound=Record)


def in_order_of_belief(
    records: Iterable[_Row], *, canonical_id: UUID, absorbed_by: Mapping[UUID, Sequence[UUID]]
) -> list[_Row]:
    """Return a family's records in the order in which they are believed.

    `absorbed_by` has for each survivor those whom they absorbed, in the order of the merges.
    """
    by_id = {record.id: record for record in records}
    ordered: list[_Row] = []
    waiting = [canonical_id]
    while waiting:
        current = waiting.pop()
        ordered.append(by_id[current])
        waiting.extend(reversed(absorbed_by.get(current, ())))
    return ordered


def shown_of(records: Sequence[Record], *, spendings: Iterable[Spent], currency_code: str) -> Shown:
    """Return what the records, in the order of belief, show together.

    The version is the sum of theirs, so that it rises with each change of any of them and is as before once
    they are taken apart.
    """
    profile = gathered_profile(records)
    names = ("given_name", "family_name", "external_id", "email", "phone")
    return Shown(
        id=records[0].id,
        **profile,
        sort_name=folded(display_name(**{name: profile[name] for name in names})),
        rank_key=profile["external_id"] or records[0].id.hex,
        version=sum(record.version for record in records),
        created_at=min(record.created_at for record in records),
        updated_at=max(record.updated_at for record in records),
        **spent_of(spendings, currency_code=currency_code),
    )


def spent_of(spendings: Iterable[Spent], *, currency_code: str) -> dict[str, Any]:
    """Return the columns of `Customer` that show what a family spent."""
    spent = list(spendings)
    firsts = [each.first_order_at for each in spent if each.first_order_at is not None]
    lasts = [each.last_order_at for each in spent if each.last_order_at is not None]
    last_order_at = max(lasts, default=None)
    return {
        "order_count": sum(each.order_count for each in spent),
        "net_spent": sum((each.net for each in spent if each.currency_code == currency_code), Decimal(0)),
        "first_order_at": min(firsts, default=None),
        "last_order_at": last_order_at,
        "last_order_key": last_order_key(last_order_at),
    }


def gathered_profile(records: Sequence[Record]) -> dict[str, Any]:
    """Return the profile that the records, in the order of belief, show together."""
    profile: dict[str, Any] = {}
    for record in records:
        for name in _SINGLE_FIELDS:
            if name not in profile and (getattr(record, name) is not None or name in record.emptied):
                profile[name] = getattr(record, name)
        _gather_name(profile, record)
    return {name: profile.get(name) for name in PROFILE_FIELDS}


def _gather_name(profile: dict[str, Any], record: Record) -> None:
    """Take over what the record calls the customer, as far as that is open.

    Half of one name and half of another would be nobody's: a missing half comes from a record that has the
    same other half only.
    """
    said = {name: getattr(record, name) for name in _NAME_FIELDS if getattr(record, name) is not None}
    known = {name: profile[name] for name in _NAME_FIELDS if profile.get(name) is not None}
    is_same_person = all(name in said and folded(said[name]) == folded(value) for name, value in known.items())
    for name in _NAME_FIELDS:
        if name in profile:
            continue
        if name in said and is_same_person:
            profile[name] = said[name]
        elif name in record.emptied:
            profile[name] = None


def named_by_others(records: Sequence[Record]) -> set[str]:
    """Return the fields of the profile of which another record than the first has a word, shown or not."""
    return {name for name in PROFILE_FIELDS if any(getattr(record, name) is not None for record in records[1:])}


def pair_of(one: UUID, *, other: UUID) -> tuple[UUID, UUID]:
    """Return two ids in their order: a pair has one spelling."""
    return (one, other) if one < other else (other, one)


def blockers(
    survivors: Sequence[Record], *, absorbed: Sequence[Record], survivor_id: UUID, absorbed_id: UUID
) -> list[MergeBlocked]:
    """Return why these two cannot be merged; `survivors` and `absorbed` are their families as they are."""
    if survivor_id == absorbed_id:
        return [MergeBlocked("A customer cannot absorb themselves.", field=("absorbed_id",))]
    if survivors[0].canonical_id == absorbed[0].canonical_id:
        return [MergeBlocked("These two are one customer already.", field=("absorbed_id",))]
    found = []
    for key, family, name in ((survivor_id, survivors, "survivor_id"), (absorbed_id, absorbed, "absorbed_id")):
        if family[0].canonical_id != key:
            message = "This customer was absorbed by another one: merge with that one, or undo that merge first."
            found.append(MergeBlocked(message, field=(name,)))
    if len(survivors) + len(absorbed) > FAMILY_SIZE_MAX:
        message = f"Together they would be more than {FAMILY_SIZE_MAX} records: no person has so many."
        found.append(MergeBlocked(message, field=("absorbed_id",)))
    return found
