"""Decisions about stores, keys, staff and sessions, on plain values."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.base.actors import EVERY_PERMISSION, Actor, Permission, StaffRole
from domain.base.changes import UNCHANGED, Change, Unchanged
from domain.base.contacts import check_email
from domain.base.errors import Checks, Invalid
from domain.base.money import check_currency
from domain.base.passwords import STAFF_PASSWORD_LENGTH_MIN, check_password
from domain.base.places import check_country, check_locale, check_time_zone
from domain.base.texts import check_length, clean_required

SECRET_PREFIX = "sk_"  # noqa: S105  what every key starts with, so that scanners of leaked secrets find it
SHOWN_PREFIX_LENGTH = 11
"""Characters of a key that may be shown later: enough to tell keys apart, too few to guess one."""

ROLE_PERMISSIONS: Mapping[StaffRole, frozenset[Permission]] = {
    StaffRole.ADMIN: EVERY_PERMISSION,
    StaffRole.SUPERVISOR: frozenset(
        {
            Permission.CUSTOMERS_READ,
            Permission.CUSTOMERS_WRITE,
            Permission.ATTRIBUTES_WRITE,
            Permission.ATTRIBUTES_RESTRICTED,
            Permission.ORDERS_READ,
            Permission.REPORTS_READ,
            Permission.STORES_READ,
            Permission.STAFF_READ,
            Permission.PRIVACY_WRITE,
            Permission.CONVERSATIONS_READ,
            Permission.CONVERSATIONS_WRITE,
        }
    ),
    StaffRole.AGENT: frozenset(
        {
            Permission.CONVERSATIONS_READ,
            Permission.CONVERSATIONS_WRITE,
            Permission.CUSTOMERS_READ,
            Permission.CUSTOMERS_WRITE,
            Permission.ORDERS_READ,
            Permission.STORES_READ,
            Permission.STAFF_READ,
        }
    ),
    StaffRole.PARTNER_AGENT: frozenset(
        {
            Permission.CUSTOMERS_READ,
            Permission.ORDERS_READ,
            Permission.STORES_READ,
            Permission.CONVERSATIONS_READ,
            Permission.CONVERSATIONS_WRITE,
        }
    ),
    StaffRole.ANALYST: frozenset({Permission.REPORTS_READ, Permission.STORES_READ}),
}
"""What each role may do. Orders come from the shop's own server, so no role but ADMIN writes them."""

ACCESS_LIFETIME = timedelta(minutes=10)
"""How long an access token opens the door; a revoked session ends it earlier."""

REFRESH_GRACE = timedelta(seconds=10)
"""A used refresh token is taken once more for so long: on a bad network the answer to the first use got lost."""

CUSTOMER_TOKEN_LIFETIME = timedelta(minutes=10)
CUSTOMER_TOKEN_LIFETIME_MAX = timedelta(hours=1)

CODE_LIFETIME = timedelta(minutes=15)
CODE_DIGITS = 8
CODE_ATTEMPTS_MAX = 5
"""Wrong codes for one mail: one in twenty million guesses is right."""

LISTED_MAX = 50
"""Languages, skills or stores of one member of staff."""

_STORE_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,6})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?"
)


class SessionKind(StrEnum):
    """Whose session it is."""

    STAFF = "STAFF"
    CUSTOMER = "CUSTOMER"


class CodePurpose(StrEnum):
    """What a code that was sent by mail proves."""

    REGISTRATION = "REGISTRATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105  a purpose
    IDENTITY = "IDENTITY"
    """That an e-mail identity of a customer is theirs."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may be tried within a while, counted from the first time."""

    attempts_max: int
    within: timedelta


SIGN_INS_OF_ACCOUNT = Limit(10, timedelta(minutes=15))
"""Failed ones. Who guesses has a thousand a day; OWASP asks for some limit by account, and names none."""
SIGN_INS_IN_ALL = Limit(60, timedelta(minutes=15))
"""Of one account, the right ones too: each costs as much as a wrong one."""
SIGN_INS_OF_ADDRESS = Limit(100, timedelta(minutes=15))
"""Failed ones from one network address, behind which a whole office may sit."""
MAILS_TO_ADDRESS = Limit(5, timedelta(hours=1))
"""Mails with codes to one mailbox: nobody's is flooded."""
MAILS_FROM_ADDRESS = Limit(50, timedelta(hours=1))
CODES_FROM_ADDRESS = Limit(50, timedelta(minutes=15))
"""Wrong codes from one network address, whatever mail they are for."""


