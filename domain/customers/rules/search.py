"""The words under which customers are found."""

import re
from collections.abc import Iterable
from enum import StrEnum

from domain.base.contacts import phone_digits
from domain.base.texts import folded

SEARCH_WORDS_MAX = 8

_TERM_LENGTH_MAX = 60
_PART = re.compile(r"\w+")


class TermKind(StrEnum):
    """What a search term of a customer is."""

    NAME = "NAME"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    EXTERNAL_ID = "EXTERNAL_ID"
    ORDER_NUMBER = "ORDER_NUMBER"


def profile_terms(
    *,
    given_name: str | None,
    family_name: str | None,
    external_ids: Iterable[str],
    emails: Iterable[str],
    phone: str | None,
) -> set[tuple[TermKind, str]]:
    """Return the words under which a customer's own data are found."""
    terms = {(TermKind.NAME, word) for name in (given_name, family_name) if name for word in _name_words(name)}
    terms |= {(TermKind.EXTERNAL_ID, external_id) for value in external_ids for external_id in _words(value)}
    terms |= {(TermKind.EMAIL, folded(email)[:_TERM_LENGTH_MAX]) for email in emails}
    terms |= {(TermKind.PHONE, digits) for digits in (phone_digits(phone) if phone else ())}
    return terms


def order_terms(number: str) -> set[tuple[TermKind, str]]:
    """Return the words under which an order's number finds its customer."""
    return {(TermKind.ORDER_NUMBER, word) for word in _words(number)}


def search_words(search: str) -> list[str]:
    """Return the words of a search, each of which must begin a term of the customer."""
    return _words(search)[:SEARCH_WORDS_MAX]


def _name_words(name: str) -> set[str]:
    """Return the words of a name, and the parts of those that are joined: O'Brien-Müller is found by each."""
    words = _words(name)
    return {part for word in words for part in (word, *_PART.findall(word))}


def _words(text: str) -> list[str]:
    return [word[:_TERM_LENGTH_MAX] for word in folded(text).split()]
