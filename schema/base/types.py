"""Types that every area uses."""

from decimal import Decimal
from enum import StrEnum

import strawberry

from domain.base import money
from schema.base.descriptions import described_enum, shown
from schema.base.scalars import CurrencyCode
from schema.base.views import derived, view


@view(description="An amount in one currency: exact, never a float.")
class Money:
    """See the description."""

    exact: strawberry.Private[Decimal]
    amount: Decimal = derived(
        "The amount in the currency's main unit, with up to four decimals.",
        of=lambda own: Decimal(money.shown(own.exact, own.currency_code)),
    )
    currency_code: CurrencyCode = shown("The currency.")

    @classmethod
    def of(cls, amount: Decimal, currency_code: str) -> "Money":
        """Show an amount with the decimals that its currency usually has."""
        return cls(exact=amount, currency_code=CurrencyCode(currency_code))


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
