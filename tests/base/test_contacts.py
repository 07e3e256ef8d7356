"""E-mail addresses and telephone numbers: one spelling each, whatever notation they came in."""

import re

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.base.contacts import check_email, check_phone, email_key, phone_digits, search_phones
from domain.base.errors import Invalid

ADDRESS_LETTERS = "ab1.@@-_+'\"[]:<>,é用\u0301\u200d\u202e\ud800\0\n "
REGIONS = [None, "IT", "GB", "US", "DE", "AQ", "ZZ"]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("ada@shop.example", "ada@shop.example"),
        ("  Ada.Byron+tag@Shop.Example ", "Ada.Byron+tag@shop.example"),
        ("ada@shop.test", "ada@shop.test"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("用户@例子.example", "用户@例子.example"),
        ("o'neill@shop.example", "o'neill@shop.example"),
    ],
)
def test_addresses_come_in_one_spelling(address: str, wanted: str) -> None:
    """The domain is in lower case and in its own script; the local part keeps its case."""
    assert check_email(address) == wanted
    assert check_email(wanted) == wanted


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@shop.example",
        "ada@",
        "ada@shop",
        "ada@@shop.example",
        "ada byron@shop.example",
        "ada@shop..example",
        "ada@-shop.example",
        "ada@[127.0.0.1]",
        "Ada <ada@shop.example>",
        "ada@shop.example\nBcc: all@shop.example",
        "ada\0@shop.example",
        "ada\u202e@shop.example",
        f"ada@{'a' * 64}.example",
        "a" * 10_000,
        f"{'a' * 10_000}@shop.example",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """The message says what an address looks like."""
    with pytest.raises(Invalid, match="looks like name@"):
        check_email(address)


@given(st.one_of(st.text(max_size=80), st.text(st.sampled_from(ADDRESS_LETTERS), max_size=40)))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """Whatever comes is refused, or has a spelling that stays."""
    try:
        address = check_email(text)
    except Invalid:
        return
    assert check_email(address) == address
    assert address.encode()


def test_addresses_are_compared_without_case() -> None:
    """Two spellings in another case have the same key."""
    assert email_key("Ada@Shop.Example") == email_key("ada@shop.example")
    assert email_key("STRASSE@x.example") == email_key("straße@x.example")


@pytest.mark.parametrize(
    ("number", "region", "wanted"),
    [
        ("+39 06 69812345", None, "+390669812345"),
        ("06 69812345", "IT", "+390669812345"),
        ("0039-06-698.123.45", "IT", "+390669812345"),
        ("(+39) 06/69812345", None, "+390669812345"),
        ("tel:+39-06-69812345", None, "+390669812345"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("٠٢٠ ٧٩٤٦ ٠٠١٨", "GB", "+442079460018"),
        ("+39 06 69812345", "US", "+390669812345"),
    ],
)
def test_numbers_come_in_one_spelling(number: str, region: str | None, wanted: str) -> None:
    """Every notation of a number becomes its E.164; a country code wins over the region."""
    assert check_phone(number, region=region) == wanted


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("", "IT"),
        ("hello", "IT"),
        ("06 69812345", None),
        ("12", "IT"),
        ("+999 123456789", None),
        ("+39" + "1" * 40, None),
        ("1" * 10_000, "IT"),
        ("\0", "IT"),
        ("+", None),
        ("06 69812345", "ZZ"),
        ("+310000000", None),
    ],
)
def test_what_is_no_number_is_refused(number: str, region: str | None) -> None:
    """The message says how to write it."""
    with pytest.raises(Invalid, match="with the country code"):
        check_phone(number, region=region)


@given(
    st.one_of(st.text(max_size=60), st.from_regex(r"\+?[0-9 ()./-]{3,20}", fullmatch=True)), st.sampled_from(REGIONS)
)
def test_any_text_is_a_number_or_refused(text: str, region: str | None) -> None:
    """Whatever comes is refused, or becomes an E.164 number that stays and is found by its digits."""
    try:
        number = check_phone(text, region=region)
    except Invalid:
        return
    assert re.fullmatch(r"\+[0-9]{4,17}", number)
    assert check_phone(number, region=None) == number
    assert number.removeprefix("+") in phone_digits(number)


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from(list(range(4))))
def test_a_number_is_found_in_every_notation(region: str, notation: int) -> None:
    """However somebody writes a country's example number, searching for it finds what is stored of it."""
    example = phonenumbers.example_number(region)
    assert example is not None
    stored = phone_digits(check_phone(phonenumbers.format_number(example, 0), region=None))
    written = phonenumbers.format_number(example, notation).removeprefix("tel:").split(";ext=")[0]
    assume(min(map(len, stored)) >= 5)  # shorter ones exist, and a search takes them for something else
    assert stored & search_phones(written, regions=[region])


@pytest.mark.parametrize("search", ["", "ada", "1234", "12 34", "+39 06 6981x", "06 69812345 Ada", "536365A"])
def test_what_looks_like_no_number_finds_none(search: str) -> None:
    """Words, and fewer than five digits, are no number."""
    assert search_phones(search, regions=["IT"]) == set()


def test_a_search_is_read_in_the_shops_regions() -> None:
    """A national notation is tried in every market; zeros dialled before a country code are understood."""
    assert "390669812345" in search_phones("06 69812345", regions=["GB", "IT"])
    assert "390669812345" in search_phones("0039 06 69812345", regions=[])
    assert "390669812345" in search_phones("+39 06 69812345", regions=[])
    assert search_phones("00000", regions=[]) == {"00000"}


def test_what_is_no_number_has_no_digits() -> None:
    """Only an E.164 number is looked up by its digits."""
    assert phone_digits("+390669812345") == {"390669812345", "0669812345"}
    assert phone_digits("ada") == set()
