"""Orders and credit notes, as the API shows them, and the customers' lists of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute
from strawberry import UNSET

from domain.base.database import Session
from domain.base.pages import check_page
from domain.customers.repository.families import count_by_family
from domain.orders.model import CreditNote as CreditNoteRow
from domain.orders.model import Order as OrderRow
from domain.orders.repository.credit_notes import (
    list_credit_notes_by_customer,
    list_credit_notes_by_id,
    list_credit_notes_by_order,
    list_lines_by_credit_note,
    sum_credited_by_order,
)
from domain.orders.repository.deliveries import list_deliveries_by_order
from domain.orders.repository.orders import (
    list_lines_by_order,
    list_orders_by_customer,
    list_orders_by_id,
)
from domain.orders.repository.sight import is_note_seen, is_order_seen
from domain.orders.rules import OrderState
from schema.base.batched import batched
from schema.base.connections import Connection, Count, Total, connect
from schema.base.context import Info
from schema.base.descriptions import (
    After,
    Before,
    First,
    Last,
    described_enum,
    given,
)
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.base.scalars import CountryCode, CurrencyCode, EmailAddress
from schema.base.types import Money
from schema.base.views import column, derived, view
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.merges import CustomerMergePreview
from schema.customers.types.timeline import TimelineItem, shown_in_timeline
from schema.identity.types.stores import Store, load_stores
from schema.orders.policies import ORDERS
from schema.orders.types.lines import CreditNoteLine, Delivery, OrderLine

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


_IN_ALL = ("total", "currency_code")
_STATES = {str(state): state for state in OrderState}


class _Document:
    """A row that is somebody's."""

    row: Any

    @property
    def key(self) -> UUID:
        """Return the key behind the id."""
        key: UUID = self.row.id
        return key

    @property
    def customer_key(self) -> UUID | None:
        """Return whose it is."""
        key: UUID | None = self.row.customer_id
        return key


@view(description="What the shop gave back or took off, as its own document.")
class CreditNote(_Document, TimelineItem):
    """See the description."""

    row: strawberry.Private[Any]
    id: strawberry.ID = derived(of=lambda own: global_id("CreditNote", own.row.id))
    occurred_at: datetime = derived(of=lambda own: own.row.issued_at, reads=("issued_at",))
    summary: str = derived(
        of=lambda own: f"Credit note {own.row.number}: {own.total.amount} {own.row.currency_code} given back",
        reads=("number", *_IN_ALL),
    )
    external_id: str = column("The shop's own id of the credit note.")
    number: str = column("The number that people know it by.")
    issued_at: datetime = column("When it was issued.")
    total: Money = derived(
        "What was given back in all, as a positive amount.",
        of=lambda own: Money.of(own.row.total, own.row.currency_code),
        reads=_IN_ALL,
    )

    @classmethod
    def of(cls, row: Any) -> "CreditNote":  # noqa: ANN401
        """Show a row."""
        return cls(row=row)

    @batched(description="Whose it is; null where the shop did not say.", reads=("customer_id",))
    async def customer(notes: list["CreditNote"], info: Info) -> list[Customer | None]:  # noqa: N805
        """Read the customers of a level."""
        return await _load_optional(load_customers, info, [note.customer_key for note in notes])

    @batched(description="The order that it is about; null where the shop did not say.", reads=("order_id",))
    async def order(notes: list["CreditNote"], info: Info) -> list["Order | None"]:  # noqa: N805
        """Read the orders of a level."""
        return await _load_optional(load_orders, info, [note.row.order_id for note in notes])

    @batched(description="What was given back.", reads=("currency_code",))
    async def lines(notes: list["CreditNote"], info: Info) -> list[list[CreditNoteLine]]:  # noqa: N805
        """Read the lines of a level."""
        async with info.context.reading() as session:
            rows = await list_lines_by_credit_note(
                session, [note.key for note in notes], columns=info.context.columns("CreditNoteLine")
            )
        return [
            [CreditNoteLine(row=row, currency=currency) for row in rows[note.key]]
            for note in notes
            for currency in [note.row.currency_code]
        ]


