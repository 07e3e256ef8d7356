"""The format of the data set Online Retail (UCI): one row a line of an invoice, in the shop's local time.

An invoice whose number begins with C is a cancellation, and becomes a credit note: the data do not say of
which order. One that begins with A, and one of negative quantities without price and customer, adjusts
books or stock: it is counted and listed, and is no order. A line is known by its position in its invoice,
as equal rows are real. What has no customer stays without one.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.imports.documents import Document, Found, Problem
from api.imports.files import FileRefused, lines_of
from domain.customers.rules.profiles import Buyer
from domain.identity.rules import StoreDetails
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails

STORE = StoreDetails(
    code="uk",
    name="United Kingdom",
    country="GB",
    locale="en-GB",
    currency_code="GBP",
    time_zone="Europe/London",
)
"""The one store of the data set, as its documentation describes it."""

_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
_ZONE = ZoneInfo(STORE.time_zone)
_CANCELLATION = "C"
_ADJUSTMENT = "A"

_COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": None,  # Jersey or Guernsey: the data do not say
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "European Community": None,
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
    "Unspecified": None,
}
"""The data set's own names of countries; None where it names no country."""


class _Row(NamedTuple):
    number: int
    invoice: str
    sku: str
    title: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str | None


def read(path: Path, rows_done: int) -> Iterator[Found]:
    """Yield the invoices of the file after the first `rows_done` rows, and everything that is left out.

    Raises `FileRefused`.
    """
    scattered = _scattered(path)
    invoice: list[_Row | Problem] = []
    name = ""
    for number, current, row in _rows(path):
        if current != name:
            yield from _found(name, invoice, rows_done)
            invoice = []
            name = current
            if current in scattered:
                reason = "the invoice stands in several places of the file; keep its rows together"
                invoice.append(Problem(current, reason, number, number))
        invoice.append(row)
    yield from _found(name, invoice, rows_done)


def _found(name: str, invoice: Sequence[_Row | Problem], rows_done: int) -> Iterator[Found]:
    """Yield what an invoice is, unless it went in before: what is left out is told of each time."""
    if invoice:
        found = _document(name, invoice)
        if isinstance(found, Problem) or found.last_line > rows_done + 1:
            yield found


def check(path: Path) -> None:
    """Read the file's form from end to end. Raises `FileRefused` for a missing column or broken quotes."""
    for _ in _values(path):
        pass


def _scattered(path: Path) -> set[str]:
    """Return the invoices whose rows are not together: in no place is it known whether they are all there."""
    seen: set[str] = set()
    scattered: set[str] = set()
    last = place = None
    for _, values in _values(path):
        if place is None:
            place = values.index(_COLUMNS[0])
            continue
        name = values[place].strip() if place < len(values) else ""
        if name and name != last and name in seen:
            scattered.add(name)
        seen.add(name)
        last = name
    return scattered


def _rows(path: Path) -> Iterator[tuple[int, str, _Row | Problem]]:
    """Yield line number, invoice and row; line 1 is the header."""
    places: list[int] = []
    width = 0
    for number, values in _values(path):
        if places:
            yield _row(number, values, places, width)
        else:
            places, width = [values.index(column) for column in _COLUMNS], len(values)


