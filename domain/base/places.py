"""Countries, languages and time zones: checked against the public lists, in one spelling each."""

from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from phonenumbers import SUPPORTED_REGIONS

from domain.base.errors import Invalid
from domain.base.texts import clean

_WITHOUT_TELEPHONE = {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
_NOT_IN_ISO_3166 = {"AC", "TA"}
_COUNTRY_CODES = (frozenset(SUPPORTED_REGIONS) | _WITHOUT_TELEPHONE) - _NOT_IN_ISO_3166
"""ISO 3166-1 alpha-2 and Kosovo's XK: the regions that libphonenumber knows, and the uninhabited ones."""

_TIME_ZONES = frozenset(available_timezones())


def check_country(code: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in capitals. Raises `Invalid` for one that does not exist."""
    if (found := clean(code).upper()) in _COUNTRY_CODES:
        return found
    message = "This is no ISO 3166-1 alpha-2 country code, such as IT."
    raise Invalid(message)


def check_locale(tag: str) -> str:
    """Return a BCP 47 language tag in its usual spelling, such as it-IT. Raises `Invalid`."""
    try:
        locale = Locale.parse(clean(tag), sep="_" if "_" in tag else "-")
    except (UnknownLocaleError, ValueError):
        message = "This is no BCP 47 language tag that is known, such as it-IT."
        raise Invalid(message) from None
    return "-".join(part for part in (locale.language, locale.script, locale.territory) if part)


def check_time_zone(name: str) -> str:
    """Return the name of a time zone of the IANA database. Raises `Invalid`."""
    if (found := clean(name)) in _TIME_ZONES:
        return found
    message = "This is no IANA time zone, such as Europe/Rome."
    raise Invalid(message)
