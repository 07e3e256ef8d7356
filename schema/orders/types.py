"""Orders, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row
from strawberry import UNSET

from domain.base.actors import Permission
from domain.base.database import Session
from domain.base.pages import check_page
from domain.orders import repository
from domain.orders.model import CreditNote as CreditNoteRow
from domain.orders.model import Order as OrderRow
from domain.orders.rules import OrderState
from domain.orders.rules import (
    WithdrawalException as WithdrawalException,  # inputs take it from here, described
)
from schema.base.batched import batched
from schema.base.connections import Connection, Total, connect
from schema.base.context import Info
from schema.base.descriptions import (
    After,
    Before,
    First,
    Last,
    described_enum,
    given,
    shown,
)
from schema.base.errors import UserError
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import URL, CountryCode, CurrencyCode, EmailAddress
from schema.base.types import Money
from schema.customers.types import Customer, TimelineItem, load_customers
from schema.identity.types import Store, load_stores

described_enum(
    OrderState,
    name="OrderState",
    description="How far an order has come.",
    values={
        OrderState.PLACED: "Nothing was sent yet.",
        OrderState.PARTLY_SHIPPED: "Some pieces are on their way.",
        OrderState.SHIPPED: "Every piece is on its way.",
        OrderState.PARTLY_DELIVERED: "Some pieces arrived.",
        OrderState.DELIVERED: "Every piece arrived.",
        OrderState.CANCELLED: "The order was called off as a whole.",
    },
)
described_enum(
    WithdrawalException,
    name="WithdrawalException",
    description="Why a line has no right of withdrawal: Directive 2011/83/EU, article 16.",
    values={
        WithdrawalException.CUSTOM_MADE: "Made to the buyer's specifications, or clearly personalised.",
        WithdrawalException.PERISHABLE: "Spoils or expires quickly.",
        WithdrawalException.UNSEALED_HYGIENE: "Sealed for health or hygiene, and unsealed after delivery.",
        WithdrawalException.UNSEALED_MEDIA: "Sealed audio, video or software, and unsealed after delivery.",
        WithdrawalException.DIGITAL_BEGUN: "Digital content whose supply has begun with the buyer's consent.",
        WithdrawalException.DATED_SERVICE: "Lodging, transport, catering or leisure on a given date.",
        WithdrawalException.OTHER: "Another exception of the article.",
    },
)


@strawberry.type(description="One article of an order.")
class OrderLine(Node):
    """See the description."""

    external_id: str | None = shown("The shop's own id of the line.")
    sku: str = shown("The shop's code of the article.")
    title: str = shown("What the article is called; its SKU where the shop sent no title.")
    quantity: int = shown("Pieces ordered.")
    delivered_quantity: int = shown("Pieces that arrived.")
    returned_quantity: int = shown("Pieces that came back.")
    unit_price: Money = shown("Price of one piece, tax included.")
    total: Money = shown("Price of the line, tax included.")
    image_url: URL | None = shown("A picture of the article.")
    product_url: URL | None = shown("The article's page in the shop.")
    is_returnable: bool = shown("Whether the shop takes it back of its own will.")
    withdrawal_exception: WithdrawalException | None = shown("Why it has no right of withdrawal; null where it has.")

    @classmethod
    def of(cls, row: Row[Any], currency_code: str) -> "OrderLine":
        """Show a row of an order in this currency."""
        exception = row.withdrawal_exception
        return cls(
            id=global_id("OrderLine", row.id),
            external_id=row.external_id,
            sku=row.sku,
            title=row.title,
            quantity=row.quantity,
            delivered_quantity=row.delivered_quantity,
            returned_quantity=row.returned_quantity,
            unit_price=Money.of(row.unit_price, currency_code),
            total=Money.of(row.total, currency_code),
            image_url=row.image_url,
            product_url=row.product_url,
            is_returnable=row.is_returnable,
            withdrawal_exception=None if exception is None else WithdrawalException(exception),
        )


@strawberry.type(description="How many pieces of an order line are in a delivery.")
class DeliveryLine:
    """See the description."""

    line_key: strawberry.Private[UUID]
    quantity: int = shown("Pieces in this delivery.")

    @batched(description="The line that they belong to.")
    async def order_line(lines: list["DeliveryLine"], info: Info) -> list[OrderLine]:  # noqa: N805
        """Read the order lines of a level."""
        found = await load_order_lines(info, [line.line_key for line in lines])
        return [line for line in found if line is not None]


@strawberry.type(description="A parcel (or several under one number) on its way to the buyer.")
class Delivery(Node):
    """See the description."""

    key: strawberry.Private[UUID]
    external_id: str | None = shown("The shop's own id of the delivery.")
    carrier: str | None = shown("Who carries it.")
    tracking_number: str | None = shown("The carrier's number.")
    tracking_url: URL | None = shown("Where the parcel can be followed.")
    shipped_at: datetime | None = shown("When it left; null where it has not.")
    delivered_at: datetime | None = shown("When it arrived; null where it has not.")

    @classmethod
    def of(cls, row: Row[Any]) -> "Delivery":
        """Show a row."""
        return cls(
            key=row.id,
            id=global_id("Delivery", row.id),
            external_id=row.external_id,
            carrier=row.carrier,
            tracking_number=row.tracking_number,
            tracking_url=row.tracking_url,
            shipped_at=row.shipped_at,
            delivered_at=row.delivered_at,
        )

    @batched(description="What is in it.")
    async def lines(deliveries: list["Delivery"], info: Info) -> list[list[DeliveryLine]]:  # noqa: N805
        """Read the contents of a level."""
        async with info.context.reading() as session:
            rows = await repository.list_delivery_lines_by_delivery(session, [each.key for each in deliveries])
        return [
            [DeliveryLine(line_key=row.order_line_id, quantity=row.quantity) for row in rows[delivery.key]]
            for delivery in deliveries
        ]


@strawberry.type(description="One article of a credit note. Quantity and amounts are positive: they are given back.")
class CreditNoteLine:
    """See the description."""

    id: strawberry.ID = shown("The line's id.")
    sku: str = shown("The shop's code of the article.")
    title: str = shown("What the article is called; its SKU where the shop sent no title.")
    quantity: int = shown("Pieces given back.")
    unit_price: Money = shown("What was given back for one piece, tax included.")
    total: Money = shown("What was given back for the line, tax included.")

    @classmethod
    def of(cls, row: Row[Any], currency_code: str) -> "CreditNoteLine":
        """Show a row of a credit note in this currency."""
        return cls(
            id=global_id("CreditNoteLine", row.id),
            sku=row.sku,
            title=row.title,
            quantity=row.quantity,
            unit_price=Money.of(row.unit_price, currency_code),
            total=Money.of(row.total, currency_code),
        )


@strawberry.type(description="What the shop gave back or took off, as its own document.")
class CreditNote(TimelineItem):
    """See the description."""

    key: strawberry.Private[UUID]
    customer_key: strawberry.Private[UUID | None]
    order_key: strawberry.Private[UUID | None]
    currency: strawberry.Private[str]
    external_id: str = shown("The shop's own id of the credit note.")
    number: str = shown("The number that people know it by.")
    issued_at: datetime = shown("When it was issued.")
    total: Money = shown("What was given back in all, as a positive amount.")

    @classmethod
    def of(cls, row: Row[Any]) -> "CreditNote":
        """Show a row."""
        total = Money.of(row.total, row.currency_code)
        return cls(
            key=row.id,
            customer_key=row.customer_id,
            order_key=row.order_id,
            currency=row.currency_code,
            id=global_id("CreditNote", row.id),
            external_id=row.external_id,
            number=row.number,
            issued_at=row.issued_at,
            total=total,
            occurred_at=row.issued_at,
            summary=f"Credit note {row.number}: {total.amount} {total.currency_code} given back",
        )

    @batched(description="Whose it is; null where the shop did not say.", needs=Permission.CUSTOMERS_READ)
    async def customer(notes: list["CreditNote"], info: Info) -> list[Customer | None]:  # noqa: N805
        """Read the customers of a level."""
        return await _load_optional(load_customers, info, [note.customer_key for note in notes])

    @batched(description="The order that it is about; null where the shop did not say.")
    async def order(notes: list["CreditNote"], info: Info) -> list["Order | None"]:  # noqa: N805
        """Read the orders of a level."""
        return await _load_optional(load_orders, info, [note.order_key for note in notes])

    @batched(description="What was given back.")
    async def lines(notes: list["CreditNote"], info: Info) -> list[list[CreditNoteLine]]:  # noqa: N805
        """Read the lines of a level."""
        async with info.context.reading() as session:
            rows = await repository.list_lines_by_credit_note(session, [note.key for note in notes])
        return [[CreditNoteLine.of(row, note.currency) for row in rows[note.key]] for note in notes]


@strawberry.type(description="One purchase, as the shop knows it now.")
class Order(TimelineItem):
    """See the description."""

    key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID]
    customer_key: strawberry.Private[UUID | None]
    external_id: str = shown("The shop's own id of the order.")
    number: str = shown("The number that people know it by.")
    placed_at: datetime = shown("When the buyer placed it.")
    cancelled_at: datetime | None = shown("When it was called off as a whole; null where it was not.")
    state: OrderState = shown("How far it has come.")
    total: Money = shown("Lines and shipping less discount, tax included.")
    shipping_total: Money = shown("What shipping cost, tax included.")
    discount_total: Money = shown("What was taken off the whole order.")
    tax_total: Money = shown("The tax that the total includes.")
    paid: Money = shown("What was paid.")
    currency_code: CurrencyCode = shown("The currency of all its amounts.")
    shipping_country: CountryCode | None = shown("Where it went.")
    updated_at: datetime = shown("When it last changed here.")
    contact_email: EmailAddress | None = shown("What the buyer gave with the order.")

    @classmethod
    def of(cls, row: Row[Any]) -> "Order":
        """Show a row."""
        total = Money.of(row.total, row.currency_code)
        return cls(
            key=row.id,
            store_key=row.store_id,
            customer_key=row.customer_id,
            id=global_id("Order", row.id),
            external_id=row.external_id,
            number=row.number,
            placed_at=row.placed_at,
            cancelled_at=row.cancelled_at,
            state=OrderState(row.state),
            total=total,
            shipping_total=Money.of(row.shipping_total, row.currency_code),
            discount_total=Money.of(row.discount_total, row.currency_code),
            tax_total=Money.of(row.tax_total, row.currency_code),
            paid=Money.of(row.paid, row.currency_code),
            currency_code=row.currency_code,
            shipping_country=row.shipping_country,
            updated_at=row.updated_at,
            contact_email=row.contact_email,
            occurred_at=row.placed_at,
            summary=f"Order {row.number}: {total.amount} {total.currency_code}",
        )

    @batched(description="Where it was placed.", needs=Permission.STORES_READ)
    async def store(orders: list["Order"], info: Info) -> list[Store]:  # noqa: N805
        """Read the stores of a level."""
        return [store for store in await load_stores(info, [order.store_key for order in orders]) if store is not None]

    @batched(description="Whose it is; null for a guest's.", needs=Permission.CUSTOMERS_READ)
    async def customer(orders: list["Order"], info: Info) -> list[Customer | None]:  # noqa: N805
        """Read the customers of a level."""
        return await _load_optional(load_customers, info, [order.customer_key for order in orders])

    @batched(description="What was bought.")
    async def lines(orders: list["Order"], info: Info) -> list[list[OrderLine]]:  # noqa: N805
        """Read the lines of a level."""
        async with info.context.reading() as session:
            rows = await repository.list_lines_by_order(session, [order.key for order in orders])
        return [[OrderLine.of(row, order.currency_code) for row in rows[order.key]] for order in orders]

    @batched(description="What is or was on its way, in the order in which it was recorded.")
    async def deliveries(orders: list["Order"], info: Info) -> list[list[Delivery]]:  # noqa: N805
        """Read the deliveries of a level."""
        async with info.context.reading() as session:
            rows = await repository.list_deliveries_by_order(session, [order.key for order in orders])
        return [[Delivery.of(row) for row in rows[order.key]] for order in orders]

    @batched(description="What was given back on it, the oldest first.")
    async def credit_notes(orders: list["Order"], info: Info) -> list[list[CreditNote]]:  # noqa: N805
        """Read the credit notes of a level."""
        async with info.context.reading() as session:
            rows = await repository.list_credit_notes_by_order(session, [order.key for order in orders])
        return [[CreditNote.of(row) for row in rows[order.key]] for order in orders]

    @batched(description="What its credit notes gave back in all.")
    async def refunded(orders: list["Order"], info: Info) -> list[Money]:  # noqa: N805
        """Add up the credit notes of a level."""
        async with info.context.reading() as session:
            sums = await repository.sum_credited_by_order(session, [order.key for order in orders])
        return [Money.of(sums[order.key], order.currency_code) for order in orders]


@extends(Customer)
@batched(description="Their orders, the newest first.", needs=Permission.ORDERS_READ)
async def orders(
    customers: list[Customer],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> list[Connection[Order]]:
    """Read a page of orders for each customer of a level."""
    keys = [customer.key for customer in customers]
    page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
    async with info.context.reading() as session:
        pages = await repository.list_orders_by_customer(session, keys, page=page)
    return [connect(page, Order.of, total=Total(_count_orders, key)) for key, page in zip(keys, pages, strict=True)]


@extends(Customer)
@batched(description="What they were given back, the newest first.", needs=Permission.ORDERS_READ)
async def credit_notes(
    customers: list[Customer],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> list[Connection[CreditNote]]:
    """Read a page of credit notes for each customer of a level."""
    keys = [customer.key for customer in customers]
    page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
    async with info.context.reading() as session:
        pages = await repository.list_credit_notes_by_customer(session, keys, page=page)
    return [
        connect(page, CreditNote.of, total=Total(_count_credit_notes, key))
        for key, page in zip(keys, pages, strict=True)
    ]


@strawberry.type(description="The order as it is now, or why it was not taken over.")
class OrderUpsertPayload:
    """See the description."""

    order: Order | None = shown("The order; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The credit note as it is now, or why it was not taken over.")
class CreditNoteUpsertPayload:
    """See the description."""

    credit_note: CreditNote | None = shown("The credit note; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The delivery as it is now, or why it was not recorded.")
class DeliveryRecordPayload:
    """See the description."""

    delivery: Delivery | None = shown("The delivery; null where the write was refused.")
    order: Order | None = shown("Its order, with the quantities counted anew; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


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


@loads("Order", needs=Permission.ORDERS_READ)
async def load_orders(info: Info, ids: Sequence[UUID]) -> list[Order | None]:
    """Read orders by their ids."""
    async with info.context.reading() as session:
        rows = await repository.list_orders_by_id(session, ids)
    return [Order.of(rows[key]) if key in rows else None for key in ids]


@loads("OrderLine", needs=Permission.ORDERS_READ)
async def load_order_lines(info: Info, ids: Sequence[UUID]) -> list[OrderLine | None]:
    """Read order lines by their ids; the order says in which currency they are."""
    async with info.context.reading() as session:
        rows = await repository.list_lines_by_id(session, ids)
        parents = await repository.list_orders_by_id(session, {row.order_id for row in rows.values()})
    return [OrderLine.of(rows[key], parents[rows[key].order_id].currency_code) if key in rows else None for key in ids]


@loads("Delivery", needs=Permission.ORDERS_READ)
async def load_deliveries(info: Info, ids: Sequence[UUID]) -> list[Delivery | None]:
    """Read deliveries by their ids."""
    async with info.context.reading() as session:
        rows = await repository.list_deliveries_by_id(session, ids)
    return [Delivery.of(rows[key]) if key in rows else None for key in ids]


@loads("CreditNote", needs=Permission.ORDERS_READ)
async def load_credit_notes(info: Info, ids: Sequence[UUID]) -> list[CreditNote | None]:
    """Read credit notes by their ids."""
    async with info.context.reading() as session:
        rows = await repository.list_credit_notes_by_id(session, ids)
    return [CreditNote.of(rows[key]) if key in rows else None for key in ids]


async def _load_optional(load: Any, info: Info, keys: Sequence[UUID | None]) -> list[Any]:  # noqa: ANN401
    """Read what the keys name, each once, None for None."""
    wanted = list(dict.fromkeys(key for key in keys if key is not None))
    found = dict(zip(wanted, await load(info, wanted), strict=True))
    return [None if key is None else found[key] for key in keys]


async def _count_orders(session: Session, keys: Sequence[UUID | None]) -> list[int]:
    counts = await repository.count_by_customer(session, OrderRow, [key for key in keys if key is not None])
    return [counts.get(key, 0) if key is not None else 0 for key in keys]


async def _count_credit_notes(session: Session, keys: Sequence[UUID | None]) -> list[int]:
    counts = await repository.count_by_customer(session, CreditNoteRow, [key for key in keys if key is not None])
    return [counts.get(key, 0) if key is not None else 0 for key in keys]
