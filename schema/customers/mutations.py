"""Changing customers."""

from uuid import UUID

import strawberry

from domain.base.actors import Permission
from domain.base.work import Work
from domain.customers.actions import profiles
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.ids import required_key
from schema.base.writes import once_for, write
from schema.customers.inputs import CustomerCreateInput, CustomerUpdateInput
from schema.customers.types import (
    CustomerCreatePayload,
    CustomerUpdatePayload,
    load_customers,
)


@strawberry.type
class CustomerMutations:
    """Root fields that change customers."""

    @strawberry.mutation(description="Adds a customer whom nobody knew. Needs `customers:write`.")
    async def customer_create(self, info: Info, input: Input[CustomerCreateInput]) -> CustomerCreatePayload | None:  # noqa: A002
        """Add a customer."""
        info.context.require(Permission.CUSTOMERS_WRITE)
        written = await write(
            info,
            "customerCreate",
            lambda work: profiles.create_customer(work, details=input.details()),
            once=once_for("customerCreate", input, input.idempotency_key),
        )
        if not isinstance(written, UUID):
            return CustomerCreatePayload(customer=None, user_errors=written)
        (customer,) = await load_customers(info, [written])
        return CustomerCreatePayload(customer=customer, user_errors=[])

    @strawberry.mutation(description="Changes what is known of a customer. Needs `customers:write`.")
    async def customer_update(self, info: Info, input: Input[CustomerUpdateInput]) -> CustomerUpdatePayload | None:  # noqa: A002
        """Change a customer."""
        info.context.require(Permission.CUSTOMERS_WRITE)

        async def story(work: Work) -> UUID:
            return await profiles.update_customer(
                work,
                customer_id=required_key(input.customer_id, "Customer", "customer_id"),
                changes=input.changes(),
                expected_version=given(input.expected_version),
            )

        written = await write(info, "customerUpdate", story)
        if not isinstance(written, UUID):
            return CustomerUpdatePayload(customer=None, user_errors=written)
        (customer,) = await load_customers(info, [written])
        return CustomerUpdatePayload(customer=customer, user_errors=[])
