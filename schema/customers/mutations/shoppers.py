"""Shoppers who register, prove an address, or are brought by the shop's server."""

from uuid import UUID

import strawberry

from domain.base.work import Work
from domain.customers.actions.customer_tokens import create_customer_token
from domain.customers.actions.registration import confirm_registration, register
from domain.customers.actions.verification import send_identity_code
from domain.customers.actions.visitors import welcome_visitor
from domain.identity.actions.sessions import SignedIn
from domain.identity.rules import check_duration
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.ids import global_id, required_key
from schema.base.writes import attempt
from schema.customers.inputs.shoppers import (
    CustomerIdentityCodeSendInput,
    CustomerRegisterConfirmInput,
    CustomerRegisterInput,
    CustomerTokenCreateInput,
    VisitorSessionCreateInput,
)
from schema.customers.types.identities import load_identities
from schema.customers.types.shoppers import (
    CustomerIdentityCodeSendPayload,
    CustomerRegisterConfirmPayload,
    CustomerRegisterPayload,
    CustomerTokenCreatePayload,
    VisitorSessionCreatePayload,
)
from schema.identity.mutations.sessions import enter
from schema.identity.types.sessions import Session


@strawberry.type
class ShopperMutations:
    """Root fields by which shoppers come in."""

    @strawberry.mutation(
        description=(
            "A guest's session: they may chat, and keep the conversation when they register or sign in with its token "
            "sent along; then the session ends. RATE_LIMITED after sixty from one address in an hour."
        )
    )
    async def visitor_session_create(
        self,
        info: Info,
        input: Input[VisitorSessionCreateInput],  # noqa: A002
    ) -> VisitorSessionCreatePayload | None:
        """Let a guest in."""
        works, caller = info.context.works, info.context.caller
        found = await enter(info, lambda: welcome_visitor(works, locale=given(input.locale), caller=caller))
        if not isinstance(found, Session):
            return VisitorSessionCreatePayload(session=None, user_errors=found)
        return VisitorSessionCreatePayload(session=found, user_errors=[])

    @strawberry.mutation(
        description=(
            "Registers a shopper: sends a code to their address, with which they finish. The answer is the same for a "
            "known address, whose owner is told so by mail. RATE_LIMITED after five mails in an hour."
        )
    )
    async def customer_register(
        self,
        info: Info,
        input: Input[CustomerRegisterInput],  # noqa: A002
    ) -> CustomerRegisterPayload | None:
        """Begin a registration."""
        works, caller = info.context.works, info.context.caller
        refused = await attempt(info, lambda: register(works, registration=input.registration(), caller=caller))
        if refused is not None:
            return CustomerRegisterPayload(verification_sent=None, user_errors=refused)
        return CustomerRegisterPayload(verification_sent=True, user_errors=[])

    @strawberry.mutation(
        description=(
            "Finishes a registration with the code from the mail, and signs in: as the customer who is known by the "
            "address, or a new one."
        )
    )
    async def customer_register_confirm(
        self,
        info: Info,
        input: Input[CustomerRegisterConfirmInput],  # noqa: A002
    ) -> CustomerRegisterConfirmPayload | None:
        """Finish a registration."""
        works, caller = info.context.works, info.context.caller
        found = await enter(
            info, lambda: confirm_registration(works, email=input.email, code=input.code, caller=caller)
        )
        if not isinstance(found, Session):
            return CustomerRegisterConfirmPayload(session=None, user_errors=found)
        return CustomerRegisterConfirmPayload(session=found, user_errors=[])

    @strawberry.mutation(
        description=(
            "For the shop's own server, which has signed the customer in itself: a short-lived token with which a "
            "storefront or app acts as this one customer. Needs `tokens:write`."
        )
    )
    async def customer_token_create(
        self,
        info: Info,
        input: Input[CustomerTokenCreateInput],  # noqa: A002
    ) -> CustomerTokenCreatePayload | None:
        """Mint a token."""
        context = info.context

        async def story(work: Work) -> SignedIn:
            named = given(input.customer_id)
            return await create_customer_token(
                work,
                customer_id=None if named is None else required_key(named, "Customer", "customer_id"),
                external_id=given(input.external_id),
                lifetime=check_duration(given(input.expires_in)),
            )

        made = await attempt(
            info,
            lambda: context.works.perform(
                story, actor=context.actor, action="customerTokenCreate", request_id=context.request_id
            ),
        )
        if not isinstance(made, SignedIn):
            return CustomerTokenCreatePayload(access_token=None, expires_at=None, session_id=None, user_errors=made)
        return CustomerTokenCreatePayload(
            access_token=made.access_token,
            expires_at=made.access_token_expires_at,
            session_id=global_id("Session", made.session_id),
            user_errors=[],
        )

    @strawberry.mutation(
        description=(
            "Sends a code to an e-mail identity, which `customerIdentityVerify` takes. A shopper to their own; others "
            "need `customers:write`."
        )
    )
    async def customer_identity_code_send(
        self,
        info: Info,
        input: Input[CustomerIdentityCodeSendInput],  # noqa: A002
    ) -> CustomerIdentityCodeSendPayload | None:
        """Send a code."""
        works, caller = info.context.works, info.context.caller

        async def act() -> UUID:
            key = required_key(input.identity_id, "CustomerIdentity", "identity_id")
            return await send_identity_code(works, identity_id=key, caller=caller)

        sent = await attempt(info, act)
        if not isinstance(sent, UUID):
            return CustomerIdentityCodeSendPayload(identity=None, user_errors=sent)
        (identity,) = await load_identities(info, [sent])
        return CustomerIdentityCodeSendPayload(identity=identity, user_errors=[])
