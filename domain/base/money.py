"""Money: exact decimals, kept as integers, never as floats."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_currency_precision

from domain.base.errors import Invalid

UNITS_PER_MAIN = 10_000
"""The database counts in ten-thousandths: four decimals, as unit prices of 0.001 are real."""

AMOUNT_MAX = Decimal(10_000_000_000)
"""No single amount may reach this: a sum of 90,000 such amounts still fits into 64 bits."""

_REMEMBERED = 10_000
"""Amounts whose forms are remembered: a shop has few prices and many lines."""

_QUANTUM = Decimal("0.0001")
_SHARED_CURRENCIES = {"XAF", "XCD", "XCG", "XOF", "XPF"}
_CURRENCY_CODES = frozenset(
    code for code in get_global("all_currencies") if not code.startswith("X") or code in _SHARED_CURRENCIES
)
"""ISO 4217 as the Unicode CLDR lists it (library Babel), without metals, funds, tests and "no currency"."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency."""

    amount: Decimal
    currency_code: str


def to_units(amount: Decimal) -> int:
    """Return the ten-thousandths of `amount`. Raises `ValueError` where it has more than four decimals."""
    whole = int(amount.scaleb(4))
    if amount != from_units(whole):  # not by the scaled amount: beyond 28 digits it is rounded
        message = f"more than four decimals: {amount}"
        raise ValueError(message)
    return whole


@lru_cache(maxsize=_REMEMBERED)
def from_units(units: int | Decimal) -> Decimal:
    """Return the amount of so many ten-thousandths."""
    return Decimal(units).scaleb(-4)


def rounded(amount: Decimal) -> Decimal:
    """Return `amount` to four decimals, ties to even."""
    return amount.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN)


def check_amount(amount: Decimal) -> Decimal:
    """Return an amount that is neither negative nor absurd. Raises `Invalid`."""
    if not amount.is_finite() or amount < 0:
        message = "An amount must be a number of at least 0."
        raise Invalid(message)
    if amount >= AMOUNT_MAX:
        message = f"An amount must be below {AMOUNT_MAX:,}."
        raise Invalid(message)
    if amount != rounded(amount):
        message = "An amount has at most four decimals."
        raise Invalid(message)
    return amount


def check_currency(code: str) -> str:
    """Return an ISO 4217 code in capitals. Raises `Invalid` for one that does not exist."""
    found = code.strip().upper()
    if found not in _CURRENCY_CODES:
        message = "This is no ISO 4217 currency code, such as EUR."
        raise Invalid(message)
    return found


def shown(amount: Decimal, currency_code: str) -> str:
    """Return the amount as text, with the currency's usual decimals and more only where it has more."""
    usual = get_currency_precision(currency_code)
    exact = amount.normalize()
    exponent = exact.as_tuple().exponent
    decimals = max(usual, -exponent if isinstance(exponent, int) else 0)
    return f"{exact:.{decimals}f}"
