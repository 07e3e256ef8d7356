"""Texts that people typed: cleaned, bounded, comparable."""

import unicodedata
from collections.abc import Sequence

from domain.base.errors import Invalid, Required, TooLong

NAME_LENGTH_MAX = 200
"""Characters in a name, title or code of any kind."""

URL_LENGTH_MAX = 2_000


def clean(text: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return `text` in Unicode's composed form without blanks around it.

    Raises `Invalid` for control characters and lone surrogates, which PostgreSQL cannot keep or a
    terminal would obey, and `TooLong` above `length_max` characters. Any script, emoji and
    right-to-left text are welcome.
    """
    if text.isascii() and text.isprintable():  # nearly all text there is, checked in one pass
        bare = text.strip()
        if len(bare) > length_max:
            raise _too_long(length_max)
        return bare
    if len(text) > 4 * length_max:
        raise _too_long(length_max)
    composed = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in composed):
        message = "Control characters are not allowed here; remove them."
        raise Invalid(message)
    if len(composed) > length_max:
        raise _too_long(length_max)
    return composed


def clean_lines(text: str, *, length_max: int) -> str:
    """Return a text of several lines, each cleaned as `clean` does.

    Raises `Invalid`, `TooLong`, and `Required` for a blank one.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    cleaned = "\n".join(clean(line, length_max=length_max) for line in lines).strip()
    if len(cleaned) > length_max:
        raise _too_long(length_max)
    return cleaned or clean_required(cleaned, length_max=length_max)


def clean_optional(text: str | None, *, length_max: int = NAME_LENGTH_MAX) -> str | None:
    """Return the cleaned text, None for a blank one."""
    return None if text is None else clean(text, length_max=length_max) or None


def clean_required(text: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return the cleaned text. Raises `Required` for a blank one."""
    if cleaned := clean(text, length_max=length_max):
        return cleaned
    message = "This must not be blank."
    raise Required(message)


def clean_url(url: str | None) -> str | None:
    """Return an absolute web address. Raises `Invalid` for anything that a browser should not open."""
    cleaned = clean_optional(url, length_max=URL_LENGTH_MAX)
    if cleaned is not None and not cleaned.lower().startswith(("https://", "http://")):
        message = "A web address starts with https:// or http://."
        raise Invalid(message)
    return cleaned


def folded(text: str) -> str:
    """Return `text` without case and accents, as search and sorting compare it."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


def check_length(items: Sequence[object], *, count_max: int) -> None:
    """Raise `TooLong` for a list of more than `count_max` items."""
    if len(items) > count_max:
        message = f"At most {count_max:,} items are allowed here, not {len(items):,}."
        raise TooLong(message)


def _too_long(length_max: int) -> TooLong:
    return TooLong(f"At most {length_max:,} characters are allowed here.")
