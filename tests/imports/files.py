"""Small files of orders, written as a test needs them."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


def row(
    invoice: str,
    quantity: str = "1",
    price: str = "2.50",
    *,
    sku: str = "85123A",
    title: str = "Hanging heart",
    at: str = "2010-12-01 08:26:00",
    customer: str = "17850",
    country: str = "United Kingdom",
) -> list[str]:
    """Return one row of an invoice, good in itself."""
    return [invoice, sku, title, quantity, at, price, customer, country]


def as_csv(rows: Iterable[Sequence[str]], *, columns: Sequence[str] = COLUMNS, line_end: str = "\n") -> bytes:
    """Return a file with a header and these rows."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([columns, *rows])
    return text.getvalue().encode()


def as_jsonl(values: Iterable[object]) -> bytes:
    """Return a file with one value a line; bytes stand as they are."""
    return b"".join((value if isinstance(value, bytes) else orjson.dumps(value)) + b"\n" for value in values)


def written(folder: Path, content: bytes, *, name: str = "orders.csv", is_packed: bool = False) -> Path:
    """Write the file."""
    path = folder / name
    path.write_bytes(gzip.compress(content) if is_packed else content)
    return path
