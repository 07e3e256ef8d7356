"""What the records of a family say together, in plain words: the first one with a word on it is believed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from domain.base.money import shown
from domain.base.texts import folded
from schema.base.ids import global_id

Answer: TypeAlias = dict[str, Any]
Thing: TypeAlias = tuple[datetime, UUID, str]

PROFILE = {
    "external_id": "externalId",
    "email": "email",
    "phone": "phone",
    "locale": "locale",
    "time_zone": "timeZone",
    "birth_date": "birthDate",
    "country": "country",
    "given_name": "givenName",
    "family_name": "familyName",
}
NAMES = ("given_name", "family_name")
ATTRIBUTES = ("text", "number", "flag", "day", "choice")
"""The attributes of the tests: each is called as the sort of value it has."""


@dataclass
class ModelRecord:
    """What became known under one customer id. A tag that is False, an attribute that is None was taken off there."""

    key: UUID
    created_at: datetime
    updated_at: datetime
    profile: dict[str, Any]
    version: int = 1
    emptied: set[str] = field(default_factory=set)
    tags: dict[str, bool] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def newest(things: Iterable[Thing]) -> list[Thing]:
    """Return things with their instants, the newest first."""
    return sorted(things, reverse=True)


def ids_of(things: Iterable[Thing]) -> list[Answer]:
    """Return the ids of things."""
    return [{"id": global_id(name, key)} for _, key, name in things]


def page_of(things: Sequence[Thing]) -> Answer:
    """Return a list that fits into one page."""
    return {"totalCount": len(things), "nodes": ids_of(things)}


def profile_of(family: Sequence[ModelRecord]) -> dict[str, Any]:
    """Return field by field what the first record with a word on it says; names as halves of one person's."""
    said: dict[str, Any] = {}
    for record in family:
        for name, value in record.profile.items():
            if name not in NAMES and name not in said and (value is not None or name in record.emptied):
                said[name] = value
        other_person = any(
            said.get(name) is not None and folded(said[name]) != folded(record.profile[name] or "") for name in NAMES
        )
        for name in NAMES:
            if name not in said and record.profile[name] is not None and not other_person:
                said[name] = record.profile[name]
            elif name not in said and name in record.emptied:
                said[name] = None
    return {name: said.get(name) for name in PROFILE}


def display_name(profile: dict[str, Any]) -> str:
    """Return what a customer is called."""
    name = " ".join(profile[part] for part in NAMES if profile[part])
    return str(name or profile["external_id"] or profile["email"] or profile["phone"] or "Customer")


def tags_of(family: Sequence[ModelRecord]) -> list[str]:
    """Return the tags that a family shows."""
    said: dict[str, bool] = {}
    for record in family:
        said = record.tags | said
    return sorted(tag for tag, is_there in said.items() if is_there)


def values_of(family: Sequence[ModelRecord]) -> dict[str, Any]:
    """Return the values of the attributes that a family shows."""
    said: dict[str, Any] = {}
    for record in family:
        said = record.attributes | said
    return {key: value for key, value in said.items() if value is not None}


def attributes_of(family: Sequence[ModelRecord]) -> list[Answer]:
    """Return the attributes that a family shows; each is called as the sort of its value."""
    nothing: Answer = dict.fromkeys(ATTRIBUTES)
    return [{**nothing, "key": key, key: wire(value)} for key, value in sorted(values_of(family).items())]


def stage(first: str | None, last: str | None, *, now: datetime) -> str:
    """Return where a customer stands."""
    if first is None or last is None:
        return "LEAD"
    if datetime.fromisoformat(first) >= now - timedelta(days=90):
        return "ONBOARDING"
    age = now - datetime.fromisoformat(last)
    return next((name for name, days in (("ACTIVE", 180), ("AT_RISK", 365)) if age <= timedelta(days=days)), "LAPSED")


def money(amount: Decimal, currency: str) -> Answer:
    """Return an amount as the API shows it."""
    return {"amount": shown(amount, currency), "currencyCode": currency}


def wire(value: Any) -> Any:  # noqa: ANN401
    """Return a value as JSON carries it."""
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


def plain(at: datetime) -> str:
    """Return an instant as the API shows it."""
    return at.isoformat().replace("+00:00", "Z")


def differences(found: Any, expected: Any, path: str = "") -> list[str]:  # noqa: ANN401
    """Return where two answers differ, in words."""
    if isinstance(found, dict) and isinstance(expected, dict):
        both = [key for key in found if key in expected]
        alone = [f"{path}: {key} on one side only" for key in found.keys() ^ expected.keys()]
        return alone + [each for key in both for each in differences(found[key], expected[key], f"{path}.{key}")]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [each for index, pair in pairs for each in differences(*pair, f"{path}[{index}]")]
    return [] if found == expected else [f"{path}: {found} instead of {expected}"]
