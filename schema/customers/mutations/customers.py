"""Changing customers."""

from uuid import UUID

import strawberry

from domain.base.errors import Required
from domain.base.work import Work
from domain.customers.actions.attributes import upsert_definition
from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import (
    add_identity,
    share_identity,
    take_identity_away,
    verify_identity,
)
from domain.customers.actions.merges import merge_customers, reject_merge, unmerge_customers
from domain.customers.actions.profiles import create_customer, update_customer
from domain.customers.actions.verification import verify_by_code
from domain.customers.errors import IdentityNotFound
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.errors import UserError, user_errors
from schema.base.ids import required_key
from schema.base.writes import attempt, once_for, write
from schema.customers.inputs.customers import (
    ConsentRecordInput,
    CustomerAttributeDefinitionUpsertInput,
    CustomerCreateInput,
    CustomerIdentityAddInput,
    CustomerIdentityRemoveInput,
    CustomerIdentityUpdateInput,
    CustomerIdentityVerifyInput,
    CustomerMergeInput,
    CustomerMergeRejectInput,
    CustomerUnmergeInput,
    CustomerUpdateInput,
)
from schema.customers.types.attributes import load_definitions
from schema.customers.types.consents import load_consents
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.identities import CustomerIdentity, load_identities
from schema.customers.types.merges import load_merges
from schema.customers.types.payloads import (
    ConsentRecordPayload,
    CustomerAttributeDefinitionUpsertPayload,
    CustomerCreatePayload,
    CustomerIdentityAddPayload,
    CustomerIdentityRemovePayload,
    CustomerIdentityUpdatePayload,
    CustomerIdentityVerifyPayload,
    CustomerMergePayload,
    CustomerMergeRejectPayload,
    CustomerUnmergePayload,
    CustomerUpdatePayload,
)


