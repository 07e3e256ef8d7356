"""E-mail addresses and telephone numbers: in one spelling each, whatever notation they came in."""

import re
from collections.abc import Iterable

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.base.errors import Invalid

EMAIL_LENGTH_MAX = 254
"""Characters of an address: RFC 5321, section 4.5.3.1.3, less the angle brackets."""

_PHONE_DIGITS_MIN = 5
_NOT_A_DIGIT = re.compile(r"\D")
_PHONE_LOOK = re.compile(r"[+\d\s().\-/]+")


def check_email(address: str) -> str:
    """Return an address in its normal form, with the case of its local part kept. Raises `Invalid`.

    Only the form is checked: whether it is the customer's is a question of verification.
    """
    message = "This is no e-mail address; it looks like name@example.org."
    if len(address) > 2 * EMAIL_LENGTH_MAX:
        raise Invalid(message)
    try:
        # The test environment admits .test, which every shop's staging system uses.
        found = validate_email(address.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Invalid(message) from None
    return found.normalized


def email_key(address: str) -> str:
    """Return what two spellings of an address have in common: they are compared without case."""
    return address.casefold()


def check_phone(number: str, *, region: str | None) -> str:
    """Return a telephone number in E.164, read in `region` where it has no country code. Raises `Invalid`."""
    found = _e164(number, region)
    # A number whose zeros are taken for a prefix once more, when it is read again, is nobody's.
    if found is not None and _e164(found, None) == found:
        return found
    message = "This is no telephone number; write it with the country code, such as +39 06 69812345."
    raise Invalid(message)


def phone_digits(number: str) -> set[str]:
    """Return the digits by which an E.164 number is looked up: with and without the country code."""
    if (parsed := _parse_phone(number, None)) is None:
        return set()
    national = phonenumbers.national_significant_number(parsed)
    return {f"{parsed.country_code}{national}", national}


def search_phones(search: str, *, regions: Iterable[str]) -> set[str]:
    """Return the terms of the telephone numbers that a search may mean, none where it looks like no number.

    A number with a country code means itself; one without is also tried in the shop's own `regions`
    and as it stands, without the zeros that are dialled before it.
    """
    if not _PHONE_LOOK.fullmatch(search.strip()):
        return set()
    digits = _NOT_A_DIGIT.sub("", search)
    if len(digits) < _PHONE_DIGITS_MIN:
        return set()
    found = {digits, digits.lstrip("0")}
    dialled = f"+{digits[2:]}" if digits.startswith("00") else search
    for region in (None, *regions):
        if (parsed := _parse_phone(dialled, region)) is not None:
            found.add(f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}")
    return found - {""}


def _e164(number: str, region: str | None) -> str | None:
    parsed = _parse_phone(number, region)
    return None if parsed is None else phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _parse_phone(number: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """Return the number where its length is possible; numbering plans change too often to ask for more."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None