@view(description="One purchase, as the shop knows it now.")
class Order(_Document, TimelineItem):
    """See the description."""

    row: strawberry.Private[Any]
    id: strawberry.ID = derived(of=lambda own: global_id("Order", own.row.id))
    occurred_at: datetime = derived(of=lambda own: own.row.placed_at, reads=("placed_at",))
    summary: str = derived(
        of=lambda own: f"Order {own.row.number}: {own.total.amount} {own.row.currency_code}", reads=("number", *_IN_ALL)
    )
    external_id: str = column("The shop's own id of the order.")
    number: str = column("The number that people know it by.")
    placed_at: datetime = column("When the buyer placed it.")
    cancelled_at: datetime | None = column("When it was called off as a whole; null where it was not.")
    state: OrderState = derived("How far it has come.", of=lambda own: _STATES[own.row.state], reads=("state",))
    total: Money = derived(
        "Lines and shipping less discount, tax included.",
        of=lambda own: Money.of(own.row.total, own.row.currency_code),
        reads=("total", "currency_code"),
    )
    shipping_total: Money = derived(
        "What shipping cost, tax included.",
        of=lambda own: Money.of(own.row.shipping_total, own.row.currency_code),
        reads=("shipping_total", "currency_code"),
    )
    discount_total: Money = derived(
        "What was taken off the whole order.",
        of=lambda own: Money.of(own.row.discount_total, own.row.currency_code),
        reads=("discount_total", "currency_code"),
    )
    tax_total: Money = derived(
        "The tax that the total includes.",
        of=lambda own: Money.of(own.row.tax_total, own.row.currency_code),
        reads=("tax_total", "currency_code"),
    )
    paid: Money = derived(
        "What was paid.",
        of=lambda own: Money.of(own.row.paid, own.row.currency_code),
        reads=("paid", "currency_code"),
    )
    currency_code: CurrencyCode = column("The currency of all its amounts.")
    shipping_country: CountryCode | None = column("Where it went.")
    updated_at: datetime = column("When it last changed here.")
    contact_email: EmailAddress | None = derived(
        "What the buyer gave with the order.",
        of=lambda own: own.row.contact_email,
        reads=("contact_email", "customer_id"),  # whose: who reads many people's data is in the audit log
    )

    @classmethod
    def of(cls, row: Any) -> "Order":  # noqa: ANN401
        """Show a row."""
        return cls(row=row)

    @batched(description="Where it was placed.", reads=("store_id",))
    async def store(orders: list["Order"], info: Info) -> list[Store]:  # noqa: N805
        """Read the stores of a level."""
        return [
            store for store in await load_stores(info, [order.row.store_id for order in orders]) if store is not None
        ]

    @batched(description="Whose it is; null for a guest's.", reads=("customer_id",))
    async def customer(orders: list["Order"], info: Info) -> list[Customer | None]:  # noqa: N805
        """Read the customers of a level."""
        return await _load_optional(load_customers, info, [order.customer_key for order in orders])

    @batched(description="What was bought.", reads=("currency_code",))
    async def lines(orders: list["Order"], info: Info) -> list[list[OrderLine]]:  # noqa: N805
        """Read the lines of a level."""
        async with info.context.reading() as session:
            rows = await list_lines_by_order(
                session, [order.key for order in orders], columns=info.context.columns("OrderLine")
            )
        return [
            [OrderLine(row=row, currency=currency) for row in rows[order.key]]
            for order in orders
            for currency in [order.row.currency_code]
        ]

    @batched(description="What is or was on its way, in the order in which it was recorded.", reads=())
    async def deliveries(orders: list["Order"], info: Info) -> list[list[Delivery]]:  # noqa: N805
        """Read the deliveries of a level."""
        async with info.context.reading() as session:
            rows = await list_deliveries_by_order(session, [order.key for order in orders])
        return [[Delivery.of(row) for row in rows[order.key]] for order in orders]

    @batched(description="What was given back on it, the oldest first.", reads=())
    async def credit_notes(orders: list["Order"], info: Info) -> list[list[CreditNote]]:  # noqa: N805
        """Read the credit notes of a level."""
        async with info.context.reading() as session:
            rows = await list_credit_notes_by_order(
                session, [order.key for order in orders], columns=info.context.columns("CreditNote")
            )
        return [[CreditNote.of(row) for row in rows[order.key]] for order in orders]

    @batched(description="What its credit notes gave back in all.", reads=("currency_code",))
    async def refunded(orders: list["Order"], info: Info) -> list[Money]:  # noqa: N805
        """Add up the credit notes of a level."""
        async with info.context.reading() as session:
            sums = await sum_credited_by_order(session, [order.key for order in orders])
        return [Money.of(sums[order.key], order.currency_code) for order in orders]


