"""Texts that people typed: cleaned, bounded, comparable."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid, Required, TooLong
from domain.base.texts import (
    URL_LENGTH_MAX,
    check_length,
    clean,
    clean_lines,
    clean_optional,
    clean_required,
    clean_url,
    folded,
)

LETTERS = "a é🧾\u0301\u200d\u202e\ud800\udfff\0\n\x7f\x85\u2028\ufeff"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("  Ada  ", "Ada"),
        ("\t Ada\r\n", "Ada"),
        ("e\u0301", "é"),
        ("👩‍👩‍👧 Ada", "👩‍👩‍👧 Ada"),
        ("שלום עולם", "שלום עולם"),
        ("مرحبا", "مرحبا"),
        ("\u200fAda", "\u200fAda"),
        ("O’Neill & Söhne <GmbH> \" ' ; --", "O’Neill & Söhne <GmbH> \" ' ; --"),
    ],
)
def test_text_is_kept_in_its_composed_form(text: str, wanted: str) -> None:
    """Any script, emoji and right-to-left text stay; blanks around go; accents are composed."""
    assert clean(text) == wanted


@pytest.mark.parametrize(
    "text", ["a\0b", "a\nb", "a\r\nb", "\x1b[31mred", "a\x7fb", "a\x85b", "\ud800", "a\udfffb", "\0"]
)
def test_control_characters_are_refused(text: str) -> None:
    """NUL, line ends, escapes and lone surrogates would break a database, a log or a terminal."""
    with pytest.raises(Invalid, match="remove them"):
        clean(text)


@pytest.mark.parametrize("letter", ["a", "é", "🧾", "e\u0301"])
def test_the_limit_counts_composed_characters(letter: str) -> None:
    """The limit holds for what is kept; one more is refused with the limit in the message."""
    assert clean(f" {letter * 200} ") == unicodedata.normalize("NFC", letter) * 200
    with pytest.raises(TooLong, match="At most 200 characters"):
        clean(letter * 201)
    with pytest.raises(TooLong, match="At most 1,000 characters"):
        clean(letter * 10_000, length_max=1_000)


@given(st.one_of(st.text(max_size=300), st.text(st.sampled_from(LETTERS), max_size=300)))
def test_any_text_is_cleaned_or_refused(text: str) -> None:
    """Whatever comes is refused, or kept in a form that cleaning does not change and UTF-8 can carry."""
    try:
        cleaned = clean(text)
    except (Invalid, TooLong):
        return
    assert len(cleaned) <= 200
    assert clean(cleaned) == cleaned
    assert "\0" not in cleaned.encode().decode()


def test_blank_text_is_none_or_required() -> None:
    """A blank optional text is no text; a blank required one is refused."""
    assert clean_optional(None) is None
    assert clean_optional(" \t ") is None
    assert clean_optional(" x ") == "x"
    assert clean_required(" x ") == "x"
    for blank in ("", "   ", "\n"):
        with pytest.raises(Required, match="must not be blank"):
            clean_required(blank)


@pytest.mark.parametrize("url", ["https://shop.example/a?b=c#d", "HTTP://shop.example"])
def test_web_addresses_pass(url: str) -> None:
    """Addresses of http and https pass as they are."""
    assert clean_url(url) == url


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//shop.example", "ftp://shop.example", "x"]
)
def test_what_a_browser_should_not_open_is_refused(url: str) -> None:
    """Scripts, data and relative addresses are refused."""
    with pytest.raises(Invalid, match="https://"):
        clean_url(url)


def test_web_addresses_are_bounded_and_optional() -> None:
    """None and blank are none; a longer one than any browser takes is refused."""
    assert clean_url(None) is None
    assert clean_url("  ") is None
    with pytest.raises(TooLong, match="2,000"):
        clean_url("https://shop.example/" + "x" * URL_LENGTH_MAX)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Ångström", "angstrom"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("İzmir", "izmir"), ("ﬁn", "fin")],
)
def test_folding_forgets_case_and_accents(text: str, wanted: str) -> None:
    """Two spellings of a name that differ in case and accents only are found by one another."""
    assert folded(text) == wanted


@given(st.text(max_size=50))
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is stored folded is compared with what is folded."""
    assert folded(folded(folded(text))) == folded(folded(text))


def test_long_lists_are_refused() -> None:
    """A list may have as many items as allowed and no more."""
    check_length([1, 2], count_max=2)
    with pytest.raises(TooLong, match="At most 2 items are allowed here, not 1,001"):
        check_length(range(1_001), count_max=2)


def test_lines_are_too_long_together() -> None:
    """Each of them fits; all of them do not."""
    assert clean_lines("a\nb", length_max=3) == "a\nb"
    with pytest.raises(TooLong):
        clean_lines("a\nbc", length_max=3)
