"""Decisions about who a customer is said to be, on plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.base.changes import UNCHANGED, Change, Unchanged
from domain.base.columns import to_micros
from domain.base.contacts import check_email, check_phone, email_key
from domain.base.errors import Checks, Invalid
from domain.base.places import check_country, check_locale, check_time_zone
from domain.base.texts import check_length, clean_optional, clean_required
from domain.customers.rules.attributes import DEFINITIONS_MAX, AttributeChange

TAGS_MAX = 50
TAG_LENGTH_MAX = 50
EXTERNAL_ID_LENGTH_MAX = 200
BIRTH_YEAR_MIN = 1900


class LifecycleStage(StrEnum):
    """Where a customer stands with the shop, by their orders; the bounds are below."""

    LEAD = "LEAD"
    ONBOARDING = "ONBOARDING"
    ACTIVE = "ACTIVE"
    AT_RISK = "AT_RISK"
    LAPSED = "LAPSED"


ONBOARDING_DAYS = 90
"""After the first order a customer is new for a quarter: the product's own convention (docs/glossary.md)."""
ACTIVE_DAYS = 180
AT_RISK_DAYS = 365
"""Who last ordered more than a year ago has lapsed, as in yearly customer retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """What is said about a new customer; None where nothing is."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_date: date | None = None
    country: str | None = None
    tags: Sequence[str] = ()
    attributes: Sequence[AttributeChange] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChanges:
    """What is to be changed of a customer: left out stays, None empties."""

    given_name: Change[str | None] = UNCHANGED
    family_name: Change[str | None] = UNCHANGED
    locale: Change[str | None] = UNCHANGED
    time_zone: Change[str | None] = UNCHANGED
    birth_date: Change[date | None] = UNCHANGED
    country: Change[str | None] = UNCHANGED
    tags: Change[Sequence[str] | None] = UNCHANGED
    attributes: Change[Sequence[AttributeChange] | None] = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Whom the shop names as the buyer of an order. `current_id`: who the order belonged to until now."""

    external_id: str | None = None
    email: str | None = None
    is_email_verified: bool = False
    given_name: str | None = None
    family_name: str | None = None
    country: str | None = None
    current_id: UUID | None = None

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nothing is known by which they could be found again."""
        return self.external_id is None and self.email is None

    def is_same_contact(self, known_email_key: str | None) -> bool:
        """Tell whether nothing is said of the buyer but the e-mail that is known already."""
        return (
            self.external_id is None
            and not self.is_email_verified
            and self.email is not None
            and email_key(self.email) == known_email_key
        )

    def now_behind(self, customer_id: UUID | None) -> "Buyer":
        """Return the buyer with the customer to whom the order belonged until now."""
        return replace(self, current_id=customer_id)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all is known of them: a guest."""
        return self.is_anonymous and self.given_name is None and self.family_name is None


def check_buyer(buyer: Buyer) -> Buyer:
    """Return the buyer in normal form. Raises `Refusals` with every field that is at fault."""
    checks = Checks()
    checked = replace(
        buyer,
        external_id=checks.take(
            lambda: clean_optional(buyer.external_id, length_max=EXTERNAL_ID_LENGTH_MAX), "external_id"
        ),
        email=checks.take(lambda: check_email(buyer.email) if buyer.email else None, "email"),
        given_name=checks.take(lambda: clean_optional(buyer.given_name), "given_name"),
        family_name=checks.take(lambda: clean_optional(buyer.family_name), "family_name"),
        country=checks.take(lambda: check_country(buyer.country) if buyer.country else None, "country"),
    )
    checks.settle()
    return checked


def check_details(details: CustomerDetails, *, home_country: str | None, today: date) -> CustomerDetails:
    """Return the details in their normal form. Raises `Refusals` with every field that is at fault.

    A phone number without a country code is read as one of the customer's country, else of
    `home_country`, the shop's own.
    """
    checks = Checks()
    country = checks.take(lambda: check_country(details.country) if details.country else None, "country")
    region = country or home_country
    checked = replace(
        details,
        external_id=checks.take(
            lambda: clean_optional(details.external_id, length_max=EXTERNAL_ID_LENGTH_MAX), "external_id"
        ),
        email=checks.take(lambda: check_email(details.email) if details.email else None, "email"),
        phone=checks.take(lambda: check_phone(details.phone, region=region) if details.phone else None, "phone"),
        given_name=checks.take(lambda: clean_optional(details.given_name), "given_name"),
        family_name=checks.take(lambda: clean_optional(details.family_name), "family_name"),
        locale=checks.take(lambda: check_locale(details.locale) if details.locale else None, "locale"),
        time_zone=checks.take(lambda: check_time_zone(details.time_zone) if details.time_zone else None, "time_zone"),
        birth_date=checks.take(lambda: check_birth_date(details.birth_date, today=today), "birth_date"),
        country=country,
        tags=checks.take(lambda: check_tags(details.tags), "tags") or (),
    )
    checks.take(lambda: check_length(details.attributes, count_max=DEFINITIONS_MAX), "attributes")
    checks.settle()
    return checked


def check_changes(changes: CustomerChanges, *, today: date) -> CustomerChanges:
    """Return the changes in their normal form. Raises `Refusals` with every field that is at fault."""
    checks = Checks()
    stay: dict[str, object] = dict.fromkeys(CustomerChanges.__dataclass_fields__, UNCHANGED)
    for name, check in {
        "given_name": clean_optional,
        "family_name": clean_optional,
        "locale": check_locale,
        "time_zone": check_time_zone,
        "country": check_country,
    }.items():
        value = getattr(changes, name)
        if not isinstance(value, Unchanged):
            stay[name] = checks.take(lambda check=check, value=value: value and check(value), name) or None  # type: ignore[misc]
    if not isinstance(birth_date := changes.birth_date, Unchanged):
        stay["birth_date"] = checks.take(lambda: check_birth_date(birth_date, today=today), "birth_date")
    if not isinstance(tags := changes.tags, Unchanged):
        stay["tags"] = checks.take(lambda: check_tags(tags or ()), "tags")
    if not isinstance(attributes := changes.attributes, Unchanged):
        stay["attributes"] = attributes
        checks.take(lambda: check_length(attributes or (), count_max=DEFINITIONS_MAX), "attributes")
    checks.settle()
    return CustomerChanges(**stay)  # type: ignore[arg-type]


def check_birth_date(day: date | None, *, today: date) -> date | None:
    """Return a day on which somebody alive can have been born. Raises `Invalid`."""
    if day is None or (day.year >= BIRTH_YEAR_MIN and day <= today):
        return day
    message = f"A date of birth is from {BIRTH_YEAR_MIN}-01-01 to today."
    raise Invalid(message)


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags in lower case, sorted and once each. Raises `Invalid`, `Required`, `TooLong`."""
    check_length(tags, count_max=TAGS_MAX)
    return tuple(sorted({clean_required(tag, length_max=TAG_LENGTH_MAX).lower() for tag in tags}))


def display_name(
    *,
    given_name: str | None,
    family_name: str | None,
    external_id: str | None,
    email: str | None = None,
    phone: str | None = None,
) -> str:
    """Return what a customer is called: their name, else what else tells them apart."""
    name = f"{given_name} {family_name}" if given_name and family_name else given_name or family_name
    return name or external_id or email or phone or "Customer"


def lifecycle_stage(
    *, first_order_at: datetime | None, last_order_at: datetime | None, now: datetime
) -> LifecycleStage:
    """Return where a customer stands, by the days since their first and their last order."""
    if first_order_at is None or last_order_at is None:
        return LifecycleStage.LEAD
    if now - first_order_at <= timedelta(days=ONBOARDING_DAYS):
        return LifecycleStage.ONBOARDING
    if now - last_order_at <= timedelta(days=ACTIVE_DAYS):
        return LifecycleStage.ACTIVE
    if now - last_order_at <= timedelta(days=AT_RISK_DAYS):
        return LifecycleStage.AT_RISK
    return LifecycleStage.LAPSED


def last_order_key(last_order_at: datetime | None) -> int:
    """Return the sort key of the last order: its microseconds since 1970, 0 without one."""
    return 0 if last_order_at is None else to_micros(last_order_at)
