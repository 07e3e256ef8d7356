"""Why something about an order is refused."""

from domain.base.errors import (
    FieldPath,
    InvalidState,
    NotFound,
    QuantityExceeded,
    Required,
)


class OrderNotFound(NotFound):
    """There is no such order, or this actor may not see it."""

    def __init__(self, *, field: FieldPath = ("order_id",)) -> None:
        """Say what to do."""
        super().__init__("There is no such order; send it with orderUpsert first.", field=field)


class OrderNotNamed(Required):
    """Neither the order's id nor its external id was given, or both were."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("Name the order by orderId or by orderExternalId, by one of the two.", field=("order_id",))


class OrderLineNotFound(NotFound):
    """The order has no such line."""

    def __init__(self, *, field: FieldPath) -> None:
        """Say what to do."""
        super().__init__("The order has no such line; its field lines lists them.", field=field)


class MoreDeliveredThanOrdered(QuantityExceeded):
    """The deliveries of an order line would hold more pieces than were ordered."""

    def __init__(self, *, sku: str, ordered: int, delivered: int, field: FieldPath) -> None:
        """Say how many there are."""
        super().__init__(
            f"Of {sku}, {ordered:,} were ordered and {delivered:,} would be in deliveries; "
            "correct the quantity, or send the order again first.",
            field=field,
        )


class LineAlreadyDelivered(InvalidState):
    """An order line that is in a delivery would vanish, or shrink below what was sent."""

    def __init__(self, *, sku: str, sent: int) -> None:
        """Say what keeps the line."""
        super().__init__(
            f"{sent:,} of {sku} are in a delivery already, so the order must keep a line for at least as many.",
            field=("lines",),
        )


class CurrencyOfCreditNotes(InvalidState):
    """An order's currency would change under its credit notes."""

    def __init__(self, currency_code: str) -> None:
        """Say what keeps the currency."""
        super().__init__(
            f"The order's credit notes are in {currency_code}, so the order stays in it.", field=("currency_code",)
        )
