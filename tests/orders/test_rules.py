"""Decisions about orders, on plain values: each bound on both of its sides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Checks, Invalid, Refusals
from domain.customers.rules.profiles import Buyer
from domain.orders import rules
from domain.orders.errors import OrderNotNamed
from domain.orders.rules import (
    CreditNoteDetails,
    DeliveredLine,
    DeliveryDetails,
    LineDetails,
    OrderDetails,
    OrderState,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
CUP = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))
ORDER = OrderDetails(external_id="o-1", placed_at=NOW, currency_code="EUR", lines=[CUP])
NOTE = CreditNoteDetails(external_id="c-1", issued_at=NOW, currency_code="EUR", lines=[CUP])
DELIVERY = DeliveryDetails(external_id="d-1")


def fields_of(refusals: pytest.ExceptionInfo[Refusals]) -> list[tuple[str | int, ...]]:
    """Return where the faults are."""
    return [refusal.field for refusal in refusals.value.refusals]


@pytest.mark.parametrize("quantity", [1, 1_000_000])
def test_possible_quantities(quantity: int) -> None:
    """The least and the most."""
    assert rules.check_quantity(quantity) == quantity


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, -(2**40), 2**40])
def test_impossible_quantities(quantity: int) -> None:
    """One less, one more, absurd ones."""
    with pytest.raises(Invalid):
        rules.check_quantity(quantity)


@pytest.mark.parametrize("instant", [datetime(1970, 1, 1, tzinfo=UTC), NOW, NOW + timedelta(days=1)])
def test_possible_instants(instant: datetime) -> None:
    """From 1970 to a day ahead, in UTC whatever the offset."""
    abroad = instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert rules.check_instant(abroad, now=NOW) == instant
    assert rules.check_instant(abroad, now=NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "instant",
    [
        datetime(1970, 1, 1, tzinfo=UTC) - TICK,
        NOW + timedelta(days=1) + TICK,
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_impossible_instants(instant: datetime) -> None:
    """A microsecond outside, and the ends of the calendar."""
    with pytest.raises(Invalid):
        rules.check_instant(instant, now=NOW)


@pytest.mark.parametrize("sequence", [None, 0, 2**63 - 1])
def test_possible_sequences(sequence: int | None) -> None:
    """Whatever 64 bits hold."""
    assert rules.check_sequence(sequence) == sequence


@pytest.mark.parametrize("sequence", [-1, 2**63])
def test_impossible_sequences(sequence: int) -> None:
    """One less, one more."""
    with pytest.raises(Invalid):
        rules.check_sequence(sequence)


@pytest.mark.parametrize(
    ("known", "sent", "expected"),
    [(2, 1, True), (2, 2, False), (2, 3, False), (None, 1, False), (2, None, False), (None, None, False)],
)
def test_only_a_lower_counter_is_outdated(known: int | None, sent: int | None, *, expected: bool) -> None:
    """Without a counter on either side nobody knows."""
    assert rules.is_outdated(known=known, sent=sent) is expected


def test_a_line_is_filled_in() -> None:
    """The total is quantity by price, the title the SKU; what was sent stays."""
    line = rules.check_line(replace(CUP, title=" ", quantity=3, unit_price=Decimal("0.001")))
    assert (line.title, line.total) == ("cup", Decimal("0.003"))
    assert rules.check_line(replace(CUP, total=Decimal(7))).total == 7


def test_all_faults_of_a_line_are_found_at_once() -> None:
    """A fault in price or quantity leaves no total to complain of."""
    wrong = LineDetails(
        sku="",
        title="x" * 501,
        quantity=0,
        unit_price=Decimal(-1),
        external_id="\x00",
        image_url="x",
        product_url="y",
    )
    with pytest.raises(Refusals) as caught:
        rules.check_line(wrong)
    assert {field[0] for field in fields_of(caught)} == {
        "sku",
        "title",
        "quantity",
        "unit_price",
        "external_id",
        "image_url",
        "product_url",
    }


def test_an_orders_total_is_lines_and_shipping_less_discount() -> None:
    """Tax is inside; paid is what was said, else the total."""
    order = replace(ORDER, shipping_total=Decimal(5), discount_total=Decimal(2), tax_total=Decimal(13))
    checked = rules.check_order(order, now=NOW)
    assert rules.order_total(checked) == checked.paid == Decimal(13)
    assert rules.check_order(replace(order, paid=Decimal(0)), now=NOW).paid == 0
    assert rules.order_total(ORDER) == 0, "lines without totals count for nothing"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (replace(ORDER, discount_total=Decimal("10.0001")), "discount_total"),
        (replace(ORDER, tax_total=Decimal("10.0001")), "tax_total"),
        (replace(ORDER, lines=[replace(CUP, unit_price=Decimal(9_999_999_999))] * 2), "lines"),
    ],
)
def test_sums_that_cannot_be(order: OrderDetails, field: str) -> None:
    """More discount than there is, more tax than total, more total than can be kept."""
    checks = Checks()
    assert checks.take(lambda: rules.check_order(order, now=NOW)) is None
    with pytest.raises(Refusals) as caught:
        checks.settle()
    assert fields_of(caught) == [(field,)]


def test_a_buyer_of_whom_nothing_is_known_is_none() -> None:
    """A guest, of orders and credit notes alike."""
    for buyer in (None, Buyer(), Buyer(country="IT")):
        assert rules.check_order(replace(ORDER, buyer=buyer), now=NOW).buyer is None
        assert rules.check_credit_note(replace(NOTE, buyer=buyer), now=NOW).buyer is None


def test_a_credit_note_names_one_order_at_most() -> None:
    """By id or by external id; blank is none."""
    checked = rules.check_credit_note(replace(NOTE, order_external_id=" "), now=NOW)
    assert (checked.order_external_id, checked.number) == (None, "c-1")
    with pytest.raises(Refusals) as caught:
        rules.check_credit_note(replace(NOTE, order_external_id="o", order_id=uuid4()), now=NOW)
    assert fields_of(caught) == [("order_external_id",)]
    with pytest.raises(Refusals) as caught:
        rules.check_credit_note(replace(NOTE, lines=[replace(CUP, unit_price=Decimal(9_999_999_999))] * 2), now=NOW)
    assert fields_of(caught) == [("lines",)]


A, B = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("shipped", "delivered", "state"),
    [
        ({}, {}, OrderState.PLACED),
        ({A: 0}, {A: 0}, OrderState.PLACED),
        ({A: 1}, {}, OrderState.PARTLY_SHIPPED),
        ({A: 2}, {}, OrderState.PARTLY_SHIPPED),
        ({A: 2, B: 1}, {}, OrderState.SHIPPED),
        ({A: 2, B: 1}, {A: 1}, OrderState.PARTLY_DELIVERED),
        ({A: 2, B: 1}, {A: 2}, OrderState.PARTLY_DELIVERED),
        ({A: 2, B: 1}, {A: 2, B: 1}, OrderState.DELIVERED),
    ],
)
def test_states(shipped: dict[UUID, int], delivered: dict[UUID, int], state: OrderState) -> None:
    """By the pieces of each line; a cancelled order is nothing else."""
    ordered = {A: 2, B: 1}
    found = rules.order_state(is_cancelled=False, ordered=ordered, shipped=shipped, delivered=delivered)
    assert found is state
    cancelled = rules.order_state(is_cancelled=True, ordered=ordered, shipped=shipped, delivered=delivered)
    assert cancelled is OrderState.CANCELLED
    assert rules.order_state(is_cancelled=False, ordered={}, shipped={}, delivered={}) is OrderState.PLACED


def test_a_delivery_in_normal_form() -> None:
    """What was not said stays unsaid; lines are named in normal form."""
    assert rules.check_delivery(DELIVERY, now=NOW) == DELIVERY
    line = DeliveredLine(quantity=1, order_line_external_id=" a ")
    checked = rules.check_delivery(replace(DELIVERY, carrier=" ", lines=[line]), now=NOW)
    assert checked.carrier is None
    assert checked.lines == [DeliveredLine(quantity=1, order_line_external_id="a")]


def test_what_is_named_is_named_once() -> None:
    """An order by id or external id, by one of the two."""
    assert rules.check_order_named(order_id=A, order_external_id=None) is None
    assert rules.check_order_named(order_id=None, order_external_id=" o-1 ") == "o-1"
    for order_id, external_id in ((None, None), (A, "o-1")):
        with pytest.raises(OrderNotNamed):
            rules.check_order_named(order_id=order_id, order_external_id=external_id)
    with pytest.raises(Refusals):
        rules.check_order_named(order_id=None, order_external_id="\x00")


def test_nothing_arrives_before_it_leaves() -> None:
    """At once is possible, one of the two alone as well."""
    rules.check_delivery_dates(shipped_at=NOW, delivered_at=NOW)
    rules.check_delivery_dates(shipped_at=None, delivered_at=NOW)
    rules.check_delivery_dates(shipped_at=NOW, delivered_at=None)
    with pytest.raises(Invalid):
        rules.check_delivery_dates(shipped_at=NOW, delivered_at=NOW - TICK)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(-(2**40), 2**40))
def test_no_amount_breaks_a_rule(price: Decimal, quantity: int) -> None:
    """A line is taken with an exact total, or refused."""
    try:
        line = rules.check_line(replace(CUP, unit_price=price, quantity=quantity))
    except Refusals:
        return
    assert line.total == line.unit_price * line.quantity
    assert line.total is not None
    assert line.total == line.total.quantize(Decimal("0.0001"))
