"""Taking over from the shop what it sold, delivered and gave back."""

from uuid import UUID

import strawberry

from domain.base.work import Work
from domain.orders.actions.credit_notes import upsert_credit_note
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_order
from domain.orders.repository.deliveries import list_deliveries_by_id
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.writes import write
from schema.orders.inputs import (
    CreditNoteUpsertInput,
    DeliveryRecordInput,
    OrderUpsertInput,
)
from schema.orders.types.documents import load_credit_notes, load_orders
from schema.orders.types.lines import Delivery
from schema.orders.types.payloads import (
    CreditNoteUpsertPayload,
    DeliveryRecordPayload,
    OrderUpsertPayload,
)


@strawberry.type
class OrderMutations:
    """Root fields that mirror what the shop sold."""

    @strawberry.mutation(
        description="Takes over an order as the shop knows it now; sent again it changes nothing. Needs `orders:write`."
    )
    async def order_upsert(self, info: Info, input: Input[OrderUpsertInput]) -> OrderUpsertPayload | None:  # noqa: A002
        """Take over an order."""
        written = await write(info, "orderUpsert", lambda work: upsert_order(work, order=input.details()))
        if not isinstance(written, UUID):
            return OrderUpsertPayload(order=None, user_errors=written)
        (order,) = await load_orders(info, [written])
        return OrderUpsertPayload(order=order, user_errors=[])

    @strawberry.mutation(description="Records a delivery of an order, or what is new about it. Needs `orders:write`.")
    async def delivery_record(self, info: Info, input: Input[DeliveryRecordInput]) -> DeliveryRecordPayload | None:  # noqa: A002
        """Record a delivery."""

        async def story(work: Work) -> UUID:
            return await record_delivery(
                work,
                delivery=input.details(),
                order_id=input.order_key(),
                order_external_id=given(input.order_external_id),
            )

        written = await write(info, "deliveryRecord", story)
        if not isinstance(written, UUID):
            return DeliveryRecordPayload(delivery=None, order=None, user_errors=written)
        async with info.context.reading() as session:
            row = (await list_deliveries_by_id(session, [written]))[written]
        (order,) = await load_orders(info, [row.order_id])
        return DeliveryRecordPayload(delivery=Delivery.of(row), order=order, user_errors=[])

    @strawberry.mutation(
        description=(
            "Takes over what the shop gave back or took off, as its own document: a cancellation, a refund, a "
            "correction in the customer's favour. Needs `orders:write`."
        )
    )
    async def credit_note_upsert(
        self,
        info: Info,
        input: Input[CreditNoteUpsertInput],  # noqa: A002
    ) -> CreditNoteUpsertPayload | None:
        """Take over a credit note."""

        async def story(work: Work) -> UUID:
            return await upsert_credit_note(work, note=input.details())

        written = await write(info, "creditNoteUpsert", story)
        if not isinstance(written, UUID):
            return CreditNoteUpsertPayload(credit_note=None, user_errors=written)
        (note,) = await load_credit_notes(info, [written])
        return CreditNoteUpsertPayload(credit_note=note, user_errors=[])
