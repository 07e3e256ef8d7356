"""How much the best customers bring, as the API shows it."""

from decimal import Decimal
from enum import StrEnum

import strawberry

from schema.base.descriptions import described_enum, shown
from schema.base.types import Money


class Dimension(StrEnum):
    """Of what the concentration is measured."""

    REVENUE = "REVENUE"


ValueDimension = described_enum(
    Dimension,
    name="ValueDimension",
    description="Of what the concentration is measured.",
    values={Dimension.REVENUE: "Orders less credit notes, in the organisation's currency."},
)


@strawberry.type(description="What the best so many percent of customers bring.")
class ConcentrationPoint:
    """See the description."""

    percent: int = shown("How many percent of the customers.")
    customer_count: int = shown("How many customers that is, rounded up.")
    share: Decimal = shown("Their share of the total, 0 to 1, to six decimals; 0 where the total is not above 0.")


@strawberry.type(
    description=(
        "How concentrated the revenue is, over all customers with an order or a credit note. The best come first; "
        "ties are in the order of external ids."
    )
)
class ValueConcentration:
    """See the description."""

    customer_count: int = shown("How many customers there are in all.")
    total: Money | None = shown("What they bring together.")
    points: list[ConcentrationPoint] = shown("The shares of the best 1, 5, 10, 20 and 50 percent.")