VISITORS_FROM_ADDRESS = Limit(60, timedelta(hours=1))
"""Guests from one network address, behind which a whole office may sit: each is a customer of whom nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDetails:
    """What is said of a new member of staff; the password is checked and hashed apart."""

    email: str
    name: str
    role: StaffRole
    store_codes: Sequence[str] = ()
    languages: Sequence[str] = ()
    skills: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChanges:
    """What is to be changed of a member of staff: left out stays, None empties."""

    name: Change[str] = UNCHANGED
    role: Change[StaffRole] = UNCHANGED
    store_codes: Change[Sequence[str] | None] = UNCHANGED
    languages: Change[Sequence[str] | None] = UNCHANGED
    skills: Change[Sequence[str] | None] = UNCHANGED
    is_active: Change[bool] = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDetails:
    """What the organisation says about a store."""

    code: str
    name: str
    country: str
    locale: str
    currency_code: str
    time_zone: str


def check_store(details: StoreDetails) -> StoreDetails:
    """Return the details in their normal form. Raises `Refusals`."""
    checks = Checks()
    checked = {
        "code": checks.take(lambda: check_store_code(details.code), "code"),
        "name": checks.take(lambda: clean_required(details.name), "name"),
        "country": checks.take(lambda: check_country(details.country), "country"),
        "locale": checks.take(lambda: check_locale(details.locale), "locale"),
        "currency_code": checks.take(lambda: check_currency(details.currency_code), "currency_code"),
        "time_zone": checks.take(lambda: check_time_zone(details.time_zone), "time_zone"),
    }
    checks.settle()
    return StoreDetails(**{name: str(value) for name, value in checked.items()})


def check_store_code(code: str) -> str:
    """Return a store's code in lower case. Raises `Invalid`."""
    found = clean_required(code).lower()
    if not _STORE_CODE.fullmatch(found):
        message = "A store's code has letters, digits, - and _ only, at most 64, such as it-online."
        raise Invalid(message)
    return found


def check_permissions(names: Sequence[str]) -> list[str]:
    """Return the permissions' names, sorted and once each. Raises `Invalid` for one that does not exist."""
    known = {permission.value for permission in Permission}
    for name in names:
        if name not in known:
            message = f"There is no permission {name[:40]!r}; there are {', '.join(sorted(known))}."
            raise Invalid(message)
    return sorted(set(names))


def hash_secret(secret: str) -> str:
    """Return what is kept of a key's or a token's secret: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_usable(*, expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> bool:
    """Tell whether a key still opens the door."""
    return revoked_at is None and (expires_at is None or now < expires_at)


def check_staff(details: StaffDetails) -> StaffDetails:
    """Return the details in their normal form. Raises `Refusals`."""
    checks = Checks()
    email = checks.take(lambda: check_email(details.email), "email")
    name = checks.take(lambda: clean_required(details.name), "name")
    store_codes = checks.take(lambda: _check_store_codes(details.store_codes), "store_codes")
    languages = checks.take(lambda: _check_languages(details.languages), "languages")
    skills = checks.take(lambda: _check_skills(details.skills), "skills")
    checks.settle()
    return replace(
        details,
        email=email or "",
        name=name or "",
        store_codes=store_codes or (),
        languages=languages or (),
        skills=skills or (),
    )


def check_staff_changes(changes: StaffChanges) -> StaffChanges:
    """Return the changes in their normal form. Raises `Refusals`."""
    checks = Checks()
    checked = changes
    if not isinstance(name := changes.name, Unchanged):
        checked = replace(checked, name=checks.take(lambda: clean_required(name), "name") or "")
    if not isinstance(codes := changes.store_codes, Unchanged):
        checked = replace(checked, store_codes=checks.take(lambda: _check_store_codes(codes or ()), "store_codes"))
    if not isinstance(languages := changes.languages, Unchanged):
        checked = replace(checked, languages=checks.take(lambda: _check_languages(languages or ()), "languages"))
    if not isinstance(skills := changes.skills, Unchanged):
        checked = replace(checked, skills=checks.take(lambda: _check_skills(skills or ()), "skills"))
    checks.settle()
    return checked


def check_staff_password(password: str) -> str:
    """Return a staff password in one spelling. Raises `Refusals`."""
    checks = Checks()
    checked = checks.take(lambda: check_password(password, length_min=STAFF_PASSWORD_LENGTH_MIN), "password")
    checks.settle()
    return checked or ""


def _check_store_codes(codes: Sequence[str]) -> list[str]:
    check_length(codes, count_max=LISTED_MAX)
    return sorted({check_store_code(code) for code in codes})


def _check_languages(languages: Sequence[str]) -> list[str]:
    check_length(languages, count_max=LISTED_MAX)
    return list(dict.fromkeys(check_locale(language) for language in languages))


def _check_skills(skills: Sequence[str]) -> list[str]:
    check_length(skills, count_max=LISTED_MAX)
    return sorted({clean_required(skill, length_max=50).casefold() for skill in skills})


def may_manage(actor: Actor, *, role: StaffRole) -> bool:
    """Tell whether the actor may give or take a role: none that may do more than they themselves."""
    return actor.permissions >= ROLE_PERMISSIONS[role]


def shown_name(name: str) -> str:
    """Return what a shopper sees of a member of staff: the first word of the name."""
    return name.split(maxsplit=1)[0]


def throttle_key(*parts: str) -> str:
    """Return under what attempts are counted: no address of anybody is kept for that."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def hash_code(code: str, *, salt: str) -> str:
    """Return what is kept of a mailed code; five attempts and fifteen minutes guard it, not the hash."""
    return hashlib.sha256(f"{salt}:{code}".encode("utf-8", "surrogatepass")).hexdigest()


def check_duration(text: str | None) -> timedelta:
    """Return how long a customer's token lives: ISO 8601, more than nothing, at most an hour. Raises `Invalid`."""
    if text is None:
        return CUSTOMER_TOKEN_LIFETIME
    found = _DURATION.fullmatch(text.strip().upper())
    parts = {name: int(digits) for name, digits in found.groupdict().items() if digits} if found else {}
    duration = timedelta(**parts)
    if not timedelta(0) < duration <= CUSTOMER_TOKEN_LIFETIME_MAX:
        message = "A customer's token lives for at most one hour: a duration from PT1S to PT1H, such as PT10M."
        raise Invalid(message, field=("expires_in",))
    return duration
