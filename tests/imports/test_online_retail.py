"""The format online-retail, row by row: what is good goes in, what is not is told with its line and reason."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from api.imports import online_retail, run
from api.imports.documents import Document, Found
from domain.base.work import Work, Works
from domain.orders.actions.imports import Batch, BatchOutcome, import_batch
from domain.orders.rules import CreditNoteDetails, OrderDetails
from tests.conftest import DATA, Client
from tests.imports.conftest import Take, documents, refused
from tests.imports.files import COLUMNS, as_csv, row, written

BAD: dict[str, tuple[list[list[str]], str]] = {
    "1001": ([row("1001", "six")], "Quantity 'six' is no whole number"),
    "1002": ([row("1002", "1.5")], "Quantity '1.5' is no whole number"),
    "1003": ([row("1003", "")], "Quantity '' is no whole number"),
    "1004": ([row("1004", "9" * 5_000)], "is no whole number"),
    "1005": ([row("1005", price="NaN")], "UnitPrice 'NaN' is no decimal number"),
    "1006": ([row("1006", price="Infinity")], "UnitPrice 'Infinity' is no decimal number"),
    "1007": ([row("1007", price="2,50")], "UnitPrice '2,50' is no decimal number"),
    "1008": ([row("1008", price="1e999999")], ": unitPrice: An amount must be below "),
    "1009": ([row("1009", price="-1")], ": unitPrice: An amount must be a number of at least 0."),
    "1010": ([row("1010", price="0.00001")], ": unitPrice: An amount has at most four decimals."),
    "1011": ([row("1011", country="Ruritania")], "Country 'Ruritania' is unknown to this format"),
    "1012": ([row("1012", country="")], "Country '' is unknown to this format"),
    "1013": ([row("1013", at="12/1/2010 8:26")], "InvoiceDate '12/1/2010 8:26' is no time"),
    "1014": ([row("1014", at="2010-02-30 08:26:00")], "InvoiceDate '2010-02-30 08:26:00' is no time"),
    "1015": ([row("1015", at="2010-12-01 08:26:00+05:00")], "InvoiceDate '2010-12-01 08:26:00+05:00' is no time"),
    "1016": ([row("1016", at="0001-01-01 00:00:00")], "placedAt: This instant is before 1970 or in the future"),
    "1017": ([row("1017", at="9999-12-31 23:59:59")], "placedAt: This instant is before 1970 or in the future"),
    "1018": ([row("1018")[:-1]], "7 values where the header has 8"),
    "1019": ([[*row("1019"), "more"]], "9 values where the header has 8"),
    "1020": ([row("1020"), row("1020", "-1")], "quantity -1 in a sale"),
    "1021": ([row("1021", "0")], "quantity 0 in a sale"),
    "1022": ([row("1022"), row("1022", customer="12345")], "the rows name several customers"),
    "1023": ([row("1023"), row("1023", customer="")], "the rows name several customers"),
    "1024": ([row("1024", "1000001")], ": quantity: A quantity is from 1 to 1,000,000."),
    "1036": ([row("1036"), row("1036", sku="")], ": sku: This must not be blank."),
    "1025": ([row("1025", sku="")], ": sku: This must not be blank."),
    "1026": ([row("1026", sku="s" * 201)], ": sku: At most 200 characters"),
    "1027": ([row("1027", title="t" * 501)], ": title: At most 500 characters"),
    "1028": ([row("1028", title="bell \x07")], ": title: Control characters are not allowed"),
    "1029": ([row("1029", customer="c" * 201)], "customer.externalId: At most 200 characters"),
    "1030": ([row("1030", "-1", "2.50")], "quantity -1 in a sale"),
    "1031": ([row("1031"), row("1031", "six"), row("1031")], "Quantity 'six' is no whole number"),
    "C1032": ([row("C1032", "1")], "quantity 1 in a cancellation"),
    "C1033": ([row("C1033", "-1"), row("C1033", "1")], "quantity 1 in a cancellation"),
    "C1034": ([row("C1034", "0")], "quantity 0 in a cancellation"),
    "C1035": ([row("C1035", "-1", at="2030-01-01 00:00:00")], "issuedAt: This instant is before 1970"),
}
"""Invoices with something wrong, and the reason that is told for each."""


async def test_each_bad_invoice_is_told_and_the_rest_goes_in(take: Take, works: Works, tmp_path: Path) -> None:
    """Every refused invoice stands in the report with its lines and its reason; its good neighbours are there."""
    rows: list[list[str]] = []
    places: dict[str, tuple[int, int]] = {}
    for number, (bad, _) in BAD.items():
        rows.append(row(f"G{number}"))
        places[number] = (len(rows) + 2, len(rows) + 1 + len(bad))
        rows += bad
    summary = await take(written(tmp_path, as_csv(rows)))
    found = refused(summary)
    assert {name: (first, last) for name, (first, last, _) in found.items()} == places
    assert {name: reason for name, (_, _, reason) in found.items() if BAD[name][1] not in reason} == {}
    assert found["1036"][2].startswith(f"line {places['1036'][1]}: ")  # the file's line, not the invoice's
    assert await documents(works) == ({f"G{number}" for number in BAD}, set())
    assert summary.counts == {"order": len(BAD), "line": len(BAD), "refused": len(BAD)}
    assert not summary.is_clean


async def test_a_bad_row_names_its_own_line(take: Take, tmp_path: Path) -> None:
    """In a long invoice the reason says which of its lines are at fault, and the invoice is left out whole."""
    rows = [row("1"), row("2"), row("2", "x"), row("2"), row("2", price="y")]
    found = refused(await take(written(tmp_path, as_csv(rows))))
    assert found == {"2": (3, 6, "line 4: Quantity 'x' is no whole number; line 6: UnitPrice 'y' is no decimal number")}


async def test_an_invoice_in_two_places_is_refused_in_both(take: Take, works: Works, tmp_path: Path) -> None:
    """Neither place has all its rows, so an order made of one of them would have a sum that is not true."""
    rows = [row("1"), row("1"), row("2"), row("1"), row("3")]
    summary = await take(written(tmp_path, as_csv(rows)))
    assert summary.report is not None
    lines = summary.report.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [["2", "3", "1"], ["5", "5", "1"]]
    assert all("stands in several places of the file" in line for line in lines[1:])
    assert await documents(works) == ({"2", "3"}, set())
    assert summary.counts == {"order": 2, "line": 2, "refused": 2}


async def test_rows_without_an_invoice_are_told(take: Take, works: Works, tmp_path: Path) -> None:
    """A row that belongs to no invoice is refused, wherever it stands."""
    rows = [row(""), row("1"), row("  "), row("2"), row("")]
    summary = await take(written(tmp_path, as_csv(rows)))
    assert summary.report is not None
    lines = summary.report.read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["2", "4", "6"]
    assert all("InvoiceNo is empty" in line for line in lines)
    assert (await documents(works))[0] == {"1", "2"}


async def test_what_is_no_order_is_listed_and_not_refused(take: Take, works: Works, tmp_path: Path) -> None:
    """Adjustments of the books and corrections of the stock are counted, named, and nowhere in the data."""
    rows = [
        row("A1", price="-11062.06", sku="B", title="Adjust bad debt", customer=""),
        row("2", "-20", "0", sku="21777", title="", customer=""),
        row("3"),
    ]
    summary = await take(written(tmp_path, as_csv(rows)))
    assert summary.counts == {"adjustment": 1, "stock correction": 1, "order": 1, "line": 1}
    assert [(each.name, each.reason) for each in summary.left_out] == [
        ("A1", "adjusts the books"),
        ("2", "corrects the stock of 21777 by -20"),
    ]
    assert (summary.is_clean, summary.report) == (True, None)
    assert await documents(works) == ({"3"}, set())


async def test_an_order_is_what_its_rows_say(take: Take, client: Client, tmp_path: Path) -> None:
    """Rows that are equal stay apart, the earliest instant counts, the shop's summer is not UTC."""
    rows = [
        row("1", "2", "0.001", at="2011-07-01 09:01:00", country="Italy"),
        row("1", "2", "0.001", at="2011-07-01 09:00:00", country="Italy", title=""),
    ]
    await take(written(tmp_path, as_csv(rows)))
    answer = await client.ask(
        """{ orders(first: 1) { nodes {
             placedAt total { amount currencyCode } shippingCountry customer { externalId country } store { code }
             lines { externalId sku title quantity total { amount } } } } }"""
    )
    line = {"sku": "85123A", "quantity": 2, "total": {"amount": "0.002"}}
    assert answer.data["orders"]["nodes"] == [
        {
            "placedAt": "2011-07-01T08:00:00Z",
            "total": {"amount": "0.004", "currencyCode": "GBP"},
            "shippingCountry": "IT",
            "customer": {"externalId": "17850", "country": "IT"},
            "store": {"code": "uk"},
            "lines": [
                {"externalId": "1", "title": "Hanging heart", **line},
                {"externalId": "2", "title": "85123A", **line},
            ],
        }
    ]