def _values(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and values of each row that is not empty, the header first."""
    reader = csv.reader((f"{line}\n" for line in lines_of(path)), strict=True)  # a value may hold line ends
    try:
        header = next(reader, [])
        if missing := [column for column in _COLUMNS if column not in header]:
            message = f"{path}: the header lacks {', '.join(missing)}; the format has {', '.join(_COLUMNS)}."
            raise FileRefused(message)
        yield reader.line_num, header
        for values in reader:
            if values:
                yield reader.line_num, values
    except csv.Error as error:
        message = f"{path}: line {reader.line_num:,} is no CSV ({error}); check its quotes."
        raise FileRefused(message) from None


def _row(number: int, values: list[str], places: Sequence[int], width: int) -> tuple[int, str, _Row | Problem]:
    if len(values) != width:
        invoice = values[places[0]].strip() if places[0] < len(values) else ""
        reason = f"{len(values)} values where the header has {width}"
        return number, invoice, Problem(invoice, reason, number, number)
    invoice, sku, title, quantity, at, price, customer, country = (values[place].strip() for place in places)
    try:
        if not invoice:
            raise ValueError("InvoiceNo is empty")  # noqa: EM101, TRY003, TRY301
        if country not in _COUNTRIES:
            raise ValueError(f"Country {country[:40]!r} is unknown to this format")  # noqa: EM102, TRY003, TRY301
        row = _Row(
            number=number,
            invoice=invoice,
            sku=sku,
            title=title,
            quantity=_whole(quantity),
            at=_instant(at),
            price=_amount(price),
            customer=customer,
            country=_COUNTRIES[country],
        )
    except ValueError as error:
        return number, invoice, Problem(invoice, str(error), number, number)
    return number, invoice, row


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        message = f"Quantity {text[:40]!r} is no whole number"
        raise ValueError(message) from None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:  # an offset would say another instant than the shop's clock
        message = f"InvoiceDate {text[:40]!r} is no time such as 2010-12-01 08:26:00"
        raise ValueError(message)
    return at.replace(tzinfo=_ZONE)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        message = f"UnitPrice {text[:40]!r} is no decimal number"
        raise ValueError(message)
    return amount


def _document(name: str, found: Sequence[_Row | Problem]) -> Found:
    """Return what an invoice is. One bad row leaves the whole invoice out: without it the sum would lie."""
    first, last = _first_line(found), _last_line(found)
    bad = [row for row in found if isinstance(row, Problem)]
    if bad:
        return Problem(name, "; ".join(f"line {row.first_line}: {row.reason}" for row in bad[:5]), first, last)
    rows = [row for row in found if isinstance(row, _Row)]
    if name.startswith(_ADJUSTMENT):
        return Problem(name, "adjusts the books", first, last, kind="adjustment")
    if all(row.quantity < 0 and row.price == 0 and not row.customer for row in rows) and not name.startswith(
        _CANCELLATION
    ):
        return Problem(
            name, f"corrects the stock of {rows[0].sku} by {rows[0].quantity}", first, last, kind="stock correction"
        )
    if len({row.customer for row in rows}) > 1:
        return Problem(name, "the rows name several customers", first, last)
    sign = -1 if name.startswith(_CANCELLATION) else 1
    if wrong := next((row for row in rows if row.quantity * sign <= 0), None):
        kind = "cancellation" if sign < 0 else "sale"
        return Problem(name, f"line {wrong.number}: quantity {wrong.quantity} in a {kind}", first, last)
    return Document(_credit_note(name, rows) if sign < 0 else _order(name, rows), first, last)


def _order(name: str, rows: Sequence[_Row]) -> OrderDetails:
    return OrderDetails(
        external_id=name,
        store_code=STORE.code,
        buyer=_buyer(rows[0]),
        placed_at=min(row.at for row in rows),
        currency_code=STORE.currency_code,
        shipping_country=rows[0].country,
        lines=_lines(rows, 1),
    )


def _credit_note(name: str, rows: Sequence[_Row]) -> CreditNoteDetails:
    return CreditNoteDetails(
        external_id=name,
        buyer=_buyer(rows[0]),
        issued_at=min(row.at for row in rows),
        currency_code=STORE.currency_code,
        lines=_lines(rows, -1),
    )


def _buyer(row: _Row) -> Buyer | None:
    return Buyer(external_id=row.customer, country=row.country) if row.customer else None


def _lines(rows: Sequence[_Row], sign: int) -> list[LineDetails]:
    return [
        LineDetails(
            external_id=str(position),
            sku=row.sku,
            title=row.title,
            quantity=row.quantity * sign,
            unit_price=row.price,
        )
        for position, row in enumerate(rows, start=1)
    ]


def _first_line(found: Sequence[_Row | Problem]) -> int:
    return found[0].number if isinstance(found[0], _Row) else found[0].first_line


def _last_line(found: Sequence[_Row | Problem]) -> int:
    return found[-1].number if isinstance(found[-1], _Row) else found[-1].last_line
