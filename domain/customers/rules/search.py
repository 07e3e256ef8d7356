"""The words under which customers are found."""

import re
from collections.abc import Iterable
from enum import StrEnum

from domain.base.contacts import phone_digits
from domain.base.texts import folded
from domain.customers.rules.identities import IdentityKind

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
    emails: Iterable[str],
    phones: Iterable[str],
    identities: Iterable[tuple[IdentityKind, str]],
) -> set[tuple[TermKind, str]]:
    """Return the words under which a customer's own data, and what they are recognised by, are found."""
    known = list(identities)
    terms = {(TermKind.NAME, word) for name in (given_name, family_name) if name for word in _name_words(name)}
    all_emails = {*emails, *(value for kind, value in known if kind is IdentityKind.EMAIL)}
    terms |= {(TermKind.EMAIL, folded(email)[:_TERM_LENGTH_MAX]) for email in all_emails}
    all_phones = {*phones, *(value for kind, value in known if kind is IdentityKind.PHONE)}
    terms |= {(TermKind.PHONE, digits) for phone in all_phones for digits in phone_digits(phone)}
    accounts = [value for kind, value in known if kind in (IdentityKind.EXTERNAL_ACCOUNT, IdentityKind.SOCIAL_HANDLE)]
    terms |= {(TermKind.EXTERNAL_ID, word) for account in accounts for word in _words(account)}
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


TYPO_LETTERS_MIN = 4
TYPO_LETTERS_MAX = 20
"""Words of so many letters are also found with one typing error, where nothing is found as it was typed."""

_ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "αβγδεζηθικλμνξοπρσςτυφχψω", "абвгдежзийклмнопрстуфхцчшщъыьэюя")


def with_one_error(word: str) -> set[str]:
    """Return the words of which `word` may be a misspelling; none for one that is too short or too long.

    One typing error: a letter missing, one too many, a wrong one, or two neighbours swapped. Letters are
    those of the word's own alphabet: Latin (accents are folded before), Greek or Cyrillic.
    """
    alphabet = next((letters for letters in _ALPHABETS if word[:1] in letters), None)
    if alphabet is None or not word.isalpha() or not TYPO_LETTERS_MIN <= len(word) <= TYPO_LETTERS_MAX:
        return set()
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    missing = {left + letter + right for left, right in halves for letter in alphabet}
    too_many = {left + right[1:] for left, right in halves if right}
    wrong = {left + letter + right[1:] for left, right in halves if right for letter in alphabet}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    return (missing | too_many | wrong | swapped) - {word}
