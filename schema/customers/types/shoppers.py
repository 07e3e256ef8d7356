"""Shoppers who come in themselves, as the API shows them."""

from datetime import datetime

import strawberry

from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.base.extends import extends
from schema.customers.types.customers import Customer, load_customers
from schema.customers.types.identities import CustomerIdentity
from schema.identity.types.sessions import Session
from schema.identity.types.viewer import Viewer

_ERRORS = "Why it was refused; empty where it was not."


async def load_shopper(info: Info, viewer: Viewer) -> Customer | None:
    """Read the customer who asks for themselves."""
    customer_id = viewer.actor.customer_id
    return None if customer_id is None else (await load_customers(info, [customer_id]))[0]


@extends(Viewer)
@strawberry.field(description="The shopper who asks; null for everyone else.")
async def customer(root: strawberry.Parent[Viewer], info: Info) -> Customer | None:
    """Read the shopper."""
    return await load_shopper(info, root)


@strawberry.type(description="The guest's session, or why there is none.")
class VisitorSessionCreatePayload:
    """See the description."""

    session: Session | None = shown("The session; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="Whether a mail is on its way; the same whether or not the address is known.")
class CustomerRegisterPayload:
    """See the description."""

    verification_sent: bool | None = shown(
        "True: a mail is on its way to the address. A new one gets a code, a known one is told that it is known."
    )
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The session of the new shopper, or why there is none.")
class CustomerRegisterConfirmPayload:
    """See the description."""

    session: Session | None = shown("The session; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The token of a customer, or why there is none.")
class CustomerTokenCreatePayload:
    """See the description."""

    access_token: str | None = shown("What the storefront sends as `Authorization: Bearer …`; null where refused.")
    expires_at: datetime | None = shown("When it counts no more; it cannot be prolonged, but made anew.")
    session_id: strawberry.ID | None = shown("By which `sessionRevoke` ends it earlier; so does revoking the API key.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The identity to which a code is on its way, or why none is.")
class CustomerIdentityCodeSendPayload:
    """See the description."""

    identity: CustomerIdentity | None = shown("The identity; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)
