"""What the shop says about orders."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from domain.base.contacts import email_key
from domain.base.texts import check_length, clean_optional
from domain.customers.rules.profiles import Buyer
from domain.orders.repository.orders import OrderFilter as Wanted
from domain.orders.rules import (
    CreditNoteDetails,
    DeliveredLine,
    DeliveryDetails,
    LineDetails,
    OrderDetails,
)
from schema.base.descriptions import change, given, optional, shown
from schema.base.ids import key_of, required_key
from schema.base.scalars import URL, CountryCode, CurrencyCode, EmailAddress
from schema.orders.types.lines import WithdrawalException

FILTER_VALUES_MAX = 250
SEARCH_LENGTH_MAX = 254


@strawberry.input(
    description=(
        "Who bought: found by external id, else by verified e-mail, else created. A repeated unverified e-mail "
        "without external id goes to the customer that its first order created."
    )
)
class OrderCustomerInput:
    """See the description."""

    external_id: str | None = optional("The shop's own id of the customer, at most 200 characters. TOO_LONG.")
    email: EmailAddress | None = optional("What the buyer gave with the order. INVALID.")
    email_verified: bool = strawberry.field(
        description="The app vouches that this address is the buyer's.", default=False
    )
    given_name: str | None = optional("Given name; fills a gap in a profile with no other name. INVALID, TOO_LONG.")
    family_name: str | None = optional("Family name; fills a gap in a profile with no other name. INVALID, TOO_LONG.")
    country: CountryCode | None = optional("Where they live; fills a gap in the profile. INVALID.")

    def buyer(self) -> Buyer:
        """Return the input as the domain takes it."""
        return Buyer(
            external_id=given(self.external_id),
            email=given(self.email),
            is_email_verified=self.email_verified,
            given_name=given(self.given_name),
            family_name=given(self.family_name),
            country=given(self.country),
        )


@strawberry.input(description="One article of an order.")
class OrderLineInput:
    """See the description."""

    external_id: str | None = optional("The shop's own id of the line; left out, the line is known by its position.")
    sku: str = shown("The shop's code of the article. REQUIRED, TOO_LONG.")
    title: str = shown("What the article is called, at most 500 characters; blank, the SKU is shown. TOO_LONG.")
    quantity: int = shown("Pieces, 1 to 1,000,000. INVALID.")
    unit_price: Decimal = shown("Price of one piece, tax included, at most four decimals. INVALID.")
    total: Decimal | None = optional("Price of the line, tax included; left out, quantity by price. INVALID.")
    image_url: URL | None = optional("A picture of the article. INVALID.")
    product_url: URL | None = optional("The article's page in the shop. INVALID.")
    is_returnable: bool = strawberry.field(description="Whether the shop takes it back of its own will.", default=True)
    withdrawal_exception: WithdrawalException | None = optional("Why it has no right of withdrawal.")

    def details(self) -> LineDetails:
        """Return the input as the domain takes it."""
        return LineDetails(
            external_id=given(self.external_id),
            sku=self.sku,
            title=self.title,
            quantity=self.quantity,
            unit_price=self.unit_price,
            total=given(self.total),
            image_url=given(self.image_url),
            product_url=given(self.product_url),
            is_returnable=self.is_returnable,
            withdrawal_exception=given(self.withdrawal_exception),
        )


@strawberry.input(description="The whole order as the shop knows it now; sent again it replaces, by its `externalId`.")
class OrderUpsertInput:
    """See the description."""

    external_id: str = shown("The shop's own id of the order. REQUIRED, TOO_LONG.")
    number: str | None = optional("The number that people know it by; left out, the external id. TOO_LONG.")
    store_code: str | None = optional("Where it was placed; left out, the default store. NOT_FOUND, INVALID_STATE.")
    customer: OrderCustomerInput | None = optional("Who bought. Left out: a guest, found by number and contact e-mail.")
    placed_at: datetime = shown("When the buyer placed it, 1970 to now. INVALID.")
    cancelled_at: datetime | None = optional("When it was called off as a whole. INVALID.")
    currency_code: CurrencyCode = shown("The currency of all its amounts. INVALID.")
    shipping_country: CountryCode | None = optional("Where it goes. INVALID.")
    lines: list[OrderLineInput] = shown("What was bought, 1 to 5,000 lines. REQUIRED, TOO_LONG, INVALID_STATE.")
    shipping_total: Decimal | None = optional("What shipping costs, tax included; left out, 0. INVALID.")
    discount_total: Decimal | None = optional("What is taken off the whole order; left out, 0. INVALID.")
    tax_total: Decimal | None = optional("The tax that all these amounts include; left out, 0. INVALID.")
    paid: Decimal | None = optional("What was paid; left out, the total. INVALID.")
    sequence: int | None = optional("The shop's own counter of changes: an older one is ignored. INVALID.")

    def details(self) -> OrderDetails:
        """Return the input as the domain takes it."""
        customer = given(self.customer)
        return OrderDetails(
            external_id=self.external_id,
            number=given(self.number),
            store_code=given(self.store_code),
            buyer=None if customer is None else customer.buyer(),
            placed_at=self.placed_at,
            cancelled_at=given(self.cancelled_at),
            currency_code=self.currency_code,
            shipping_country=given(self.shipping_country),
            lines=[line.details() for line in self.lines],
            shipping_total=given(self.shipping_total),
            discount_total=given(self.discount_total),
            tax_total=given(self.tax_total),
            paid=given(self.paid),
            sequence=given(self.sequence),
        )


@strawberry.input(description="How many pieces of an order line are in a delivery.")
class DeliveryLineInput:
    """See the description."""

    order_line_id: strawberry.ID | None = optional("The line; either this or `orderLineExternalId`. NOT_FOUND.")
    order_line_external_id: str | None = optional("The shop's own id of the line. NOT_FOUND, REQUIRED.")
    quantity: int = shown("Pieces, 1 to 1,000,000. INVALID, QUANTITY_EXCEEDED.")


@strawberry.input(
    description="A delivery, as the shop knows it now. Of a known one, what is left out stays; null empties."
)
class DeliveryRecordInput:
    """See the description."""

    order_id: strawberry.ID | None = optional("The order; either this or `orderExternalId`. NOT_FOUND, REQUIRED.")
    order_external_id: str | None = optional("The shop's own id of the order. NOT_FOUND, REQUIRED.")
    external_id: str = shown("The shop's own id of the delivery, unique within its order. REQUIRED, TOO_LONG.")
    carrier: str | None = optional("Who carries it. TOO_LONG.")
    tracking_number: str | None = optional("The carrier's number. TOO_LONG.")
    tracking_url: URL | None = optional("Where the parcel can be followed. INVALID.")
    shipped_at: datetime | None = optional("When it left. INVALID.")
    delivered_at: datetime | None = optional("When it arrived; not before it left. INVALID.")
    lines: list[DeliveryLineInput] | None = optional(
        "What is in it. Left out: every line in full, for a delivery that is new; of a known one nothing changes."
    )

    def order_key(self) -> UUID | None:
        """Return the key of the order that is named by id. Raises `NotFound`."""
        order_id = given(self.order_id)
        return None if order_id is None else required_key(order_id, "Order", "order_id")

    def details(self) -> DeliveryDetails:
        """Return the input as the domain takes it. Raises `NotFound` for an id that is no order line's."""
        lines = given(self.lines)
        return DeliveryDetails(
            external_id=self.external_id,
            carrier=change(self.carrier),
            tracking_number=change(self.tracking_number),
            tracking_url=change(self.tracking_url),
            shipped_at=change(self.shipped_at),
            delivered_at=change(self.delivered_at),
            lines=None if lines is None else [_delivered(index, line) for index, line in enumerate(lines)],
        )


