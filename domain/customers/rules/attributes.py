"""What an organisation wants to know of its customers beside what everybody knows: typed, never JSON."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.base.errors import Checks, Invalid
from domain.base.money import AMOUNT_MAX, rounded
from domain.base.texts import check_length, clean, clean_optional, clean_required

DEFINITIONS_MAX = 100
CHOICES_MAX = 250
CHOICE_LENGTH_MAX = 100
SHOWN_CHOICES_MAX = 10
"""Choices that a message names; customerAttributeDefinitions has them all."""

KEY_LENGTH_MAX = 50
TEXT_LENGTH_MAX = 500
DESCRIPTION_LENGTH_MAX = 1_000

_KEY = re.compile(r"[a-z][a-z0-9_]*")


class AttributeType(StrEnum):
    """What sort of value an attribute has."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    FLAG = "FLAG"
    DAY = "DAY"
    CHOICE = "CHOICE"


class AttributeAudience(StrEnum):
    """Who may see an attribute."""

    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    RESTRICTED = "RESTRICTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionDetails:
    """What is said of an attribute."""

    key: str
    name: str
    description: str | None
    type: AttributeType
    choices: Sequence[str]
    audience: AttributeAudience
    is_archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An attribute as it is defined, as far as its values are concerned."""

    id: UUID
    key: str
    type: AttributeType
    choices: Sequence[str]
    audience: AttributeAudience
    is_archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """What is to be known of one attribute of a customer: at most one value, none empties it."""

    key: str
    text: str | None = None
    number: Decimal | None = None
    flag: bool | None = None
    day: date | None = None
    choice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeCondition:
    """What must be so of one attribute of a customer; what is None is not asked for."""

    key: str
    text: str | None = None
    number_min: Decimal | None = None
    number_max: Decimal | None = None
    flag: bool | None = None
    day_min: date | None = None
    day_max: date | None = None
    choices: Sequence[str] | None = None
    is_set: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValue:
    """A value as it is stored: both None where it was emptied."""

    text_value: str | None = None
    number_value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCondition:
    """A condition on stored values: equal to one of `texts`, or between the bounds; `is_set` False: without any."""

    definition_id: UUID
    texts: Sequence[str] | None = None
    text_min: str | None = None
    text_max: str | None = None
    number_min: Decimal | None = None
    number_max: Decimal | None = None
    is_set: bool = True


_VALUES = {
    AttributeType.TEXT: "text",
    AttributeType.NUMBER: "number",
    AttributeType.FLAG: "flag",
    AttributeType.DAY: "day",
    AttributeType.CHOICE: "choice",
}
"""The value of a change or condition that an attribute of the type takes."""


def check_definition(details: DefinitionDetails) -> DefinitionDetails:
    """Return the details in normal form. Raises `Refusals` with every field that is at fault."""
    checks = Checks()
    checked = replace(
        details,
        key=checks.take(lambda: check_key(details.key), "key") or "",
        name=checks.take(lambda: clean_required(details.name), "name") or "",
        description=checks.take(
            lambda: clean_optional(details.description, length_max=DESCRIPTION_LENGTH_MAX), "description"
        ),
        choices=checks.take(lambda: _check_choices(details), "choices") or (),
    )
    checks.settle()
    return checked


def is_key(key: str) -> bool:
    """Tell whether programs can know an attribute by this word."""
    return len(key) <= KEY_LENGTH_MAX and _KEY.fullmatch(key) is not None


def check_key(key: str) -> str:
    """Return the word by which programs know an attribute. Raises `Invalid`."""
    if is_key(key):
        return key
    message = f"A key is at most {KEY_LENGTH_MAX} small letters, digits and underscores, a letter first."
    raise Invalid(message)


def _check_choices(details: DefinitionDetails) -> Sequence[str]:
    check_length(details.choices, count_max=CHOICES_MAX)
    choices = list(dict.fromkeys(clean_required(choice, length_max=CHOICE_LENGTH_MAX) for choice in details.choices))
    if bool(choices) == (details.type is AttributeType.CHOICE):
        return choices
    message = "An attribute of the type CHOICE has at least one choice; one of another type has none."
    raise Invalid(message)


def stored_value(change: AttributeChange, *, definition: Definition) -> StoredValue:
    """Return a change as it is stored. Raises `Invalid` for a value of another type or out of its range."""
    wanted = _VALUES[definition.type]
    given = [name for name in _VALUES.values() if getattr(change, name) is not None]
    if given and given != [wanted]:
        message = f"The attribute {definition.key} takes a {wanted}; leave the other values out."
        raise Invalid(message, field=(given[0] if given[0] != wanted else given[1],))
    checks = Checks()
    value = checks.take(lambda: _stored(change, definition), wanted) or StoredValue()
    checks.settle()
    return value


def _stored(change: AttributeChange, definition: Definition) -> StoredValue:
    if change.number is not None:
        return StoredValue(number_value=check_number(change.number))
    if change.day is not None:
        return StoredValue(text_value=change.day.isoformat())
    if change.flag is not None:
        return StoredValue(text_value=flag_text(change.flag))
    if change.choice is not None:
        return StoredValue(text_value=_check_choice(change.choice, definition))
    return StoredValue(text_value=clean_optional(change.text, length_max=TEXT_LENGTH_MAX))


def check_number(number: Decimal) -> Decimal:
    """Return a number of at most four decimals, at most ten thousand million either way. Raises `Invalid`."""
    if not number.is_finite() or abs(number) > AMOUNT_MAX:
        message = f"A number is at most {AMOUNT_MAX:,}, above or below zero."
        raise Invalid(message)
    if number != rounded(number):
        message = "A number has at most four decimals."
        raise Invalid(message)
    return number


def flag_text(flag: bool) -> str:  # noqa: FBT001  the value itself
    """Return a flag as it is stored."""
    return "true" if flag else "false"


def _check_choice(choice: str, definition: Definition) -> str:
    found = clean(choice, length_max=CHOICE_LENGTH_MAX)
    if found in definition.choices:
        return found
    more = " …" if len(definition.choices) > SHOWN_CHOICES_MAX else ""
    message = f"The attribute {definition.key} takes one of: {', '.join(definition.choices[:SHOWN_CHOICES_MAX])}{more}."
    raise Invalid(message)


def stored_condition(condition: AttributeCondition, *, definition: Definition) -> StoredCondition:
    """Return a condition on what is stored. Raises `Invalid` for one that the attribute's type does not know."""
    allowed = {
        AttributeType.TEXT: {"text"},
        AttributeType.NUMBER: {"number_min", "number_max"},
        AttributeType.FLAG: {"flag"},
        AttributeType.DAY: {"day_min", "day_max"},
        AttributeType.CHOICE: {"choices"},
    }[definition.type]
    names = [name for name in AttributeCondition.__dataclass_fields__ if name not in ("key", "is_set")]
    given = {name for name in names if getattr(condition, name) is not None}
    if given - allowed or (given and condition.is_set is False):
        message = f"The attribute {definition.key} is of the type {definition.type}: ask for that, or isSet alone."
        raise Invalid(message)
    texts: Sequence[str] | None = condition.choices
    if condition.text is not None:
        texts = [clean_required(condition.text, length_max=TEXT_LENGTH_MAX)]
    elif condition.flag is not None:
        texts = [flag_text(condition.flag)]
    elif condition.choices is not None:
        texts = [_check_choice(choice, definition) for choice in condition.choices]
    return StoredCondition(
        definition_id=definition.id,
        texts=texts,
        text_min=None if condition.day_min is None else condition.day_min.isoformat(),
        text_max=None if condition.day_max is None else condition.day_max.isoformat(),
        number_min=None if condition.number_min is None else check_number(condition.number_min),
        number_max=None if condition.number_max is None else check_number(condition.number_max),
        is_set=condition.is_set is not False,
    )