@strawberry.type
class CustomerMutations:
    """Root fields that change customers."""

    @strawberry.mutation(description="Adds a customer whom nobody knew. Needs `customers:write`.")
    async def customer_create(self, info: Info, input: Input[CustomerCreateInput]) -> CustomerCreatePayload | None:  # noqa: A002
        """Add a customer."""
        written = await write(
            info,
            "customerCreate",
            lambda work: create_customer(work, details=input.details()),
            once=once_for("customerCreate", input, input.idempotency_key),
        )
        if not isinstance(written, UUID):
            return CustomerCreatePayload(customer=None, user_errors=written)
        (customer,) = await load_customers(info, [written])
        return CustomerCreatePayload(customer=customer, user_errors=[])

    @strawberry.mutation(description="Changes what is known of a customer. Needs `customers:write`.")
    async def customer_update(self, info: Info, input: Input[CustomerUpdateInput]) -> CustomerUpdatePayload | None:  # noqa: A002
        """Change a customer."""

        async def story(work: Work) -> UUID:
            return await update_customer(
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

    @strawberry.mutation(
        description=(
            "Notes by what else a customer may be recognised; it identifies them once it is verified. Known already, "
            "it changes nothing. Needs `customers:write`."
        )
    )
    async def customer_identity_add(
        self,
        info: Info,
        input: Input[CustomerIdentityAddInput],  # noqa: A002
    ) -> CustomerIdentityAddPayload | None:
        """Add an identity."""

        async def story(work: Work) -> UUID:
            return await add_identity(
                work,
                customer_id=required_key(input.customer_id, "Customer", "customer_id"),
                kind=input.kind,
                namespace=given(input.namespace),
                value=input.value,
                is_shared=input.is_shared,
            )

        once = once_for("customerIdentityAdd", input, input.idempotency_key)
        written = await write(info, "customerIdentityAdd", story, once=once)
        if not isinstance(written, UUID):
            return CustomerIdentityAddPayload(identity=None, customer=None, user_errors=written)
        identity, customer = await _identity_and_customer(info, written)
        gone = user_errors(IdentityNotFound()) if identity is None else []  # taken away since this key was answered
        return CustomerIdentityAddPayload(identity=identity, customer=customer, user_errors=gone)

    @strawberry.mutation(
        description=(
            "Vouches that an identity is the customer's: from now on they are recognised by it. Needs "
            "`customers:write`; with the code that was sent to it, a shopper verifies their own."
        )
    )
    async def customer_identity_verify(
        self,
        info: Info,
        input: Input[CustomerIdentityVerifyInput],  # noqa: A002
    ) -> CustomerIdentityVerifyPayload | None:
        """Verify an identity."""
        code = given(input.code)
        written = await (_vouch(info, input.identity_id) if code is None else _prove(info, input, code))
        if not isinstance(written, UUID):
            return CustomerIdentityVerifyPayload(identity=None, customer=None, user_errors=written)
        identity, customer = await _identity_and_customer(info, written)
        return CustomerIdentityVerifyPayload(identity=identity, customer=customer, user_errors=[])

    @strawberry.mutation(description="Says whether several people use an identity. Needs `customers:write`.")
    async def customer_identity_update(
        self,
        info: Info,
        input: Input[CustomerIdentityUpdateInput],  # noqa: A002
    ) -> CustomerIdentityUpdatePayload | None:
        """Change an identity."""

        async def story(work: Work) -> UUID:
            key = required_key(input.identity_id, "CustomerIdentity", "identity_id")
            return await share_identity(work, identity_id=key, is_shared=input.is_shared)

        written = await write(info, "customerIdentityUpdate", story)
        if not isinstance(written, UUID):
            return CustomerIdentityUpdatePayload(identity=None, customer=None, user_errors=written)
        identity, customer = await _identity_and_customer(info, written)
        return CustomerIdentityUpdatePayload(identity=identity, customer=customer, user_errors=[])

    @strawberry.mutation(
        description=(
            "Takes an identity away: the customer is recognised by it no longer, and where their profile shows it, it "
            "shows it no longer. Needs `customers:write`."
        )
    )
    async def customer_identity_remove(
        self,
        info: Info,
        input: Input[CustomerIdentityRemoveInput],  # noqa: A002
    ) -> CustomerIdentityRemovePayload | None:
        """Remove an identity."""

        async def story(work: Work) -> UUID:
            key = required_key(input.identity_id, "CustomerIdentity", "identity_id")
            return await take_identity_away(work, identity_id=key)

        written = await write(info, "customerIdentityRemove", story)
        if not isinstance(written, UUID):
            return CustomerIdentityRemovePayload(removed_identity_id=None, customer=None, user_errors=written)
        (customer,) = await load_customers(info, [written])
        return CustomerIdentityRemovePayload(removed_identity_id=input.identity_id, customer=customer, user_errors=[])

    @strawberry.mutation(
        description=(
            "Shows two customers as one: reads gather over both. It rewrites nothing, so undoing it is exact. The same "
            "merge again changes nothing. Needs `customers:write`."
        )
    )
    async def customer_merge(self, info: Info, input: Input[CustomerMergeInput]) -> CustomerMergePayload | None:  # noqa: A002
        """Merge two customers."""

        async def story(work: Work) -> UUID:
            return await merge_customers(
                work,
                survivor_id=required_key(input.survivor_id, "Customer", "survivor_id"),
                absorbed_id=required_key(input.absorbed_id, "Customer", "absorbed_id"),
                reason=given(input.reason),
            )

        written = await write(info, "customerMerge", story)
        if not isinstance(written, UUID):
            return CustomerMergePayload(customer=None, merge=None, user_errors=written)
        (merge,) = await load_merges(info, [written])
        (customer,) = await load_customers(info, [merge.survivor_key]) if merge is not None else (None,)
        return CustomerMergePayload(customer=customer, merge=merge, user_errors=[])

    @strawberry.mutation(
        description=(
            "Takes a merge back: every answer is as before, and what came in meanwhile is with whom it came in "
            "through. Needs `customers:write`."
        )
    )
    async def customer_unmerge(self, info: Info, input: Input[CustomerUnmergeInput]) -> CustomerUnmergePayload | None:  # noqa: A002
        """Undo a merge."""

        async def story(work: Work) -> UUID:
            key = required_key(input.merge_id, "CustomerMerge", "merge_id")
            return await unmerge_customers(work, merge_id=key, reason=given(input.reason))

        written = await write(info, "customerUnmerge", story)
        if not isinstance(written, UUID):
            return CustomerUnmergePayload(survivor=None, absorbed=None, user_errors=written)
        (merge,) = await load_merges(info, [written])
        keys = [] if merge is None else [merge.survivor_key, merge.absorbed_key]
        survivor, absorbed = await load_customers(info, keys)
        return CustomerUnmergePayload(survivor=survivor, absorbed=absorbed, user_errors=[])

    @strawberry.mutation(
        description=(
            "Decides that two customers who were proposed are two: they are proposed again on new verified evidence "
            "only. Needs `customers:write`."
        )
    )
    async def customer_merge_reject(
        self,
        info: Info,
        input: Input[CustomerMergeRejectInput],  # noqa: A002
    ) -> CustomerMergeRejectPayload | None:
        """Reject a proposal."""

        async def story(work: Work) -> UUID:
            key = required_key(input.merge_id, "CustomerMerge", "merge_id")
            return await reject_merge(work, merge_id=key, reason=given(input.reason))

        written = await write(info, "customerMergeReject", story)
        if not isinstance(written, UUID):
            return CustomerMergeRejectPayload(merge=None, user_errors=written)
        (merge,) = await load_merges(info, [written])
        return CustomerMergeRejectPayload(merge=merge, user_errors=[])

    @strawberry.mutation(
        description=(
            "Adds a decision to the customer's ledger of consents, from which nothing is taken. Needs "
            "`customers:write`."
        )
    )
    async def consent_record(self, info: Info, input: Input[ConsentRecordInput]) -> ConsentRecordPayload | None:  # noqa: A002
        """Record a consent."""

        async def story(work: Work) -> UUID:
            named = given(input.customer_id)
            key = work.actor.customer_id if named is None else required_key(named, "Customer", "customer_id")
            if key is None:
                message = "Say whose decision it is."
                raise Required(message, field=("customer_id",))
            return await record_consent(work, customer_id=key, details=input.details())

        once = once_for("consentRecord", input, input.idempotency_key)
        written = await write(info, "consentRecord", story, once=once)
        if not isinstance(written, UUID):
            return ConsentRecordPayload(consent=None, customer=None, user_errors=written)
        (consent,) = await load_consents(info, [written])
        (customer,) = await load_customers(info, [] if consent is None else [consent.customer_key])
        return ConsentRecordPayload(consent=consent, customer=customer, user_errors=[])

    @strawberry.mutation(
        description=(
            "Defines an attribute that the organisation wants to know of its customers, or changes the one with this "
            "key; at most 100. Needs `attributes:write`."
        )
    )
    async def customer_attribute_definition_upsert(
        self,
        info: Info,
        input: Input[CustomerAttributeDefinitionUpsertInput],  # noqa: A002
    ) -> CustomerAttributeDefinitionUpsertPayload | None:
        """Define an attribute."""
        written = await write(
            info,
            "customerAttributeDefinitionUpsert",
            lambda work: upsert_definition(work, details=input.details()),
        )
        if not isinstance(written, UUID):
            return CustomerAttributeDefinitionUpsertPayload(definition=None, user_errors=written)
        (definition,) = await load_definitions(info, [written])
        return CustomerAttributeDefinitionUpsertPayload(definition=definition, user_errors=[])


async def _identity_and_customer(info: Info, key: UUID) -> tuple[CustomerIdentity | None, Customer | None]:
    """Read an identity and whose it is."""
    (identity,) = await load_identities(info, [key])
    if identity is None:  # somebody took it away since
        return None, None
    (customer,) = await load_customers(info, [identity.customer_key])
    return identity, customer


async def _vouch(info: Info, identity_id: str) -> UUID | list[UserError]:
    """Verify an identity on the caller's word."""

    async def story(work: Work) -> UUID:
        key = required_key(identity_id, "CustomerIdentity", "identity_id")
        return await verify_identity(work, identity_id=key)

    return await write(info, "customerIdentityVerify", story)


async def _prove(info: Info, said: CustomerIdentityVerifyInput, code: str) -> UUID | list[UserError]:
    """Verify an identity by the code that was sent to it."""
    works, caller = info.context.works, info.context.caller

    async def act() -> UUID:
        key = required_key(said.identity_id, "CustomerIdentity", "identity_id")
        return await verify_by_code(works, identity_id=key, code=code, password=given(said.password), caller=caller)

    return await attempt(info, act)