async def test_a_cancellation_is_a_credit_note(take: Take, client: Client, tmp_path: Path) -> None:
    """With positive pieces and amounts, of its customer, and of no order: the file names none."""
    await take(written(tmp_path, as_csv([row("536365", "3"), row("C536365", "-2", customer="17850")])))
    answer = await client.ask(
        """{ customers(first: 1) { nodes {
             value { orderCount otherCurrencies { amount currencyCode } }
             creditNotes(first: 1) { nodes { externalId total { amount } order { id } lines { quantity } } } } } }"""
    )
    (customer,) = answer.data["customers"]["nodes"]
    assert customer["creditNotes"]["nodes"] == [
        {"externalId": "C536365", "total": {"amount": "5.00"}, "order": None, "lines": [{"quantity": 2}]}
    ]
    assert customer["value"] == {"orderCount": 1, "otherCurrencies": [{"amount": "2.50", "currencyCode": "GBP"}]}


async def test_a_country_that_is_none_stays_unknown(take: Take, works: Works, tmp_path: Path) -> None:
    """Unspecified, or a name for several countries: the order goes in, and no country is guessed."""
    names = ["Unspecified", "European Community", "Channel Islands"]
    await take(written(tmp_path, as_csv([row(str(i), country=name) for i, name in enumerate(names)])))
    async with works.database.reading() as session:
        found = await session.execute(text("SELECT shipping_country FROM orders"))
        assert found.scalars().all() == [None, None, None]