def _delivered(index: int, line: DeliveryLineInput) -> DeliveredLine:
    line_id = given(line.order_line_id)
    return DeliveredLine(
        quantity=line.quantity,
        order_line_id=None if line_id is None else required_key(line_id, "OrderLine", "lines", index, "order_line_id"),
        order_line_external_id=given(line.order_line_external_id),
    )


@strawberry.input(description="One article of a credit note. Quantity and amounts are positive: they are given back.")
class CreditNoteLineInput:
    """See the description."""

    external_id: str | None = optional("The shop's own id of the line.")
    sku: str = shown("The shop's code of the article. REQUIRED, TOO_LONG.")
    title: str = shown("What the article is called, at most 500 characters; blank, the SKU is shown. TOO_LONG.")
    quantity: int = shown("Pieces given back, 1 to 1,000,000. INVALID.")
    unit_price: Decimal = shown("What is given back for one piece, at most four decimals. INVALID.")
    total: Decimal | None = optional("What is given back for the line; left out, quantity by price. INVALID.")

    def details(self) -> LineDetails:
        """Return the input as the domain takes it."""
        return LineDetails(
            external_id=given(self.external_id),
            sku=self.sku,
            title=self.title,
            quantity=self.quantity,
            unit_price=self.unit_price,
            total=given(self.total),
        )


