"""Types that every area uses."""

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

import strawberry

from domain.base import money
from schema.base.descriptions import described_enum, shown
from schema.base.scalars import CurrencyCode


@strawberry.type(description="An amount in one currency: exact, never a float.")
class Money:
    """See the description."""

    amount: Decimal = shown("The amount in the currency's main unit, with up to four decimals.")
    currency_code: CurrencyCode = shown("The currency.")

    @staticmethod
    @lru_cache(maxsize=10_000)
    def of(amount: Decimal, currency_code: str) -> "Money":
        """Show an amount with the decimals that its currency usually has; the same one is shown as the same object."""
        return Money(amount=Decimal(money.shown(amount, currency_code)), currency_code=CurrencyCode(currency_code))


class Direction(StrEnum):
    """Which end of an order comes first."""

    ASC = "ASC"
    DESC = "DESC"


SortDirection = described_enum(
    Direction,
    name="SortDirection",
    description="Which end of an order comes first.",
    values={Direction.ASC: "The smallest or earliest first.", Direction.DESC: "The largest or latest first."},
)
