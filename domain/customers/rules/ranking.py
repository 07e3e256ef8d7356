"""Where a customer's value places them among all customers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.base.money import Money, rounded, to_units

QUINTILES = 5
DECILES = 10


def rank_values(*, last_order_key: int, order_count: int, net_spent: Decimal) -> dict[str, int]:
    """Return by what a customer is ranked in each ranking, ascending: money in its units, the decile from the top."""
    units = to_units(net_spent)
    return {"recency": last_order_key, "frequency": order_count, "monetary": units, "decile": -units}


def group_ends(*, customer_count: int, group_count: int) -> list[int]:
    """Return the rank of the last customer in each group but the last one, 0 for an empty group.

    A customer of rank r among N is in group ⌈groups · r / N⌉, so group k ends at rank ⌊k · N / groups⌋.
    """
    return [k * customer_count // group_count for k in range(1, group_count)]


def scores(
    values: Mapping[str, int], *, tie: str, boundaries: Mapping[str, Sequence[Sequence[Any] | None]]
) -> dict[str, int]:
    """Return the group, from 1, that a customer is in, for each ranking.

    `boundaries` has the value and tie-breaker of the last customer of each group but the last one.
    """
    return {
        name: 1 + sum(1 for end in boundaries[name] if end is None or (value, tie) > (end[0], end[1]))
        for name, value in values.items()
    }


def average_order(*, ordered: Decimal, order_count: int, currency_code: str) -> Money | None:
    """Return the mean total of the orders, None without any; to four decimals, ties to even."""
    return Money(rounded(ordered / order_count), currency_code) if order_count else None


def share(part: Decimal, *, whole: Decimal) -> Decimal:
    """Return the share that a part has of the whole, to six decimals; 0 where the whole is nothing."""
    return (part / whole).quantize(Decimal("0.000001")) if whole > 0 else Decimal(0)
