"""By what a customer is recognised, and what counts as evidence."""

import re
from collections.abc import Collection
from enum import StrEnum

from domain.base.contacts import check_email, check_phone, email_key
from domain.base.errors import Invalid, Required
from domain.base.texts import clean_required

IDENTITIES_MAX = 100
"""Signs that one customer record can have."""

NAMESPACE_LENGTH_MAX = 50
VALUE_LENGTH_MAX = 200


class IdentityKind(StrEnum):
    """By what a customer is recognised."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    SOCIAL_HANDLE = "SOCIAL_HANDLE"
    EXTERNAL_ACCOUNT = "EXTERNAL_ACCOUNT"
    DEVICE = "DEVICE"
    VISITOR = "VISITOR"


class IdentityVerification(StrEnum):
    """How sure it is that the identity is the customer's."""

    UNVERIFIED = "UNVERIFIED"
    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    REVOKED = "REVOKED"


class IdentitySource(StrEnum):
    """Where an identity was first seen: an unverified one counts as much as its source."""

    PROFILE = "PROFILE"
    """Staff or an app wrote it into the customer's profile."""
    ORDER = "ORDER"
    """Somebody typed it into a checkout without signing in: it says who gets the parcel's mails, no more."""
    ADDED = "ADDED"
    """Staff or an app added it to what the customer is known by."""


SOCIAL_NETWORKS = frozenset(
    {
        "bluesky",
        "facebook",
        "instagram",
        "line",
        "linkedin",
        "mastodon",
        "messenger",
        "pinterest",
        "reddit",
        "snapchat",
        "telegram",
        "threads",
        "tiktok",
        "viber",
        "vk",
        "wechat",
        "whatsapp",
        "x",
        "youtube",
    }
)
"""The namespaces of social handles."""

_SYSTEM = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BLANK = re.compile(r"\s")
_AT = re.compile(r"^[@\s]+")

_NOBODYS_MAILBOXES = re.compile(
    r"((no|do[-_.]?not|dont|nicht|ne[-_.]?pas|non)[-_.]?(reply|respond(er)?|antworten|repondre|rispondere)"
    r"|mailer-daemon|postmaster|abuse|bounces?|invalid|unknown|none|nobody|null|noemail|nomail)(\+.*)?"
)
"""Local parts that no person reads: RFC 2142 for the role names, the others by custom."""

RELAY_DOMAINS = frozenset(
    {
        "allegromail.pl",
        "email.etsy.com",
        "guest.booking.com",
        "message.manomano.com",
        "messages.cdiscount.com",
        "relay.walmart.com",
        "user.kaufland-marktplatz.de",
        "verkopen.bol.com",
    }
)
"""Where marketplaces forward mail to their buyers."""

_RELAYS_OF_COUNTRIES = re.compile(r"(.+\.)?(marketplace\.amazon|members\.ebay)(\.com?)?\.[a-z]{2,3}")
"""Likewise, with a domain of their own in every country: marketplace.amazon.co.uk."""

_WITHHELD_NUMBERS = frozenset(
    {"266696687", "7378742833", "2562533", "8656696", "86282452253", "464", "0", "00", "000", "0000", "anonymous"}
)
"""What telephone networks send for a hidden caller: ANONYMOUS, RESTRICTED and so on, as keys."""

_WITHHELD_WORDS = frozenset(
    {"anonymous", "blocked", "hidden", "private", "restricted", "unavailable", "unknown", "withheld", ""}
)


def check_namespace(namespace: str | None, *, kind: IdentityKind) -> str:
    """Return the namespace in its normal form, empty for kinds without one.

    Raises `Invalid`, `Required`: a social handle needs its network, one of `SOCIAL_NETWORKS`; an external
    account without one is the shop's own, `externalId`.
    """
    found = (namespace or "").strip().lower()
    if kind is IdentityKind.SOCIAL_HANDLE:
        if not found:
            message = "A social handle needs its network as namespace, such as instagram."
            raise Required(message)
        if found not in SOCIAL_NETWORKS:
            message = f"This is no network known here; known are {', '.join(sorted(SOCIAL_NETWORKS))}."
            raise Invalid(message)
    elif kind is IdentityKind.EXTERNAL_ACCOUNT:
        if found and (len(found) > NAMESPACE_LENGTH_MAX or not _SYSTEM.fullmatch(found)):
            message = "A system is named by at most 50 small letters, digits, dots, dashes and underscores."
            raise Invalid(message)
    elif found:
        message = "Only social handles and external accounts have a namespace; leave it out."
        raise Invalid(message)
    return found


def check_value(value: str, *, kind: IdentityKind, home_country: str | None) -> str:
    """Return what two spellings of the same identity have in common. Raises `Invalid`, `Required`, `TooLong`.

    An e-mail address is compared without case, a telephone number as E.164, a handle without case and `@`;
    accounts, devices and visitors as they are.
    """
    if kind is IdentityKind.EMAIL:
        return email_key(check_email(value))
    if kind is IdentityKind.PHONE:
        return check_phone(value, region=home_country)
    cleaned = clean_required(value, length_max=VALUE_LENGTH_MAX)
    if kind is IdentityKind.SOCIAL_HANDLE:
        cleaned = clean_required(_AT.sub("", cleaned).casefold())
    if kind is not IdentityKind.EXTERNAL_ACCOUNT and _BLANK.search(cleaned):
        message = "A handle, device or visitor has no blanks in it."
        raise Invalid(message)
    return cleaned


def is_blocked(value: str, *, kind: IdentityKind, relay_domains: Collection[str] = ()) -> bool:
    """Tell whether a value stands for nobody or for anybody: it is no evidence of who somebody is.

    `relay_domains` are the organisation's own, beside `RELAY_DOMAINS`.
    """
    if kind is IdentityKind.EMAIL:
        local, _, domain = value.casefold().rpartition("@")
        return _NOBODYS_MAILBOXES.fullmatch(local) is not None or _is_relay(domain, relay_domains)
    return kind is IdentityKind.PHONE and is_withheld(value)


def is_withheld(number: str) -> bool:
    """Tell whether a caller's number is one of those that stand for a hidden one."""
    bare = number.strip().casefold()
    return bare in _WITHHELD_WORDS or bare.removeprefix("+") in _WITHHELD_NUMBERS


def _is_relay(domain: str, relay_domains: Collection[str]) -> bool:
    """Tell whether the domain is a listed one, or below one."""
    listed = {each.casefold() for each in relay_domains} | RELAY_DOMAINS
    labels = domain.split(".")
    is_listed = any(".".join(labels[start:]) in listed for start in range(len(labels)))
    return is_listed or _RELAYS_OF_COUNTRIES.fullmatch(domain) is not None
