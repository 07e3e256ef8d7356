"""Tokens with which a storefront or an app acts as one customer, minted by the shop's own server."""

from datetime import timedelta
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Invalid
from domain.base.work import Work
from domain.customers.errors import CustomerNotFound
from domain.customers.repository.families import list_canonical_ids
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.identities import IdentityKind
from domain.identity.actions.sessions import SignedIn, open_customer_token


async def create_customer_token(
    work: Work, *, customer_id: UUID | None, external_id: str | None, lifetime: timedelta
) -> SignedIn:
    """Let the shop's server act as one customer for a while: it has signed them in itself.

    Raises `Invalid` unless the customer is named in one way, `CustomerNotFound`. Records `SessionCreated`.
    """
    work.require(Permission.TOKENS_WRITE)
    if (customer_id is None) == (external_id is None):
        message = "Name the customer either by customerId or by externalId."
        raise Invalid(message, field=("customer_id",))
    if external_id is not None:
        found = await find_customer_by_identity(
            work.session, kind=IdentityKind.EXTERNAL_ACCOUNT, namespace="", value=external_id
        )
        if found is None:
            raise CustomerNotFound(field=("external_id",))
        return await open_customer_token(work, customer_id=found, lifetime=lifetime)
    assert customer_id is not None  # noqa: S101  one of the two is there
    canonical = await list_canonical_ids(work.session, [customer_id])
    if customer_id not in canonical:
        raise CustomerNotFound
    return await open_customer_token(work, customer_id=canonical[customer_id], lifetime=lifetime)
