"""Taking over orders: what is kept, what a repetition does, what is refused without a trace."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.base.actors import SYSTEM
from domain.base.database import Database
from domain.base.errors import Refusals, TooLong
from domain.base.work import Works
from domain.orders.actions.orders import upsert_order, upsert_orders
from domain.orders.rules import LineDetails, OrderDetails
from domain.reactions import REACTIONS
from tests.conftest import NOW, Client, StandingClock
from tests.orders.shop import (
    add_store,
    days_ago,
    instant,
    line,
    nothing_changes,
    order_input,
    perform,
    read_order,
    refused,
    send_delivery,
    send_note,
    send_order,
    write,
)
from tests.snapshots import snapshot

FULL: dict[str, Any] = {
    "externalId": "o-1",
    "number": "2026/1",
    "storeCode": " IT ",
    "customer": {
        "externalId": "k-1",
        "email": "Ada@Example.org",
        "emailVerified": True,
        "givenName": "Ada",
        "familyName": "Byron",
        "country": "it",
    },
    "placedAt": "2026-11-20T10:00:00+01:00",
    "currencyCode": "eur",
    "shippingCountry": "de",
    "lines": [
        line("cup", quantity=3, price="0.001", externalId="l-1", imageUrl="https://example.org/cup.png"),
        line("pot", total="19.9999", externalId="l-2", withdrawalException="CUSTOM_MADE", isReturnable=False),
    ],
    "shippingTotal": "4.90",
    "discountTotal": "1.0001",
    "taxTotal": "3.5",
    "paid": "20",
    "sequence": 7,
}


async def test_a_whole_order_is_kept_as_it_was_sent(client: Client) -> None:
    """Every field comes back in its normal form, the total worked out to four decimals, with its buyer."""
    order = (await write(client, "orderUpsert", FULL)).found
    assert {name: order[name] for name in ("externalId", "number", "placedAt", "state", "currencyCode")} == {
        "externalId": "o-1",
        "number": "2026/1",
        "placedAt": "2026-11-20T09:00:00Z",
        "state": "PLACED",
        "currencyCode": "EUR",
    }
    assert order["total"] == {"amount": "23.9028", "currencyCode": "EUR"}
    sums = [order[name]["amount"] for name in ("shippingTotal", "discountTotal", "taxTotal", "paid", "refunded")]
    assert sums == ["4.90", "1.0001", "3.50", "20.00", "0.00"]
    assert [(each["sku"], each["quantity"], each["total"]["amount"]) for each in order["lines"]] == [
        ("cup", 3, "0.003"),
        ("pot", 1, "19.9999"),
    ]
    assert (order["shippingCountry"], order["contactEmail"], order["store"]) == (
        "DE",
        "Ada@example.org",
        {"code": "it"},
    )
    assert order["customer"]["externalId"] == "k-1"
    assert order["customer"]["country"] == "IT"
    assert order["summary"] == "Order 2026/1: 23.9028 EUR"
    assert await read_order(client) == order


async def test_sums_left_out_are_filled_in(client: Client) -> None:
    """Without a word on them: no shipping, no discount, no tax, paid in full, the number is the external id."""
    order = await send_order(client, lines=[line(quantity=2)])
    assert order["number"] == "o-1"
    assert [order[name]["amount"] for name in ("total", "paid")] == ["20.00", "20.00"]
    assert [order[name]["amount"] for name in ("shippingTotal", "discountTotal", "taxTotal")] == ["0.00"] * 3
    assert order["customer"] is None
    assert order["contactEmail"] is None


async def test_the_same_order_again_changes_nothing(client: Client, clock: StandingClock) -> None:
    """A second click leaves order, lines, customer, sums and event log as they are; only the audit knows of it."""
    first = (await write(client, "orderUpsert", FULL)).found
    before = await snapshot(client.works, without=["audit_entries"])
    clock.advance(timedelta(minutes=5))
    for _ in range(2):
        assert (await write(client, "orderUpsert", FULL)).found == first
    assert await snapshot(client.works, without=["audit_entries"]) == before


async def test_an_order_sent_again_is_replaced(client: Client, clock: StandingClock) -> None:
    """What is sent now is the order; lines stay themselves by their external id, and updatedAt moves on."""
    first = (await write(client, "orderUpsert", FULL)).found
    clock.advance(timedelta(minutes=1))
    changed = FULL | {
        "number": "2026/1b",
        "lines": [line("pot", quantity=2, price="5", externalId="l-2"), line("pan", externalId="l-3")],
        "shippingTotal": None,
        "discountTotal": None,
        "taxTotal": None,
        "paid": None,
        "shippingCountry": None,
    }
    second = (await write(client, "orderUpsert", changed)).found
    assert second["id"] == first["id"]
    assert second["number"] == "2026/1b"
    assert [each["sku"] for each in second["lines"]] == ["pot", "pan"]
    assert second["lines"][0]["id"] == first["lines"][1]["id"]
    assert second["total"]["amount"] == second["paid"]["amount"] == "20.00"
    assert second["shippingCountry"] is None
    assert second["updatedAt"] > first["updatedAt"]


async def test_lines_without_external_id_are_known_by_their_position(client: Client) -> None:
    """The same line in the same place keeps its id, a changed one too; one more is new, one less is gone."""
    first = await send_order(client, lines=[line("cup"), line("pot")])
    second = await send_order(client, lines=[line("mug"), line("pot"), line("pan")])
    assert [each["id"] for each in second["lines"][:2]] == [each["id"] for each in first["lines"]]
    third = await send_order(client, lines=[line("mug")])
    assert [each["id"] for each in third["lines"]] == [first["lines"][0]["id"]]
    assert third["total"]["amount"] == "10.00"


@pytest.mark.parametrize(
    ("known", "sent", "is_taken"),
    [(5, 4, False), (5, 5, True), (5, 6, True), (5, None, True), (None, 0, True), (0, None, True)],
)
async def test_an_older_sequence_is_ignored(
    client: Client,
    known: int | None,
    sent: int | None,
    is_taken: bool,  # noqa: FBT001
) -> None:
    """Only a counter below the known one is ignored, and answered with the order as it is."""
    await send_order(client, sequence=known, number="known")
    answered = await send_order(client, sequence=sent, number="sent")
    assert answered["number"] == ("sent" if is_taken else "known")
    last = await send_order(client, sequence=0, number="zero")
    is_counted = known or (sent if is_taken else None)
    assert last["number"] == (answered["number"] if is_counted else "zero")


async def test_an_ignored_order_changes_nothing_though_it_is_wrong(client: Client) -> None:
    """An older order that would move the buyer or drop a line that was sent is ignored, not refused."""
    await send_order(client, sequence=5, lines=[line(), line("pot")], customer={"externalId": "k-1"})
    await send_delivery(client, shippedAt=days_ago(0.5))
    before = await snapshot(client.works, without=["audit_entries"])
    answered = await send_order(client, sequence=4, customer={"externalId": "k-2", "givenName": "New"})
    assert answered["customer"]["externalId"] == "k-1"
    assert await snapshot(client.works, without=["audit_entries"]) == before


REFUSED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"externalId": " "}, [("REQUIRED", "externalId")]),
    ({"externalId": "x" * 201}, [("TOO_LONG", "externalId")]),
    ({"number": "x" * 201}, [("TOO_LONG", "number")]),
    ({"storeCode": "fr"}, [("NOT_FOUND", "storeCode")]),
    ({"storeCode": ""}, [("NOT_FOUND", "storeCode")]),
    ({"placedAt": "1969-12-31T23:59:59.999999Z"}, [("INVALID", "placedAt")]),
    ({"placedAt": "9999-12-31T23:59:59Z"}, [("INVALID", "placedAt")]),
    ({"cancelledAt": "0001-01-01T00:00:00Z"}, [("INVALID", "cancelledAt")]),
    ({"placedAt": instant(NOW + timedelta(days=1, microseconds=1))}, [("INVALID", "placedAt")]),
    ({"currencyCode": "ZZZ"}, [("INVALID", "currencyCode")]),
    ({"currencyCode": "XXX"}, [("INVALID", "currencyCode")]),
    ({"currencyCode": "EURO"}, [("INVALID", "currencyCode")]),
    ({"currencyCode": ""}, [("INVALID", "currencyCode")]),
    ({"shippingCountry": "ZZ"}, [("INVALID", "shippingCountry")]),
    ({"lines": []}, [("REQUIRED", "lines")]),
    ({"lines": [line(quantity=0)]}, [("INVALID", "lines.0.quantity")]),
    ({"lines": [line(quantity=-1)]}, [("INVALID", "lines.0.quantity")]),
    ({"lines": [line(quantity=1_000_001)]}, [("INVALID", "lines.0.quantity")]),
    ({"lines": [line(price="-0.01")]}, [("INVALID", "lines.0.unitPrice")]),
    ({"lines": [line(price="0.00001")]}, [("INVALID", "lines.0.unitPrice")]),
    ({"lines": [line(price="10000000000")]}, [("INVALID", "lines.0.unitPrice")]),
    ({"lines": [line(price="9999999999", quantity=2)]}, [("INVALID", "lines.0.total")]),
    ({"lines": [line(total="-1")]}, [("INVALID", "lines.0.total")]),
    ({"lines": [line(sku=" ")]}, [("REQUIRED", "lines.0.sku")]),
    ({"lines": [line(title="x" * 501)]}, [("TOO_LONG", "lines.0.title")]),
    ({"lines": [line(imageUrl="javascript:alert(1)")]}, [("INVALID", "lines.0.imageUrl")]),
    ({"lines": [line(productUrl="x" * 2001)]}, [("TOO_LONG", "lines.0.productUrl")]),
    ({"lines": [line(externalId="a"), line(externalId=" a ")]}, [("INVALID", "lines.1.externalId")]),
    ({"lines": [line(price="6000000000"), line(price="6000000000")]}, [("INVALID", "lines")]),
    ({"shippingTotal": "-1"}, [("INVALID", "shippingTotal")]),
    ({"discountTotal": "10.0001"}, [("INVALID", "discountTotal")]),
    ({"taxTotal": "10.0001"}, [("INVALID", "taxTotal")]),
    ({"paid": "1E+400"}, [("INVALID", "paid")]),
    ({"sequence": -1}, [("INVALID", "sequence")]),
    ({"customer": {"email": "nobody"}}, [("INVALID", "customer.email")]),
    ({"customer": {"externalId": "x" * 201}}, [("TOO_LONG", "customer.externalId")]),
    ({"customer": {"givenName": "a\x07b"}}, [("INVALID", "customer.givenName")]),
    ({"customer": {"familyName": "x" * 10_000}}, [("TOO_LONG", "customer.familyName")]),
    ({"customer": {"externalId": "k", "country": "Italy"}}, [("INVALID", "customer.country")]),
    (
        {
            "externalId": "",
            "currencyCode": "?",
            "lines": [line(), line(sku="", quantity=0)],
            "customer": {"email": "@"},
        },
        [
            ("INVALID", "currencyCode"),
            ("INVALID", "customer.email"),
            ("INVALID", "lines.1.quantity"),
            ("REQUIRED", "externalId"),
            ("REQUIRED", "lines.1.sku"),
        ],
    ),
]


async def test_a_bad_order_is_refused_whole(client: Client) -> None:
    """Each fault is named with its place, all of them at once, and no row changes: neither new nor known order."""
    await send_order(client, "known", customer={"externalId": "k-1"})
    for wrong, expected in REFUSED:
        for external_id in ("new", "known"):
            assert sorted(await refused(client, "orderUpsert", order_input(external_id) | wrong)) == expected, wrong


async def test_what_is_just_allowed_is_taken(client: Client) -> None:
    """The other side of each bound: the largest quantity, price, text, list of decimals, the edges of time."""
    cases: list[dict[str, Any]] = [
        {"lines": [line(quantity=1_000_000, price="0.0001")]},
        {"lines": [line(price="9999999999.9999")]},
        {"lines": [line(price="0")]},
        {"lines": [line(title="")]},
        {"lines": [line(sku="x" * 200, title="é" * 500)]},
        {"placedAt": "1970-01-01T00:00:00Z"},
        {"placedAt": instant(NOW + timedelta(days=1))},
        {"discountTotal": "10", "taxTotal": "0"},
        {"taxTotal": "10"},
        {"sequence": 2**31 - 1},
        {"number": "x" * 200},
        {"paid": "0"},
    ]
    for number, more in enumerate(cases):
        order = await send_order(client, f"o-{number}", **more)
        assert order["state"] == "PLACED"
        assert order["lines"][0]["title"] in {"A cup", "cup", "é" * 500}


async def test_five_thousand_lines_are_taken_and_one_more_is_not(works: Works) -> None:
    """The longest order that is allowed is taken; one line more is refused as a whole."""
    one = LineDetails(sku="cup", title="", quantity=1, unit_price=Decimal(1))
    order = OrderDetails(external_id="long", placed_at=NOW, currency_code="EUR", lines=[one] * 5_001)
    async with nothing_changes(works):
        with pytest.raises(Refusals) as caught:
            await perform(works, lambda work: upsert_order(work, order=order))
        (refusal,) = caught.value.refusals
        assert isinstance(refusal, TooLong)
        assert refusal.field == ("lines",)
    taken = OrderDetails(external_id="long", placed_at=NOW, currency_code="EUR", lines=[one] * 5_000)
    await perform(works, lambda work: upsert_order(work, order=taken))


async def test_a_refused_order_leaves_the_others_of_its_batch(works: Works) -> None:
    """In a batch each order stands for itself: outcomes are aligned to it."""
    one = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))

    def order(external_id: str, *, store_code: str | None = None, currency_code: str = "EUR") -> OrderDetails:
        return OrderDetails(
            external_id=external_id, placed_at=NOW, currency_code=currency_code, lines=[one], store_code=store_code
        )

    orders = [
        order("a"),
        order("b", store_code="fr"),
        order("c", store_code="fr"),
        order("d", currency_code="?"),
        order("e"),
    ]
    outcomes = await works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["UUID", "NotFound", "NotFound", "Refusals", "UUID"]


async def test_without_a_store_there_are_no_orders(database_url: str, clock: StandingClock) -> None:
    """Before the first store an order is refused with what to do."""
    works = Works(database=Database(database_url), reactions=REACTIONS, clock=clock)
    try:
        one = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))
        order = OrderDetails(external_id="a", placed_at=NOW, currency_code="EUR", lines=[one])
        (outcome,) = await works.perform(lambda work: upsert_orders(work, orders=[order]), actor=SYSTEM, action="test")
        assert re.search("storeUpsert", str(outcome))
    finally:
        await works.database.dispose()


async def test_an_order_moves_to_another_store(client: Client) -> None:
    """The store is one of the things that the shop may correct."""
    await add_store(client.works)
    assert (await send_order(client))["store"] == {"code": "it"}
    assert (await send_order(client, storeCode="UK"))["store"] == {"code": "uk"}


async def test_cancelling_and_taking_it_back(client: Client) -> None:
    """A cancelled order shows when; sent again without it the order stands as before, deliveries counted."""
    await send_order(client, lines=[line(quantity=2)])
    await send_delivery(client, shippedAt=days_ago(0.5))
    cancelled = await send_order(client, lines=[line(quantity=2)], cancelledAt=days_ago(0.1))
    assert cancelled["state"] == "CANCELLED"
    assert cancelled["cancelledAt"] == "2026-11-22T09:36:00Z"
    again = await send_order(client, lines=[line(quantity=2)])
    assert (again["state"], again["cancelledAt"]) == ("SHIPPED", None)


async def test_a_line_that_was_sent_stays(client: Client) -> None:
    """An order cannot lose a line that is in a delivery, nor shrink it below; it can grow, and then is part sent."""
    lines = [line("cup", quantity=3, externalId="a"), line("pot", quantity=2, externalId="b")]
    await send_order(client, lines=lines)
    sent = [{"orderLineExternalId": "a", "quantity": 2}]
    await send_delivery(client, shippedAt=days_ago(0.5), lines=sent)
    for wrong in (
        [lines[1]],
        [line("cup", quantity=1, externalId="a"), lines[1]],
        [line("cup", quantity=3), lines[1]],
        [line("cup", quantity=3, externalId="c"), lines[1]],
    ):
        assert await refused(client, "orderUpsert", order_input(lines=wrong)) == [("INVALID_STATE", "lines")]
    shrunk = await send_order(client, lines=[line("cup", quantity=2, externalId="a")])
    assert shrunk["state"] == "SHIPPED"
    grown = await send_order(client, lines=[line("cup", quantity=9, externalId="a"), lines[1]])
    assert grown["state"] == "PARTLY_SHIPPED"


async def test_a_line_that_was_sent_stays_the_article_that_it_is(client: Client) -> None:
    """A line known by its position cannot become another article under its delivery; one with an id may be renamed."""
    await send_order(client, lines=[line("cup"), line("pot")])
    await send_delivery(client, shippedAt=days_ago(0.5))
    swapped = order_input(lines=[line("pot"), line("cup")])
    assert await refused(client, "orderUpsert", swapped) == [("INVALID_STATE", "lines")]
    await send_order(client, "o-2", lines=[line("cup", externalId="a")])
    await send_delivery(client, order="o-2", shippedAt=days_ago(0.5))
    renamed = await send_order(client, "o-2", lines=[line("mug", externalId="a")])
    assert [each["sku"] for each in renamed["lines"]] == ["mug"]


async def test_an_order_with_credit_notes_stays_in_its_currency(client: Client) -> None:
    """What was given back in euros is never shown as dollars: the currency is refused once there is a credit note."""
    assert (await send_order(client, currencyCode="USD"))["currencyCode"] == "USD"
    assert (await send_order(client))["currencyCode"] == "EUR"
    await send_note(client, orderExternalId="o-1")
    found = await refused(client, "orderUpsert", order_input(currencyCode="USD"))
    assert found == [("INVALID_STATE", "currencyCode")]
    assert (await send_order(client, number="again"))["refunded"] == {"amount": "4.00", "currencyCode": "EUR"}


async def test_credit_notes_follow_their_order(client: Client) -> None:
    """When an order turns out to be somebody else's, what was given back on it is theirs too."""
    await send_order(client, customer={"externalId": "k-1"})
    await send_note(client, orderExternalId="o-1")
    moved = await send_order(client, customer={"externalId": "k-2"})
    assert moved["customer"]["externalId"] == "k-2"
    assert moved["refunded"]["amount"] == "4.00"
    query = "{ customers(first: 9) { nodes { externalId creditNotes(first: 9) { nodes { externalId } } } } }"
    nodes = (await client.ask(query)).data["customers"]["nodes"]
    assert {node["externalId"]: len(node["creditNotes"]["nodes"]) for node in nodes} == {"k-1": 0, "k-2": 1}