@extends(Customer)
@batched(description="Their orders, the newest first.", reads=())
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
        pages = await list_orders_by_customer(session, keys, page=page, columns=info.context.columns("Order"))
    return [connect(page, Order.of, total=Total(_count_orders, key)) for key, page in zip(keys, pages, strict=True)]


@extends(Customer)
@batched(description="What they were given back, the newest first.", reads=())
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
        pages = await list_credit_notes_by_customer(
            session, keys, page=page, columns=info.context.columns("CreditNote")
        )
    return [
        connect(page, CreditNote.of, total=Total(_count_credit_notes, key))
        for key, page in zip(keys, pages, strict=True)
    ]


@extends(CustomerMergePreview)
@batched(description="How many orders the one customer would have.")
async def order_count(previews: list[CustomerMergePreview], info: Info) -> list[int]:
    """Count the orders of both, for the previews of a level."""
    keys = [key for preview in previews for key in preview.keys]
    async with info.context.reading() as session:
        counts = await count_by_family(session, OrderRow.customer_id, keys)
    return [sum(counts[key] for key in preview.keys) for preview in previews]


@shown_in_timeline("ORDER", type_name="Order", description="An order.", policy=ORDERS)
async def load_orders(info: Info, ids: Sequence[UUID]) -> list[Order | None]:
    """Read orders by their ids."""
    async with info.context.reading() as session:
        rows = await list_orders_by_id(session, ids, columns=info.context.columns("Order"))
    return [Order.of(rows[key]) if key in rows else None for key in ids]


@shown_in_timeline("CREDIT_NOTE", type_name="CreditNote", description="A credit note.", policy=ORDERS)
async def load_credit_notes(info: Info, ids: Sequence[UUID]) -> list[CreditNote | None]:
    """Read credit notes by their ids."""
    async with info.context.reading() as session:
        rows = await list_credit_notes_by_id(session, ids, columns=info.context.columns("CreditNote"))
    return [CreditNote.of(rows[key]) if key in rows else None for key in ids]


async def _load_optional(load: Any, info: Info, keys: Sequence[UUID | None]) -> list[Any]:  # noqa: ANN401
    """Read what the keys name, each once, None for None."""
    wanted = list(dict.fromkeys(key for key in keys if key is not None))
    found = dict(zip(wanted, await load(info, wanted), strict=True))
    return [None if key is None else found[key] for key in keys]


def _count_of(
    column: InstrumentedAttribute[UUID | None], is_seen: Callable[[Session, Any], ColumnElement[bool]]
) -> Count:
    """Return how the customers' whole lists of these documents are counted, those that are seen."""

    async def count(session: Session, keys: Sequence[UUID | None]) -> list[int]:
        wanted = [key for key in keys if key is not None]
        counts = await count_by_family(session, column, wanted, where=(is_seen, column.class_))
        return [counts[key] if key is not None else 0 for key in keys]

    return count


_count_orders = _count_of(OrderRow.customer_id, is_order_seen)
_count_credit_notes = _count_of(CreditNoteRow.customer_id, is_note_seen)
