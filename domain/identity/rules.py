"""Decisions about stores and keys, on plain values."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.base.actors import EVERY_PERMISSION, Permission, StaffRole
from domain.base.errors import Checks, Invalid
from domain.base.money import check_currency
from domain.base.places import check_country, check_locale, check_time_zone
from domain.base.texts import clean_required

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
        }
    ),
    StaffRole.AGENT: frozenset(
        {
            Permission.CUSTOMERS_READ,
            Permission.CUSTOMERS_WRITE,
            Permission.ORDERS_READ,
            Permission.STORES_READ,
            Permission.STAFF_READ,
        }
    ),
    StaffRole.PARTNER_AGENT: frozenset({Permission.CUSTOMERS_READ, Permission.ORDERS_READ, Permission.STORES_READ}),
    StaffRole.ANALYST: frozenset({Permission.REPORTS_READ, Permission.STORES_READ}),
}
"""What each role may do. Orders come from the shop's own server, so no role but ADMIN writes them."""

_STORE_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


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
    """Return what is kept of a key's secret: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_usable(*, expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> bool:
    """Tell whether a key still opens the door."""
    return revoked_at is None and (expires_at is None or now < expires_at)
