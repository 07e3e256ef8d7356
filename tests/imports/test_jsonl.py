"""The format jsonl: a line is what the API's own mutation takes, and is checked as there."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.base.work import Works
from tests.conftest import Client
from tests.imports.conftest import Take, documents, refused
from tests.imports.files import as_jsonl, written

LINE = {"sku": "A1", "title": "Cup", "quantity": 2, "unitPrice": "4.50"}


def order(external_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an order, good in itself."""
    return {
        "externalId": external_id,
        "placedAt": "2026-01-15T10:00:00Z",
        "currencyCode": "EUR",
        "customer": {"externalId": "c1"},
        "lines": [LINE],
        **changes,
    }


def note(external_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a credit note, good in itself."""
    return {
        "externalId": external_id,
        "issuedAt": "2026-01-20T10:00:00Z",
        "currencyCode": "EUR",
        "lines": [LINE | {"quantity": 1}],
        **changes,
    }


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the value with one field left out."""
    return {name: kept for name, kept in value.items() if name != key}


BAD: list[tuple[object, str, str]] = [
    (b"{", "line 1", "no valid JSON"),
    (b"not json", "line 3", "no valid JSON"),
    (b'{"externalId": "1", "externalId"', "line 5", "no valid JSON"),
    (b"[" * 5_000, "line 7", "no valid JSON"),
    ([order("1")], "line 9", "no JSON object"),
    ("text", "line 11", "no JSON object"),
    (None, "line 13", "no JSON object"),
    ({}, "line 15", "exactly one of the two"),
    ({"externalId": "neither"}, "neither", "exactly one of the two"),
    (order("both", issuedAt="2026-01-20T10:00:00Z"), "both", "exactly one of the two"),
    (order("unknown", colour="red"), "unknown", "colour"),
    (order("unknown in line", lines=[LINE | {"colour": "red"}]), "unknown in line", "colour"),
    (order("number as text", lines=[LINE | {"quantity": "2"}]), "number as text", "quantity"),
    (order("fraction", lines=[LINE | {"quantity": 1.5}]), "fraction", "quantity"),
    (order("beyond int", lines=[LINE | {"quantity": 2**40}]), "beyond int", "quantity"),
    (order("no price", lines=[without(LINE, "unitPrice")]), "no price", "unitPrice"),
    (order("price NaN", lines=[LINE | {"unitPrice": "NaN"}]), "price NaN", "unitPrice"),
    (order("null", lines=None), "null", "lines"),
    (without(order("missing"), "lines"), "missing", "lines"),
    (order("date", placedAt="yesterday"), "date", "placedAt"),
    (order("no zone", placedAt="2026-01-15T10:00:00"), "no zone", "placedAt"),
    (order("currency", currencyCode="XXX"), "currency", "currency"),
    (order("country", shippingCountry="Italy"), "country", "shipping"),
    (order(7), "line 47", "externalId"),  # type: ignore[arg-type]
    (order(" "), " ", "externalId: This must not be blank."),
    (order("no lines", lines=[]), "no lines", "lines: There must be at least one line."),
    (order("zero", lines=[LINE | {"quantity": 0}]), "zero", ": quantity: A quantity is from 1 to 1,000,000."),
    (order("long ago", placedAt="0001-01-01T00:00:00Z"), "long ago", "before 1970 or in the future"),
    (order("far off", placedAt="9999-12-31T23:59:59Z"), "far off", "before 1970 or in the future"),
    (order("no store", storeCode="mars"), "no store", "storeCode: There is no store with this code"),
    (order("e-mail", customer={"email": "nobody"}), "e-mail", "email"),
    (note("note of nothing", orderExternalId="nowhere"), "note of nothing", "There is no such order; send it with"),
    (note("note of a stranger", orderId="x"), "note of a stranger", "There is no Order with this id."),
    (note("note with paid", paid="1"), "note with paid", "paid"),
    (note("note of a parcel", orderId="T3JkZXI"), "note of a parcel", "There is no Order with this id."),
]
"""Lines with something wrong, what the report calls each, and a part of the reason; a good order follows each."""


async def test_each_bad_line_is_told_and_the_rest_goes_in(take: Take, works: Works, tmp_path: Path) -> None:
    """Every refused line stands in the report with its number and reason; the orders between them are there."""
    values: list[object] = []
    for index, (bad, _, _) in enumerate(BAD):
        values += [bad, order(f"g{index}")]
    summary = await take(written(tmp_path, as_jsonl(values), name="orders.jsonl"), "jsonl")
    found = refused(summary)
    assert {name: places[:2] for name, places in found.items()} == {
        name: (2 * index + 1, 2 * index + 1) for index, (_, name, _) in enumerate(BAD)
    }
    assert {name: found[name][2] for _, name, reason in BAD if reason not in found[name][2]} == {}
    assert await documents(works) == ({f"g{index}" for index in range(len(BAD))}, set())
    assert summary.counts == {"order": len(BAD), "line": len(BAD), "refused": len(BAD)}


async def test_an_order_and_its_credit_note(take: Take, client: Client, tmp_path: Path) -> None:
    """A credit note may name an order of the same file, before or after it in one batch; both are as in the API."""
    values = [
        note("n1", orderExternalId="o1"),
        order("o1", number="2026-1", shippingTotal="5.00", customer={"externalId": "c1", "givenName": "Ada"}),
        note("n2", orderExternalId="o1"),
        note("n3", customer={"externalId": "c1"}),
        order("o2", customer=None),
    ]
    summary = await take(written(tmp_path, as_jsonl(values), name="orders.jsonl"), "jsonl")
    assert summary.counts == {"order": 2, "credit note": 3, "line": 5}
    answer = await client.ask(
        """{ orderByExternalId(externalId: "o1") {
             number total { amount } refunded { amount } creditNotes { externalId }
             customer { displayName value { orderCount netSpent { amount } } creditNotes(first: 9) { totalCount } }
           }
           guest: orderByExternalId(externalId: "o2") { number customer { id } } }"""
    )
    assert answer.data["orderByExternalId"] == {
        "number": "2026-1",
        "total": {"amount": "14.00"},
        "refunded": {"amount": "9.00"},
        "creditNotes": [{"externalId": "n1"}, {"externalId": "n2"}],
        "customer": {
            "displayName": "Ada",
            "value": {"orderCount": 1, "netSpent": {"amount": "0.50"}},
            "creditNotes": {"totalCount": 3},
        },
    }
    assert answer.data["guest"] == {"number": "o2", "customer": None}


async def test_a_document_that_comes_twice_is_replaced(take: Take, client: Client, tmp_path: Path) -> None:
    """The later line is what the shop knows now, unless its own counter says that it is older."""
    values = [
        order("o1", sequence=2, lines=[LINE | {"quantity": 1}]),
        order("o1", sequence=3, lines=[LINE | {"quantity": 5}]),
        order("o1", sequence=1, lines=[LINE | {"quantity": 9}]),
    ]
    await take(written(tmp_path, as_jsonl(values), name="orders.jsonl"), "jsonl")
    answer = await client.ask("{ orders(first: 9) { totalCount nodes { lines { quantity } } } }")
    assert answer.data["orders"] == {"totalCount": 1, "nodes": [{"lines": [{"quantity": 5}]}]}


@pytest.mark.parametrize(
    ("content", "is_packed"),
    [
        (as_jsonl([order("1"), order("2")]), False),
        (as_jsonl([order("1"), order("2")]), True),
        (as_jsonl([order("1"), b"", b"   ", order("2"), b""]), False),
        (as_jsonl([order("1"), order("2")]).replace(b"\n", b"\r\n"), False),
        (b"\xef\xbb\xbf" + as_jsonl([order("1"), order("2")]), False),
        (as_jsonl([order("1"), order("2")]).removesuffix(b"\n"), True),
    ],
    ids=["plain", "packed", "blank lines", "windows", "byte order mark", "no last line end"],
)
async def test_the_same_orders_in_other_clothes(
    content: bytes,
    is_packed: bool,  # noqa: FBT001
    take: Take,
    works: Works,
    tmp_path: Path,
) -> None:
    """Packed or not, blank lines, line ends, a byte order mark: the same two orders."""
    summary = await take(written(tmp_path, content, name="orders.jsonl", is_packed=is_packed), "jsonl")
    assert summary.counts == {"order": 2, "line": 2}
    assert await documents(works) == ({"1", "2"}, set())


async def test_an_empty_file_is_clean(take: Take, works: Works, tmp_path: Path) -> None:
    """No line is no order, and nothing wrong."""
    summary = await take(written(tmp_path, b"", name="orders.jsonl"), "jsonl")
    assert (summary.is_clean, sum(summary.counts.values())) == (True, 0)
    assert await documents(works) == (set(), set())


async def test_the_same_file_in_another_format_is_another_file(take: Take, works: Works, tmp_path: Path) -> None:
    """What was read as one format is not taken for done in the other."""
    path = written(tmp_path, as_jsonl([]), name="nothing")
    assert not (await take(path, "jsonl")).was_done
    assert (await take(path, "jsonl")).was_done
    async with works.database.reading() as session:
        assert (await session.execute(text("SELECT format FROM import_runs"))).scalars().all() == ["jsonl"]