@pytest.mark.parametrize(
    ("content", "name", "is_packed"),
    [
        (as_csv([row("1"), row("2")]), "orders.csv", False),
        (as_csv([row("1"), row("2")]), "orders.csv.gz", True),
        (as_csv([row("1"), row("2")]), "plain.csv.gz", False),
        (as_csv([row("1"), row("2")]), "packed.csv", True),
        (as_csv([row("1"), row("2")]).removesuffix(b"\n"), "no_last_line_end.csv", False),
        (as_csv([row("1"), row("2")], line_end="\r\n"), "windows.csv", False),
        (b"\xef\xbb\xbf" + as_csv([row("1"), row("2")]), "byte_order_mark.csv", False),
        (b"\xef\xbb\xbf" + as_csv([row("1"), row("2")], line_end="\r\n"), "excel.csv.gz", True),
        (as_csv([row("1"), [], row("2"), []]), "blank_lines.csv", False),
        (
            as_csv([[*reversed(row(n)), "x"] for n in "12"], columns=[*reversed(COLUMNS), "Extra"]),
            "other_order.csv",
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_same_orders_in_other_clothes(
    content: bytes,
    name: str,
    is_packed: bool,  # noqa: FBT001
    take: Take,
    works: Works,
    tmp_path: Path,
) -> None:
    """Packed or not and whatever the name, line ends, a byte order mark, the order of columns: the same two orders."""
    summary = await take(written(tmp_path, content, name=name, is_packed=is_packed))
    assert summary.counts == {"order": 2, "line": 2}
    assert await documents(works) == ({"1", "2"}, set())


async def test_a_file_with_a_header_only_is_clean(take: Take, works: Works, tmp_path: Path) -> None:
    """Nothing to do is nothing wrong."""
    summary = await take(written(tmp_path, as_csv([])))
    assert (summary.is_clean, summary.report, sum(summary.counts.values())) == (True, None, 0)
    assert await documents(works) == (set(), set())


async def test_text_of_any_script_comes_through(take: Take, client: Client, tmp_path: Path) -> None:
    """Quotes, commas, emoji and right-to-left text are titles like any other."""
    titles = ['12" ruler, "red"', "Tazza 🍵 blu", "مرحبا بالعالم", "数据,手册"]
    await take(written(tmp_path, as_csv([row("1", title=title) for title in titles])))
    answer = await client.ask("{ orders(first: 1) { nodes { lines { title } } } }")
    assert [line["title"] for line in answer.data["orders"]["nodes"][0]["lines"]] == titles


async def test_a_line_end_inside_a_value_is_seen(take: Take, works: Works, tmp_path: Path) -> None:
    """It is no part of a title, and the lines after it keep their true numbers."""
    rows = [row("1", title="two\nlines"), row("2"), row("3", "x")]
    found = refused(await take(written(tmp_path, as_csv(rows))))
    assert {name: reason for name, (_, _, reason) in found.items()} == {
        "1": "line 3: title: Control characters are not allowed here; remove them.",
        "3": "line 5: Quantity 'x' is no whole number",
    }
    assert (await documents(works))[0] == {"2"}


async def test_the_report_of_an_earlier_run_is_gone(take: Take, tmp_path: Path) -> None:
    """Once the file is put right nothing says that it is wrong."""
    first = await take(written(tmp_path, as_csv([row("1", "x")])))
    assert first.report is not None
    second = await take(written(tmp_path, as_csv([row("1")])))
    assert (second.report, first.report.exists(), second.counts) == (None, False, {"order": 1, "line": 1})


async def test_a_file_with_refusals_is_told_again(take: Take, works: Works, tmp_path: Path) -> None:
    """It is not counted as done: a second run reads it again and says the same, and what went in stays as it is."""
    path = written(tmp_path, as_csv([row("1"), row("2", "x"), row("3", "1000001")]))
    first = await take(path)
    told = refused(first)
    second = await take(path)
    assert not second.was_done
    assert (second.counts, refused(second)) == (first.counts, told)
    assert await documents(works) == ({"1"}, set())


def test_reading_holds_one_invoice_at_a_time(tmp_path: Path) -> None:
    """The reader streams: what it holds at once is far less than what it reads."""
    title = "x" * 400
    rows = [row(str(number // 10), title=title) for number in range(20_000)]
    path = written(tmp_path, as_csv(rows))
    size = path.stat().st_size
    del rows
    tracemalloc.start()
    count = sum(1 for _ in online_retail.read(path, 0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 2_000
    assert size > 9_000_000
    assert peak < 1_000_000


async def test_reading_is_no_further_than_the_batch(take: Take, works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is taken over when it is full, before more is read; none is larger than it may be."""
    read_lines = 0
    largest = 0
    batches: list[tuple[int, int]] = []

    def reading(path: Path, rows_done: int) -> Iterator[Found]:
        nonlocal read_lines, largest
        for found in online_retail.read(path, rows_done):
            assert isinstance(found, Document)
            read_lines += len(found.details.lines)
            largest = max(largest, len(found.details.lines))
            yield found

    async def importing(work: Work, *, batch: Batch) -> BatchOutcome:
        nonlocal read_lines
        lines = sum(len(order.lines) for order in batch.orders) + sum(len(note.lines) for note in batch.credit_notes)
        assert read_lines - lines <= largest  # one invoice was read that did not fit
        read_lines -= lines
        batches.append((len(batch.orders) + len(batch.credit_notes), lines))
        return await import_batch(work, batch=batch)

    monkeypatch.setattr(run, "import_batch", importing)
    monkeypatch.setitem(run.FORMATS, "online-retail", reading)
    await take(DATA / "online_retail_cust_mod50.csv.gz")
    assert sum(lines for _, lines in batches) == 7_810
    assert len(batches) >= 2
    assert max(count for count, _ in batches) <= run.BATCH_DOCUMENTS_MAX
    assert max(lines for _, lines in batches) <= run.BATCH_LINES_MAX + largest
    assert (await documents(works))[0]


def test_every_name_of_a_country_is_known() -> None:
    """The 38 names of the complete data set, three of which name no country."""
    names = online_retail._COUNTRIES
    assert len(names) == 38
    assert Counter(code is None for code in names.values()) == {False: 35, True: 3}


def test_amounts_are_exact_before_they_are_kept(tmp_path: Path) -> None:
    """A price is a decimal number from the start, never a float."""
    (found,) = online_retail.read(written(tmp_path, as_csv([row("1", "3", "0.1"), row("1", "3", "0.2")])), 0)
    assert isinstance(found, Document)
    assert isinstance(found.details, OrderDetails | CreditNoteDetails)
    assert [line.unit_price for line in found.details.lines] == [Decimal("0.1"), Decimal("0.2")]
