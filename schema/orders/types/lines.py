"""Lines and parcels, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.orders.repository.deliveries import list_deliveries_by_id, list_delivery_lines_by_delivery
from domain.orders.repository.orders import list_lines_by_id, list_orders_by_id
from domain.orders.rules import (
    WithdrawalException as WithdrawalException,  # inputs take it from here, described
)
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import URL
from schema.base.types import Money
from schema.base.views import column, derived, view
from schema.orders.policies import ORDERS

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


@view(description="One article of an order.")
class OrderLine(Node):
    """See the description."""

    row: strawberry.Private[Any]
    currency: strawberry.Private[str]
    id: strawberry.ID = derived(of=lambda own: global_id("OrderLine", own.row.id), reads=("id",))
    external_id: str | None = column("The shop's own id of the line.")
    sku: str = column("The shop's code of the article.")
    title: str = column("What the article is called; its SKU where the shop sent no title.")
    quantity: int = column("Pieces ordered.")
    delivered_quantity: int = column("Pieces that arrived.")
    returned_quantity: int = column("Pieces that came back.")
    unit_price: Money = derived(
        "Price of one piece, tax included.",
        of=lambda own: Money.of(own.row.unit_price, own.currency),
        reads=("unit_price",),
    )
    total: Money = derived(
        "Price of the line, tax included.",
        of=lambda own: Money.of(own.row.total, own.currency),
        reads=("total",),
    )
    image_url: URL | None = column("A picture of the article.")
    product_url: URL | None = column("The article's page in the shop.")
    is_returnable: bool = column("Whether the shop takes it back of its own will.")
    withdrawal_exception: WithdrawalException | None = derived(
        "Why it has no right of withdrawal; null where it has.",
        of=lambda own: _exception(own.row.withdrawal_exception),
        reads=("withdrawal_exception",),
    )

    @classmethod
    def of(cls, row: Any, currency_code: str) -> "OrderLine":  # noqa: ANN401
        """Show a row of an order in this currency."""
        return cls(row=row, currency=currency_code)


def _exception(name: str | None) -> WithdrawalException | None:
    return None if name is None else WithdrawalException(name)


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
            rows = await list_delivery_lines_by_delivery(session, [each.key for each in deliveries])
        return [
            [DeliveryLine(line_key=row.order_line_id, quantity=row.quantity) for row in rows[delivery.key]]
            for delivery in deliveries
        ]


@view(description="One article of a credit note. Quantity and amounts are positive: they are given back.")
class CreditNoteLine:
    """See the description."""

    row: strawberry.Private[Any]
    currency: strawberry.Private[str]
    id: strawberry.ID = derived("The line's id.", of=lambda own: global_id("CreditNoteLine", own.row.id), reads=("id",))
    sku: str = column("The shop's code of the article.")
    title: str = column("What the article is called; its SKU where the shop sent no title.")
    quantity: int = column("Pieces given back.")
    unit_price: Money = derived(
        "What was given back for one piece, tax included.",
        of=lambda own: Money.of(own.row.unit_price, own.currency),
        reads=("unit_price",),
    )
    total: Money = derived(
        "What was given back for the line, tax included.",
        of=lambda own: Money.of(own.row.total, own.currency),
        reads=("total",),
    )

    @classmethod
    def of(cls, row: Any, currency_code: str) -> "CreditNoteLine":  # noqa: ANN401
        """Show a row of a credit note in this currency."""
        return cls(row=row, currency=currency_code)


@loads("OrderLine", policy=ORDERS)
async def load_order_lines(info: Info, ids: Sequence[UUID]) -> list[OrderLine | None]:
    """Read order lines by their ids; the order says in which currency they are."""
    async with info.context.reading() as session:
        rows = await list_lines_by_id(session, ids)
        parents = await list_orders_by_id(session, {row.order_id for row in rows.values()})
    return [OrderLine.of(rows[key], parents[rows[key].order_id].currency_code) if key in rows else None for key in ids]


@loads("Delivery", policy=ORDERS)
async def load_deliveries(info: Info, ids: Sequence[UUID]) -> list[Delivery | None]:
    """Read deliveries by their ids."""
    async with info.context.reading() as session:
        rows = await list_deliveries_by_id(session, ids)
    return [Delivery.of(rows[key]) if key in rows else None for key in ids]
