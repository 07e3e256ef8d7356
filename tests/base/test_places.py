"""Countries, languages and time zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid, TooLong
from domain.base.places import check_country, check_locale, check_time_zone

LETTERS = "itgbIT-_@./+\ud800\0\n\u0301 "


@pytest.mark.parametrize(("code", "wanted"), [("IT", "IT"), (" gb ", "GB"), ("xk", "XK"), ("AQ", "AQ")])
def test_countries_come_in_capitals(code: str, wanted: str) -> None:
    """Case and blanks do not matter."""
    assert check_country(code) == wanted


@pytest.mark.parametrize("code", ["", "I", "ITA", "UK", "EU", "ZZ", "AC", "TA", "001", "İT", "I T"])
def test_unknown_countries_are_refused(code: str) -> None:
    """What ISO 3166-1 does not list is refused."""
    with pytest.raises(Invalid, match="ISO 3166-1"):
        check_country(code)


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("it", "it"),
        ("it-IT", "it-IT"),
        (" it_it ", "it-IT"),
        ("EN-gb", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("sr_Latn", "sr-Latn"),
    ],
)
def test_languages_come_in_one_spelling(tag: str, wanted: str) -> None:
    """Both separators and any case are read; the usual spelling is kept."""
    assert check_locale(tag) == wanted
    assert check_locale(wanted) == wanted


@pytest.mark.parametrize("tag", ["", "i", "italian", "xx-XX", "it-", "-it", "it-IT-IT-IT", "123", "it IT"])
def test_unknown_languages_are_refused(tag: str) -> None:
    """What is no language tag, or none that is known, is refused."""
    with pytest.raises(Invalid, match="BCP 47"):
        check_locale(tag)


def test_time_zones_are_those_of_iana() -> None:
    """The names are case-sensitive, as the database has them."""
    assert check_time_zone(" Europe/Rome ") == "Europe/Rome"
    assert check_time_zone("UTC") == "UTC"
    for name in ("", "Rome", "europe/rome", "Europe/Rome/..", "../etc/passwd", "/etc/localtime", "+01:00"):
        with pytest.raises(Invalid, match="IANA"):
            check_time_zone(name)


@pytest.mark.parametrize("check", [check_country, check_locale, check_time_zone])
@given(text=st.one_of(st.text(max_size=40), st.text(st.sampled_from(LETTERS), max_size=8)))
def test_any_text_is_known_or_refused(check: object, text: str) -> None:
    """Whatever comes is refused, or has a spelling that stays."""
    assert callable(check)
    try:
        found = check(text)
    except Invalid:
        return
    assert check(found) == found


@pytest.mark.parametrize("check", [check_country, check_locale, check_time_zone])
def test_long_text_is_refused_at_once(check: object) -> None:
    """No list is searched for a text that is too long for any of them."""
    assert callable(check)
    with pytest.raises(TooLong):
        check("a" * 10_000)