@strawberry.input(
    description="The whole credit note as the shop knows it now; sent again it replaces, by its `externalId`."
)
class CreditNoteUpsertInput:
    """See the description."""

    external_id: str = shown("The shop's own id of the credit note. REQUIRED, TOO_LONG.")
    number: str | None = optional("The number that people know it by; left out, the external id. TOO_LONG.")
    customer: OrderCustomerInput | None = optional(
        "Whose it is, where no order is named: an order's customer is known."
    )
    order_id: strawberry.ID | None = optional(
        "The order that it is about; either this, `orderExternalId` or neither. NOT_FOUND."
    )
    order_external_id: str | None = optional("The shop's own id of that order. NOT_FOUND, INVALID.")
    issued_at: datetime = shown("When it was issued, 1970 to now. INVALID.")
    currency_code: CurrencyCode = shown("The currency of all its amounts; the order's, where one is named. INVALID.")
    lines: list[CreditNoteLineInput] = shown("What is given back, 1 to 5,000 lines. REQUIRED, TOO_LONG.")
    sequence: int | None = optional("The shop's own counter of changes: an older one is ignored. INVALID.")

    def details(self) -> CreditNoteDetails:
        """Return the input as the domain takes it. Raises `NotFound` for an id that is no order's."""
        customer = given(self.customer)
        order_id = given(self.order_id)
        return CreditNoteDetails(
            external_id=self.external_id,
            number=given(self.number),
            buyer=None if customer is None else customer.buyer(),
            order_id=None if order_id is None else required_key(order_id, "Order", "order_id"),
            order_external_id=given(self.order_external_id),
            issued_at=self.issued_at,
            currency_code=self.currency_code,
            lines=[line.details() for line in self.lines],
            sequence=given(self.sequence),
        )


@strawberry.input(description="Which orders: those to which all of this applies.")
class OrderFilter:
    """See the description."""

    customer_id: strawberry.ID | None = optional("Bought by this customer.")
    store_code: list[str] | None = optional("Placed in one of these stores.")
    placed_after: datetime | None = optional("Placed after this instant.")
    placed_before: datetime | None = optional("Placed before this instant.")
    search: str | None = optional("The beginning of a number, a whole external id or a whole contact e-mail address.")

    def wanted(self, stores_by_code: dict[str, UUID]) -> Wanted | None:
        """Return the filter as the domain takes it, None where nothing can match. Raises `Invalid`, `TooLong`."""
        customer_id, codes = given(self.customer_id), given(self.store_code) or None
        customer_key = None if customer_id is None else key_of(customer_id, "Customer")
        if customer_id is not None and customer_key is None:
            return None
        if codes is not None:
            check_length(codes, count_max=FILTER_VALUES_MAX)
        search = clean_optional(given(self.search), length_max=SEARCH_LENGTH_MAX)
        known = (stores_by_code.get(code.strip().lower()) for code in codes or ())
        return Wanted(
            customer_id=customer_key,
            store_ids=None if codes is None else [key for key in known if key is not None],
            placed_after=given(self.placed_after),
            placed_before=given(self.placed_before),
            search=search,
            email_key=None if search is None else email_key(search),
        )
