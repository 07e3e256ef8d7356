"""What writes about orders answer."""

import strawberry

from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.orders.types.documents import CreditNote, Order
from schema.orders.types.lines import Delivery


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
