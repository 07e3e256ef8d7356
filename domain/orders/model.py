"""Orders: a mirror of what the shop sold, delivered and gave back."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.columns import Document, SortedText
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.orders.rules import OrderState, WithdrawalException


class Order(Base, kw_only=True):
    """One purchase, as the shop knows it now. Without a customer it is a guest's."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("state", OrderState),
        Index("ix_orders_customer_id", "customer_id", "placed_at", "id"),
        Index("ix_orders_store_id", "store_id", "placed_at", "id"),
        Index("ix_orders_placed_at", "placed_at", "id"),
        Index("ix_orders_number", "number", "id"),
        Index("ix_orders_contact_email_key", "contact_email_key", "placed_at"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(SortedText())
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    contact_email: Mapped[str | None]
    contact_email_key: Mapped[str | None]
    placed_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    state: Mapped[str]
    currency_code: Mapped[str]
    shipping_country: Mapped[str | None]
    total: Mapped[Decimal]
    shipping_total: Mapped[Decimal]
    discount_total: Mapped[Decimal]
    tax_total: Mapped[Decimal]
    paid: Mapped[Decimal]
    sequence: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(Base, kw_only=True):
    """One article of an order. What was delivered and returned of it is counted here by those who know."""

    __tablename__ = "order_lines"
    __table_args__ = (
        one_of("withdrawal_exception", WithdrawalException),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("delivered_quantity BETWEEN 0 AND quantity", name="delivered_quantity"),
        CheckConstraint("returned_quantity BETWEEN 0 AND quantity", name="returned_quantity"),
        Index("ix_order_lines_order_id", "order_id", "position"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    external_id: Mapped[str | None]
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    delivered_quantity: Mapped[int] = mapped_column(default=0)
    returned_quantity: Mapped[int] = mapped_column(default=0)
    unit_price: Mapped[Decimal]
    total: Mapped[Decimal]
    image_url: Mapped[str | None]
    product_url: Mapped[str | None]
    is_returnable: Mapped[bool]
    withdrawal_exception: Mapped[str | None]


class Delivery(Base, kw_only=True):
    """One parcel (or several under one number) on its way to the buyer."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("uq_deliveries_external_id", "order_id", "external_id", unique=True), STRICT)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    external_id: Mapped[str]
    carrier: Mapped[str | None]
    tracking_number: Mapped[str | None]
    tracking_url: Mapped[str | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DeliveryLine(Base, kw_only=True):
    """How many pieces of an order line are in a delivery."""

    __tablename__ = "delivery_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"), STRICT)

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True, index=True)
    quantity: Mapped[int]


class CreditNote(Base, kw_only=True):
    """What the shop gave back or took off, as its own document."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        Index("ix_credit_notes_customer_id", "customer_id", "issued_at", "id"),
        Index("ix_credit_notes_issued_at", "issued_at", "id"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"), index=True)
    issued_at: Mapped[datetime]
    currency_code: Mapped[str]
    total: Mapped[Decimal]
    sequence: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CreditNoteLine(Base, kw_only=True):
    """One article of a credit note; quantity and amounts are positive: they are given back."""

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_credit_note_lines_credit_note_id", "credit_note_id", "position"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey("credit_notes.id"))
    position: Mapped[int]
    external_id: Mapped[str | None]
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Decimal]
    total: Mapped[Decimal]


class ImportRun(Base, kw_only=True):
    """How far the import of one file has come: written with each batch, so that a second run goes on there."""

    __tablename__ = "import_runs"
    __table_args__ = (STRICT,)

    file_hash: Mapped[str] = mapped_column(primary_key=True)
    format: Mapped[str] = mapped_column(primary_key=True)
    rows_done: Mapped[int]
    counts: Mapped[dict[str, int]] = mapped_column(Document())
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
