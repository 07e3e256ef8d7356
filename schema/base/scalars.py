"""The scalars of the API: what each looks like on the wire.

Only the form that a client's code is answerable for is checked here. Whether an address or a currency
exists is decided in the domain, so that a person's typing error comes back in `userErrors`.
"""

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal as PythonDecimal
from decimal import InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

CountryCode = NewType("CountryCode", str)
CurrencyCode = NewType("CurrencyCode", str)
Cursor = NewType("Cursor", str)
Duration = NewType("Duration", str)
EmailAddress = NewType("EmailAddress", str)
Locale = NewType("Locale", str)
PhoneNumber = NewType("PhoneNumber", str)
TimeZone = NewType("TimeZone", str)
URL = NewType("URL", str)

_TEXT_LENGTH_MAX = 10_000
"""Characters of any scalar; the domain's own limits are lower."""

_NUMBER_LENGTH_MAX = 40

_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
"""Without an offset nobody knows which instant it is."""


def _text(value: object) -> str:
    if isinstance(value, str) and len(value) <= _TEXT_LENGTH_MAX:
        return value
    message = f"Give a text of at most {_TEXT_LENGTH_MAX:,} characters."
    raise ValueError(message)


def _instant(value: object) -> datetime:
    """Read RFC 3339: date, time and offset, all of them."""
    message = "Give an instant as in RFC 3339, with its offset, such as 2026-11-22T09:30:00Z."
    try:
        text = _text(value).upper()  # RFC 3339 allows small t and z
        instant = datetime.fromisoformat(text).astimezone(UTC) if _OFFSET.search(text) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None:
        raise ValueError(message)
    return instant


def _instant_shown(value: datetime) -> str:
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat()[: -len("+00:00")] + "Z"


def _day(value: object) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        message = "Give a day as YYYY-MM-DD, such as 2026-11-22."
        raise ValueError(message) from None


def _decimal(value: object) -> PythonDecimal:
    """Read a decimal from text; a number in JSON is read as it is written, if it is exact enough."""
    message = 'Give a decimal as text, such as "12.30".'
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > _NUMBER_LENGTH_MAX:
        raise ValueError(message)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(message)
    try:
        number = PythonDecimal(str(value))
    except InvalidOperation:
        raise ValueError(message) from None
    if not number.is_finite():
        raise ValueError(message)
    return number


def _plain(name: str, description: str, *, url: str | None = None) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, specified_by_url=url, serialize=str, parse_value=_text)


SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, RFC 3339 with `Z`: `2026-11-22T09:30:00Z`. Sent with any offset.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_instant_shown,
        parse_value=_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day without a time zone, ISO 8601: `2026-11-22`.",
        serialize=date.isoformat,
        parse_value=_day,
    ),
    PythonDecimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text: `"12.30"`. Never a float.',
        serialize=str,
        parse_value=_decimal,
    ),
    Duration: _plain("Duration", "A length of time, ISO 8601: `PT4H`."),
    Cursor: _plain("Cursor", "An opaque position in the event log. Store it, send it back, never take it apart."),
    EmailAddress: _plain(
        "EmailAddress", "An e-mail address: `name@example.org`. Compared without case; shown as it was given."
    ),
    PhoneNumber: _plain("PhoneNumber", "A telephone number, shown as E.164: `+390669812345`. Sent in any notation."),
    Locale: _plain("Locale", "A language tag, BCP 47: `it-IT`."),
    CountryCode: _plain("CountryCode", "A country, ISO 3166-1 alpha-2: `IT`."),
    CurrencyCode: _plain("CurrencyCode", "A currency, ISO 4217: `EUR`."),
    TimeZone: _plain("TimeZone", "A time zone by its IANA name: `Europe/Rome`."),
    URL: _plain("URL", "An absolute web address, https or http."),
}
