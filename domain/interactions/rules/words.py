"""The words under which conversations are found. Pure."""

import re

from domain.base.texts import folded

WORDS_MAX = 1_000
"""Words of one text that find its conversation; who writes more is found by the first ones."""

SEARCH_WORDS_MAX = 8
WORD_LENGTH_MAX = 40

_WORD = re.compile(r"\w+")


def words_of(*texts: str | None) -> list[str]:
    """Return the words of texts, each once, without case and accents."""
    found = (word[:WORD_LENGTH_MAX] for text in texts if text for word in _WORD.findall(folded(text)))
    return list(dict.fromkeys(found))[:WORDS_MAX]


def search_words(search: str) -> list[str]:
    """Return the words of a search, with each of which a word of the conversation must begin."""
    return words_of(search)[:SEARCH_WORDS_MAX]
