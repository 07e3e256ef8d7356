"""Decisions about orders, on plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.base.changes import UNCHANGED, Change, Unchanged
from domain.base.errors import Checks, Invalid, Required
from domain.base.money import check_amount, check_currency
from domain.base.places import check_country
from domain.base.texts import (
    check_length,
    clean,
    clean_optional,
    clean_required,
    clean_url,
)
from domain.customers.rules.profiles import Buyer, check_buyer
from domain.orders.errors import OrderNotNamed

LINES_MAX = 5_000
"""Lines of one document; the longest of 25,900 real invoices has 1,114 (data/README.md)."""

QUANTITY_MAX = 1_000_000
"""Pieces on one line; the largest of 541,909 real ones is 80,995 (data/README.md)."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(days=1)
"""How far a shop's clock may run ahead of this one, time zones got wrong included."""

SEQUENCE_MAX = 2**63 - 1


class OrderState(StrEnum):
    """How far an order has come."""

    PLACED = "PLACED"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    SHIPPED = "SHIPPED"
    PARTLY_DELIVERED = "PARTLY_DELIVERED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class WithdrawalException(StrEnum):
    """Why a line has no right of withdrawal: Directive 2011/83/EU, article 16."""

    CUSTOM_MADE = "CUSTOM_MADE"
    PERISHABLE = "PERISHABLE"
    UNSEALED_HYGIENE = "UNSEALED_HYGIENE"
    UNSEALED_MEDIA = "UNSEALED_MEDIA"
    DIGITAL_BEGUN = "DIGITAL_BEGUN"
    DATED_SERVICE = "DATED_SERVICE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDetails:
    """One article of an order or a credit note, as the shop sends it. `total` left out: quantity by price."""

    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    total: Decimal | None = None
    external_id: str | None = None
    image_url: str | None = None
    product_url: str | None = None
    is_returnable: bool = True
    withdrawal_exception: WithdrawalException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetails:
    """A whole order, as the shop knows it now. Without a buyer it is a guest's."""

    external_id: str
    placed_at: datetime
    currency_code: str
    lines: Sequence[LineDetails]
    number: str | None = None
    store_code: str | None = None
    buyer: Buyer | None = None
    cancelled_at: datetime | None = None
    shipping_country: str | None = None
    shipping_total: Decimal | None = None
    discount_total: Decimal | None = None
    tax_total: Decimal | None = None
    paid: Decimal | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteDetails:
    """A whole credit note, as the shop knows it now."""

    external_id: str
    issued_at: datetime
    currency_code: str
    lines: Sequence[LineDetails]
    number: str | None = None
    buyer: Buyer | None = None
    order_id: UUID | None = None
    order_external_id: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetails:
    """A delivery, as the shop knows it now; for one that is known, what is left out stays."""

    external_id: str
    carrier: Change[str | None] = UNCHANGED
    tracking_number: Change[str | None] = UNCHANGED
    tracking_url: Change[str | None] = UNCHANGED
    shipped_at: Change[datetime | None] = UNCHANGED
    delivered_at: Change[datetime | None] = UNCHANGED
    lines: Sequence["DeliveredLine"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredLine:
    """How many pieces of which order line are in a delivery; the line by its id or its external id."""

    quantity: int
    order_line_id: UUID | None = None
    order_line_external_id: str | None = None


def check_order(order: OrderDetails, *, now: datetime) -> OrderDetails:
    """Return the order in normal form, every sum filled in. Raises `Refusals`.

    `paid` is the total where the shop did not say; other sums left out are 0.
    """
    checks = Checks()
    lines = _take_lines(checks, order.lines)
    checked = replace(
        order,
        shipping_total=_take_amount(checks, order.shipping_total, "shipping_total"),
        discount_total=_take_amount(checks, order.discount_total, "discount_total"),
        tax_total=_take_amount(checks, order.tax_total, "tax_total"),
        paid=_take_amount(checks, order.paid, "paid"),
        lines=lines,
        external_id=checks.take(lambda: clean_required(order.external_id), "external_id") or "",
        number=checks.take(lambda: clean_optional(order.number), "number"),
        buyer=_take_buyer(checks, order.buyer),
        store_code=checks.take(lambda: None if order.store_code is None else clean(order.store_code), "store_code"),
        placed_at=checks.take(lambda: check_instant(order.placed_at, now=now), "placed_at") or order.placed_at,
        cancelled_at=checks.take(lambda: check_optional_instant(order.cancelled_at, now=now), "cancelled_at"),
        currency_code=checks.take(lambda: check_currency(order.currency_code), "currency_code") or "",
        shipping_country=checks.take(
            lambda: check_country(order.shipping_country) if order.shipping_country else None, "shipping_country"
        ),
        sequence=checks.take(lambda: check_sequence(order.sequence), "sequence"),
    )
    checks.settle()
    total = check_amount_of_order(checked)
    if checked.tax_total is not None and checked.tax_total > total:
        message = "The tax cannot be more than the total, which includes it."
        raise Invalid(message, field=("tax_total",))
    return replace(
        checked,
        number=checked.number or checked.external_id,
        paid=total if order.paid is None else checked.paid,
    )


def check_credit_note(note: CreditNoteDetails, *, now: datetime) -> CreditNoteDetails:
    """Return the credit note in normal form. Raises `Refusals`."""
    checks = Checks()
    if note.order_id is not None and note.order_external_id is not None:
        message = "Name the order by orderId or by orderExternalId, not by both."
        checks.add(Invalid(message, field=("order_external_id",)))
    checked = replace(
        note,
        lines=_take_lines(checks, note.lines),
        external_id=checks.take(lambda: clean_required(note.external_id), "external_id") or "",
        number=checks.take(lambda: clean_optional(note.number), "number"),
        buyer=_take_buyer(checks, note.buyer),
        issued_at=checks.take(lambda: check_instant(note.issued_at, now=now), "issued_at") or note.issued_at,
        currency_code=checks.take(lambda: check_currency(note.currency_code), "currency_code") or "",
        order_external_id=checks.take(lambda: clean_optional(note.order_external_id), "order_external_id"),
        sequence=checks.take(lambda: check_sequence(note.sequence), "sequence"),
    )
    checks.settle()
    checks.take(lambda: check_amount(lines_total(checked.lines)), "lines")
    checks.settle()
    return replace(checked, number=checked.number or checked.external_id)


def check_line(line: LineDetails) -> LineDetails:
    """Return the line in normal form, its total filled in. Raises `Refusals`.

    A line without a title is shown by its SKU: real shops have such articles.
    """
    checks = Checks()
    sku = checks.take(lambda: clean_required(line.sku), "sku") or ""
    unit_price = checks.take(lambda: check_amount(line.unit_price), "unit_price")
    quantity = checks.take(lambda: check_quantity(line.quantity), "quantity")
    total = line.total
    if total is None and unit_price is not None and quantity is not None:
        total = unit_price * quantity
    checked = replace(
        line,
        sku=sku,
        title=checks.take(lambda: clean(line.title, length_max=500), "title") or sku,
        external_id=checks.take(lambda: clean_optional(line.external_id), "external_id"),
        image_url=checks.take(lambda: clean_url(line.image_url), "image_url"),
        product_url=checks.take(lambda: clean_url(line.product_url), "product_url"),
        total=None if total is None else checks.take(lambda: check_amount(total), "total"),
    )
    checks.settle()
    return checked


def check_quantity(quantity: int) -> int:
    """Return a number of pieces. Raises `Invalid`."""
    if 1 <= quantity <= QUANTITY_MAX:
        return quantity
    message = f"A quantity is from 1 to {QUANTITY_MAX:,}."
    raise Invalid(message)


def check_instant(instant: datetime, *, now: datetime) -> datetime:
    """Return an instant at which a shop can have done something, in UTC. Raises `Invalid`."""
    if EARLIEST <= instant <= now + CLOCK_TOLERANCE:
        return instant.astimezone(UTC)
    message = "This instant is before 1970 or in the future; instants are RFC 3339, such as 2026-11-22T09:30:00Z."
    raise Invalid(message)


def check_optional_instant(instant: datetime | None, *, now: datetime) -> datetime | None:
    """Return an instant as `check_instant` does, None for None."""
    return None if instant is None else check_instant(instant, now=now)


def check_sequence(sequence: int | None) -> int | None:
    """Return the shop's own counter. Raises `Invalid` for a negative or absurd one."""
    if sequence is None or 0 <= sequence <= SEQUENCE_MAX:
        return sequence
    message = "A sequence is a whole number of at least 0."
    raise Invalid(message)


def lines_total(lines: Sequence[LineDetails]) -> Decimal:
    """Return what the lines add up to."""
    return sum((line.total for line in lines if line.total is not None), Decimal(0))


def order_total(order: OrderDetails) -> Decimal:
    """Return lines plus shipping less discount. Prices include their tax, as consumer law in Europe has it."""
    return lines_total(order.lines) + (order.shipping_total or 0) - (order.discount_total or 0)


def check_amount_of_order(order: OrderDetails) -> Decimal:
    """Return the order's total. Raises `Invalid`, `Refusals` for one below 0 or beyond reason."""
    total = order_total(order)
    if total < 0:
        message = "The discount cannot be more than the lines and shipping together."
        raise Invalid(message, field=("discount_total",))
    checks = Checks()
    checks.take(lambda: check_amount(total), "lines")
    checks.settle()
    return total


def is_outdated(*, known: int | None, sent: int | None) -> bool:
    """Tell whether what was sent is older than what is known, by the shop's own counter."""
    return known is not None and sent is not None and sent < known


def order_state(
    *, is_cancelled: bool, ordered: Mapping[UUID, int], shipped: Mapping[UUID, int], delivered: Mapping[UUID, int]
) -> OrderState:
    """Return how far an order has come, by the pieces of each line; what is delivered was shipped too."""
    if is_cancelled:
        return OrderState.CANCELLED
    if ordered and all(delivered.get(line, 0) >= quantity for line, quantity in ordered.items()):
        return OrderState.DELIVERED
    if any(delivered.values()):
        return OrderState.PARTLY_DELIVERED
    if ordered and all(shipped.get(line, 0) >= quantity for line, quantity in ordered.items()):
        return OrderState.SHIPPED
    return OrderState.PARTLY_SHIPPED if any(shipped.values()) else OrderState.PLACED


def check_order_named(*, order_id: UUID | None, order_external_id: str | None) -> str | None:
    """Return the external id by which an order is named, None where it is by id. Raises `OrderNotNamed`, `Refusals`."""
    if (order_id is None) == (order_external_id is None):
        raise OrderNotNamed
    checks = Checks()
    found = checks.take(lambda: None if order_external_id is None else clean(order_external_id), "order_external_id")
    checks.settle()
    return found


def check_delivery(delivery: DeliveryDetails, *, now: datetime) -> DeliveryDetails:
    """Return the delivery in normal form. Raises `Refusals`."""
    checks = Checks()
    texts: dict[str, Change[str | None]] = {}
    for name, check in {
        "carrier": clean_optional,
        "tracking_number": clean_optional,
        "tracking_url": clean_url,
    }.items():
        value = getattr(delivery, name)
        kept = isinstance(value, Unchanged)
        texts[name] = value if kept else checks.take(lambda check=check, value=value: check(value), name)  # type: ignore[misc]
    instants: dict[str, Change[datetime | None]] = {}
    for name in ("shipped_at", "delivered_at"):
        at = getattr(delivery, name)
        kept = isinstance(at, Unchanged)
        instants[name] = at if kept else checks.take(lambda at=at: check_optional_instant(at, now=now), name)  # type: ignore[misc]
    external_id = checks.take(lambda: clean_required(delivery.external_id), "external_id") or ""
    sent = delivery.lines
    lines = None if sent is None else checks.take(lambda: _check_delivered_lines(sent), "lines")
    checks.settle()
    return replace(delivery, external_id=external_id, lines=lines, **texts, **instants)  # type: ignore[arg-type]


def check_delivery_dates(*, shipped_at: datetime | None, delivered_at: datetime | None) -> None:
    """Raise `Invalid` for a parcel that was handed over before it was sent."""
    if shipped_at is not None and delivered_at is not None and delivered_at < shipped_at:
        message = "A delivery cannot be delivered before it was shipped."
        raise Invalid(message, field=("delivered_at",))


def _take_lines(checks: Checks, lines: Sequence[LineDetails]) -> tuple[LineDetails, ...]:
    if not lines:
        message = "There must be at least one line."
        checks.add(Required(message, field=("lines",)))
    checks.take(lambda: check_length(lines, count_max=LINES_MAX), "lines")
    checked = []
    seen: set[str] = set()
    for index, line in enumerate(lines[:LINES_MAX]):
        found = checks.take(lambda line=line: check_line(line), "lines", index)  # type: ignore[misc]
        if found is None:
            continue
        if found.external_id is not None and found.external_id in seen:
            message = "Two lines have this external id; each needs its own."
            checks.add(Invalid(message, field=("lines", index, "external_id")))
        seen.add(found.external_id or "")
        checked.append(found)
    return tuple(checked)


def _take_amount(checks: Checks, amount: Decimal | None, name: str) -> Decimal | None:
    return checks.take(lambda: check_amount(amount or Decimal(0)), name)


def _take_buyer(checks: Checks, buyer: Buyer | None) -> Buyer | None:
    checked = None if buyer is None else checks.take(lambda: check_buyer(buyer), "customer")
    return None if checked is None or checked.is_empty else checked


def _check_delivered_lines(lines: Sequence[DeliveredLine]) -> list[DeliveredLine]:
    check_length(lines, count_max=LINES_MAX)
    checks = Checks()
    if not lines:
        message = "A delivery has at least one line; leave lines out to deliver every line in full."
        checks.add(Required(message))
    checked = []
    for index, line in enumerate(lines):
        name = line.order_line_external_id
        checks.take(lambda line=line: check_quantity(line.quantity), index, "quantity")  # type: ignore[misc]
        if name is not None:
            name = checks.take(lambda name=name: clean(name), index, "order_line_external_id")  # type: ignore[misc]
        if (line.order_line_id is None) == (line.order_line_external_id is None):
            message = "Name the line by orderLineId or by orderLineExternalId, by one of the two."
            checks.add(Required(message, field=(index, "order_line_id")))
        checked.append(replace(line, order_line_external_id=name))
    checks.settle()
    return checked
