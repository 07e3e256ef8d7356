"""What the files of Online Retail come to, worked out a second way: over the plain CSV, without the product.

As a program it prints the ranks of every customer: `python tests/real_data/expected_ranks.py FILE…`
"""

import csv
import gzip
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

SHOP_ZONE = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    sku: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str


@dataclass(frozen=True)
class Invoice:
    """The rows of one invoice number."""

    number: str
    rows: tuple[Row, ...]

    @property
    def is_cancellation(self) -> bool:
        """Tell whether it takes back."""
        return self.number.startswith("C")

    @property
    def is_stock_correction(self) -> bool:
        """Tell whether it takes goods off the stock without being a cancellation."""
        return not self.is_cancellation and any(row.quantity < 0 for row in self.rows)

    @property
    def is_order(self) -> bool:
        """Tell whether something was bought."""
        return not self.is_cancellation and not self.is_stock_correction

    @property
    def customer(self) -> str:
        """Return the customer's number, nothing for a guest."""
        (customer,) = {row.customer for row in self.rows}
        return customer

    @property
    def amount(self) -> Decimal:
        """Return the sum of the rows: below 0 for a cancellation."""
        return sum((row.quantity * row.price for row in self.rows), Decimal(0))

    @property
    def at(self) -> datetime:
        """Return the first instant of the rows, in UTC."""
        return min(row.at for row in self.rows).replace(tzinfo=SHOP_ZONE).astimezone(UTC)


@dataclass(frozen=True)
class Buyer:
    """A customer and what they brought."""

    number: str
    orders: tuple[Invoice, ...]
    cancellations: tuple[Invoice, ...]

    @property
    def gross(self) -> Decimal:
        """Return what the orders come to."""
        return sum((order.amount for order in self.orders), Decimal(0))

    @property
    def net(self) -> Decimal:
        """Return the orders less the cancellations."""
        return self.gross + sum((each.amount for each in self.cancellations), Decimal(0))

    @property
    def last_order_at(self) -> datetime:
        """Return when they last ordered."""
        return max(order.at for order in self.orders)


@dataclass(frozen=True)
class Ranks:
    """Where a customer stands among all who ordered."""

    recency: int
    frequency: int
    monetary: int
    decile: int


@cache
def read_invoices(*paths: Path) -> dict[str, Invoice]:
    """Return the invoices of the files; one that stands in several of them must be the same in each."""
    invoices: dict[str, Invoice] = {}
    for path in paths:
        for number, rows in _rows_by_invoice(path).items():
            invoice = Invoice(number, tuple(rows))
            if invoices.setdefault(number, invoice) != invoice:
                message = f"{path}: invoice {number} differs from that of an earlier file"
                raise ValueError(message)
    return invoices


def _rows_by_invoice(path: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        for values in csv.DictReader(stream):
            row = Row(
                sku=values["StockCode"],
                quantity=int(values["Quantity"]),
                at=datetime.strptime(values["InvoiceDate"], "%Y-%m-%d %H:%M:%S"),  # noqa: DTZ007  shop-local, as told
                price=Decimal(values["UnitPrice"]),
                customer=values["CustomerID"],
                country=values["Country"],
            )
            found.setdefault(values["InvoiceNo"], []).append(row)
    return found


def buyers_of(invoices: Iterable[Invoice]) -> dict[str, Buyer]:
    """Return every customer by number."""
    named: dict[str, tuple[list[Invoice], list[Invoice]]] = {}
    for invoice in invoices:
        if invoice.customer and not invoice.is_stock_correction:
            named.setdefault(invoice.customer, ([], []))[invoice.is_cancellation].append(invoice)
    return {number: Buyer(number, tuple(orders), tuple(taken)) for number, (orders, taken) in named.items()}


def ranks_of(buyers: Iterable[Buyer]) -> dict[str, Ranks]:
    """Return the fifths and tenths of all who ordered: ⌈5·rank/N⌉ ascending, ⌈10·rank/N⌉ from the top."""
    ordered = [buyer for buyer in buyers if buyer.orders]
    recency = _groups(ordered, 5, lambda buyer: (buyer.last_order_at, buyer.number))
    frequency = _groups(ordered, 5, lambda buyer: (len(buyer.orders), buyer.number))
    monetary = _groups(ordered, 5, lambda buyer: (buyer.net, buyer.number))
    decile = _groups(ordered, 10, lambda buyer: (-buyer.net, buyer.number))
    return {
        buyer.number: Ranks(
            recency[buyer.number], frequency[buyer.number], monetary[buyer.number], decile[buyer.number]
        )
        for buyer in ordered
    }


def _groups(buyers: list[Buyer], count: int, key: Callable[[Buyer], Any]) -> dict[str, int]:
    ranked = sorted(buyers, key=key)
    return {buyer.number: _ceiling(count * rank, len(ranked)) for rank, buyer in enumerate(ranked, start=1)}


def best_of(buyers: Iterable[Buyer], percent: int) -> list[Buyer]:
    """Return the best so many percent of all customers, their number rounded up."""
    ranked = sorted(buyers, key=lambda buyer: (-buyer.net, buyer.number))
    return ranked[: _ceiling(percent * len(ranked), 100)]


def _ceiling(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def main(paths: list[Path]) -> None:
    """Print the ranks of every customer, as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["customer", "recency", "frequency", "monetary", "decile"])
    for number, ranks in sorted(ranks_of(buyers_of(read_invoices(*paths).values()).values()).items()):
        writer.writerow([number, ranks.recency, ranks.frequency, ranks.monetary, ranks.decile])


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
