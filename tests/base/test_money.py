"""Money: exact, bounded, shown as people write it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid
from domain.base.money import (
    AMOUNT_MAX,
    check_amount,
    check_currency,
    from_units,
    rounded,
    shown,
    to_units,
)


@pytest.mark.parametrize("amount", ["0", "0.0001", "12.30", "9999999999.9999", "1E+2", "-0", "0.00000"])
def test_honest_amounts_pass(amount: str) -> None:
    """An amount from 0 to below the limit with up to four decimals passes unchanged."""
    assert check_amount(Decimal(amount)) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("-0.0001", "at least 0"),
        ("NaN", "at least 0"),
        ("sNaN", "at least 0"),
        ("Infinity", "at least 0"),
        ("-Infinity", "at least 0"),
        ("10000000000", "below 10,000,000,000"),
        ("1E+400", "below"),
        ("0.00001", "four decimals"),
        ("1E-400", "four decimals"),
        ("0.99999999999999999999999999999999999999", "four decimals"),
        ("1234567890.000000000000000000000000000000000001", "four decimals"),
    ],
)
def test_absurd_amounts_are_refused(amount: str, message: str) -> None:
    """What is no amount of money is refused with what to do about it."""
    with pytest.raises(Invalid, match=message):
        check_amount(Decimal(amount))


@given(st.decimals())
def test_a_checked_amount_can_be_stored(amount: Decimal) -> None:
    """Any decimal is either refused as `Invalid` or stored and read back without loss."""
    try:
        checked = check_amount(amount)
    except Invalid:
        assert not amount.is_finite() or amount < 0 or amount >= AMOUNT_MAX or amount.as_tuple().exponent < -4  # type: ignore[operator]
    else:
        assert from_units(to_units(checked)) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14))
def test_units_are_exact_or_refused(amount: Decimal) -> None:
    """Ten-thousandths name the amount exactly; where they cannot, nothing is rounded."""
    try:
        units = to_units(amount)
    except ValueError:
        assert amount != rounded(amount) or amount.as_tuple().exponent < -20  # type: ignore[operator]
    else:
        assert Decimal(units) / 10_000 == amount


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_stored_number_is_an_amount(units: int) -> None:
    """Every 64 bit integer is read as an amount and written as the same integer."""
    assert to_units(from_units(units)) == units


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [("0.00005", "0.0000"), ("0.00015", "0.0002"), ("0.00025", "0.0002"), ("1.23456", "1.2346"), ("7", "7.0000")],
)
def test_ties_are_rounded_to_even(amount: str, wanted: str) -> None:
    """Four decimals are kept; a tie goes to the even neighbour, so that many ties do not add up."""
    assert str(rounded(Decimal(amount))) == wanted


@pytest.mark.parametrize(
    ("amount", "currency_code", "wanted"),
    [
        ("0", "EUR", "0.00"),
        ("12.3", "EUR", "12.30"),
        ("12.3000", "EUR", "12.30"),
        ("0.001", "GBP", "0.001"),
        ("-1.5", "GBP", "-1.50"),
        ("1E+5", "EUR", "100000.00"),
        ("100", "JPY", "100"),
        ("100.5", "JPY", "100.5"),
        ("1", "KWD", "1.000"),
        ("99999999999.9999", "EUR", "99999999999.9999"),
    ],
)
def test_amounts_are_shown_with_the_usual_decimals(amount: str, currency_code: str, wanted: str) -> None:
    """An amount has its currency's decimals, and more only where it has more."""
    assert shown(Decimal(amount), currency_code) == wanted


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_is_shown_is_exact(units: int, currency_code: str) -> None:
    """The text names the same amount, without an exponent."""
    text = shown(from_units(units), currency_code)
    assert Decimal(text) == from_units(units)
    assert "E" not in text.upper()


@pytest.mark.parametrize(("code", "wanted"), [("EUR", "EUR"), (" gbp ", "GBP"), ("xof", "XOF")])
def test_currencies_come_in_one_spelling(code: str, wanted: str) -> None:
    """Case and blanks do not matter."""
    assert check_currency(code) == wanted


@pytest.mark.parametrize("code", ["", "EU", "EURO", "XXX", "XTS", "XAU", "ZZZ", "€", "E\0R"])
def test_unknown_currencies_are_refused(code: str) -> None:
    """Metals, test codes and inventions are no currencies."""
    with pytest.raises(Invalid, match="ISO 4217"):
        check_currency(code)
