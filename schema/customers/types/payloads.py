"""What the mutations of customers answer."""

import strawberry

from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.customers.types.attributes import CustomerAttributeDefinition
from schema.customers.types.consents import Consent
from schema.customers.types.customers import Customer
from schema.customers.types.identities import CustomerIdentity
from schema.customers.types.merges import CustomerMerge

_ERRORS = "Why it was refused; empty where it was not."
_CUSTOMER = "The customer as they are now; null where the write was refused."


@strawberry.type(description="The new customer, or why there is none.")
class CustomerCreatePayload:
    """See the description."""

    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The customer as they are now, or why they were not changed.")
class CustomerUpdatePayload:
    """See the description."""

    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The identity that was added or known already, or why it was not added.")
class CustomerIdentityAddPayload:
    """See the description."""

    identity: CustomerIdentity | None = shown("The identity; null where the write was refused.")
    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The identity that is verified now, or why it is not.")
class CustomerIdentityVerifyPayload:
    """See the description."""

    identity: CustomerIdentity | None = shown("The verified identity; null where the write was refused.")
    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The identity as it is now, or why it was not changed.")
class CustomerIdentityUpdatePayload:
    """See the description."""

    identity: CustomerIdentity | None = shown("The identity; null where the write was refused.")
    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The identity that is gone, or why it is not.")
class CustomerIdentityRemovePayload:
    """See the description."""

    removed_identity_id: strawberry.ID | None = shown("The id that is gone; null where the write was refused.")
    customer: Customer | None = shown(_CUSTOMER)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The one customer that two have become, or why they have not.")
class CustomerMergePayload:
    """See the description."""

    customer: Customer | None = shown("The survivor, with what was gathered; null where the write was refused.")
    merge: CustomerMerge | None = shown("The merge, by whose id it is undone; null where the write was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The proposal that was rejected, or why it was not.")
class CustomerMergeRejectPayload:
    """See the description."""

    merge: CustomerMerge | None = shown("The merge; null where the write was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The two customers that one has become again, or why it has not.")
class CustomerUnmergePayload:
    """See the description."""

    survivor: Customer | None = shown("Who had absorbed the other; null where the write was refused.")
    absorbed: Customer | None = shown("Who had been absorbed; null where the write was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The decision as it was recorded, or why it was not.")
class ConsentRecordPayload:
    """See the description."""

    consent: Consent | None = shown("The decision; null where the write was refused.")
    customer: Customer | None = shown("The customer, whose `consents` say what counts now; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The attribute as it is defined now, or why it is not.")
class CustomerAttributeDefinitionUpsertPayload:
    """See the description."""

    definition: CustomerAttributeDefinition | None = shown("The definition; null where the write was refused.")
    user_errors: list[UserError] = shown(_ERRORS)
