"""Forgetting people, and telling them what is stored."""

from uuid import UUID

import strawberry

from domain.base.work import Work
from domain.customers.actions.confirming import confirm_password
from domain.customers.actions.erasure import erase_customer
from domain.customers.actions.exports import request_export
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.errors import UserError
from schema.base.ids import global_id, required_key
from schema.base.writes import attempt, once_for, write
from schema.customers.inputs.privacy import CustomerEraseInput, CustomerExportInput
from schema.customers.types.exports import CustomerErasePayload, CustomerExportPayload, load_exports


@strawberry.type
class PrivacyMutations:
    """Root fields about what is kept of a person."""

    @strawberry.mutation(
        description=(
            "Erases all that is known of a person, with everybody whom they absorbed, for good. Orders stay for the "
            "books, without the person. A second time it answers the same. Needs `privacy:write`; shoppers erase "
            "themselves."
        )
    )
    async def customer_erase(self, info: Info, input: Input[CustomerEraseInput]) -> CustomerErasePayload | None:  # noqa: A002
        """Erase a person."""

        async def story(work: Work) -> UUID:
            return await erase_customer(work, customer_id=_named(input.customer_id))

        refused = await _confirm(info, given(input.password))
        written = refused or await write(info, "customerErase", story)
        if not isinstance(written, UUID):
            return CustomerErasePayload(erased_customer_id=None, user_errors=written)
        return CustomerErasePayload(erased_customer_id=global_id("Customer", written), user_errors=[])

    @strawberry.mutation(
        description=(
            "Has everything written down that is stored about a person, with everybody whom they absorbed. It is "
            "ready after a while: read it again by `node`. RATE_LIMITED while ten about this person are kept. Needs "
            "`privacy:write`; shoppers have it of themselves."
        )
    )
    async def customer_export(self, info: Info, input: Input[CustomerExportInput]) -> CustomerExportPayload | None:  # noqa: A002
        """Ask for an export."""

        async def story(work: Work) -> UUID:
            return await request_export(work, customer_id=_named(input.customer_id))

        once = once_for("customerExport", input, input.idempotency_key)
        written = await write(info, "customerExport", story, once=once)
        if not isinstance(written, UUID):
            return CustomerExportPayload(export=None, user_errors=written)
        (export,) = await load_exports(info, [written])
        return CustomerExportPayload(export=export, user_errors=[])


def _named(customer_id: strawberry.ID | None) -> UUID | None:
    """Return whom the input names; None where it leaves that out."""
    named = given(customer_id)
    return None if named is None else required_key(named, "Customer", "customer_id")


async def _confirm(info: Info, password: str | None) -> list[UserError]:
    """Return why a shopper may not decide this with this password; nothing for everyone else."""
    works, caller = info.context.works, info.context.caller
    return await attempt(info, lambda: confirm_password(works, password=password, caller=caller)) or []
