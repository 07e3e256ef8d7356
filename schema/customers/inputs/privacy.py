"""Who is to be erased or told everything."""

import strawberry

from schema.base.descriptions import optional
from schema.customers.inputs.customers import IDEMPOTENCY_KEY


@strawberry.input(description="A person of whom all that is known is to be erased, for good.")
class CustomerEraseInput:
    """See the description."""

    customer_id: strawberry.ID | None = optional("Who; a shopper leaves it out. NOT_FOUND, REQUIRED.")
    password: str | None = optional(
        "A shopper's own, where they sign in with one, so that nobody erases them from a device left open. "
        "BAD_CREDENTIALS, REQUIRED."
    )


@strawberry.input(description="A person who is to be told everything that is stored about them.")
class CustomerExportInput:
    """See the description."""

    customer_id: strawberry.ID | None = optional("Who; a shopper leaves it out. NOT_FOUND, REQUIRED.")
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)
