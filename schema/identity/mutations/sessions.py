"""Signing in, staying signed in, signing out."""

from collections.abc import Awaitable, Callable, Sequence

import strawberry

from domain.base.events import Event
from domain.base.work import Work
from domain.identity.actions.one_time import confirm_totp, enrol_totp, remove_totp
from domain.identity.actions.passwords import request_password_reset, reset_password
from domain.identity.actions.revoking import revoke_sessions
from domain.identity.actions.sessions import SignedIn, refresh_session
from domain.identity.actions.signing_in import sign_in
from domain.identity.events import SessionRevoked
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.errors import UserError
from schema.base.ids import required_key
from schema.base.writes import attempt
from schema.identity.inputs import (
    PasswordResetInput,
    PasswordResetRequestInput,
    SessionCreateInput,
    SessionRefreshInput,
    SessionRevokeInput,
    TotpConfirmInput,
    TotpEnrolInput,
    TotpRemoveInput,
)
from schema.identity.types.sessions import (
    PasswordResetPayload,
    PasswordResetRequestPayload,
    Session,
    SessionCreatePayload,
    SessionRefreshPayload,
    SessionRevokePayload,
    TotpConfirmPayload,
    TotpEnrolPayload,
    TotpRemovePayload,
)


async def enter(info: Info, act: Callable[[], Awaitable[SignedIn]]) -> Session | list[UserError]:
    """Return the session that somebody gets; what the request reads from here on, it reads as them."""
    signed_in = await attempt(info, act)
    if not isinstance(signed_in, SignedIn):
        return signed_in
    info.context.actor = signed_in.actor
    return Session.of(signed_in)


@strawberry.type
class SessionMutations:
    """Root fields by which staff and shoppers come and go."""

    @strawberry.mutation(
        description=(
            "Signs in a member of staff or a shopper. BAD_CREDENTIALS for any wrong part; OTP_REQUIRED; RATE_LIMITED "
            "after ten failures, or sixty sign-ins, of one account in a quarter of an hour."
        )
    )
    async def session_create(self, info: Info, input: Input[SessionCreateInput]) -> SessionCreatePayload | None:  # noqa: A002
        """Sign in."""
        works, caller = info.context.works, info.context.caller
        otp = given(input.otp)
        found = await enter(
            info, lambda: sign_in(works, email=input.email, password=input.password, otp=otp, caller=caller)
        )
        if not isinstance(found, Session):
            return SessionCreatePayload(session=None, user_errors=found)
        return SessionCreatePayload(session=found, user_errors=[])

    @strawberry.mutation(
        description="Gives a session new tokens: send the newest refresh token, a little before the access token ends."
    )
    async def session_refresh(self, info: Info, input: Input[SessionRefreshInput]) -> SessionRefreshPayload | None:  # noqa: A002
        """Prolong a session."""
        works, caller = info.context.works, info.context.caller
        found = await enter(info, lambda: refresh_session(works, refresh_token=input.refresh_token, caller=caller))
        if not isinstance(found, Session):
            return SessionRefreshPayload(session=None, user_errors=found)
        return SessionRefreshPayload(session=found, user_errors=[])

    @strawberry.mutation(
        description=(
            "Ends the caller's session, one of their others, or all: tokens open nothing any more within 2 seconds. A "
            "program ends sessions that it made with `customerTokenCreate`, by their ids."
        )
    )
    async def session_revoke(self, info: Info, input: Input[SessionRevokeInput]) -> SessionRevokePayload | None:  # noqa: A002
        """Sign out."""
        context = info.context

        async def act() -> int:
            named = given(input.session_id)
            key = None if named is None else required_key(named, "Session", "session_id")

            async def story(work: Work) -> Sequence[Event]:
                await revoke_sessions(work, session_id=key, is_everywhere=input.everywhere)
                return work.events

            # What reactions record stands among the events by then.
            events = await context.works.perform(
                story,
                actor=context.actor,
                action="sessionRevoke",
                request_id=context.request_id,
            )
            return sum(isinstance(event, SessionRevoked) for event in events)

        found = await attempt(info, act)
        if not isinstance(found, int):
            return SessionRevokePayload(revoked_count=None, user_errors=found)
        return SessionRevokePayload(revoked_count=found, user_errors=[])

    @strawberry.mutation(
        description=(
            "Sends a code to an address, if somebody signs in with it; the answer is the same if nobody does. "
            "RATE_LIMITED after five mails in an hour."
        )
    )
    async def password_reset_request(
        self,
        info: Info,
        input: Input[PasswordResetRequestInput],  # noqa: A002
    ) -> PasswordResetRequestPayload | None:
        """Ask for a code."""
        works, caller = info.context.works, info.context.caller
        refused = await attempt(info, lambda: request_password_reset(works, email=input.email, caller=caller))
        if refused is not None:
            return PasswordResetRequestPayload(reset_sent=None, user_errors=refused)
        return PasswordResetRequestPayload(reset_sent=True, user_errors=[])

    @strawberry.mutation(
        description="Sets a new password with the code from the mail, signs in, and ends all other sessions."
    )
    async def password_reset(self, info: Info, input: Input[PasswordResetInput]) -> PasswordResetPayload | None:  # noqa: A002
        """Set a new password."""
        works, caller = info.context.works, info.context.caller
        found = await enter(
            info,
            lambda: reset_password(
                works,
                email=input.email,
                code=input.code,
                new_password=input.new_password,
                otp=given(input.otp),
                caller=caller,
            ),
        )
        if not isinstance(found, Session):
            return PasswordResetPayload(session=None, user_errors=found)
        return PasswordResetPayload(session=found, user_errors=[])

    @strawberry.mutation(
        description="Gives a member of staff a secret for a device that shows one-time codes; confirm it then."
    )
    async def totp_enrol(self, info: Info, input: Input[TotpEnrolInput]) -> TotpEnrolPayload | None:  # noqa: A002
        """Take a device into use."""
        works, caller = info.context.works, info.context.caller
        found = await attempt(info, lambda: enrol_totp(works, password=input.password, caller=caller))
        if isinstance(found, list):
            return TotpEnrolPayload(secret=None, uri=None, user_errors=found)
        return TotpEnrolPayload(secret=found.secret, uri=found.uri, user_errors=[])

    @strawberry.mutation(description="Asks the caller for one-time codes at each sign-in from now on.")
    async def totp_confirm(self, info: Info, input: Input[TotpConfirmInput]) -> TotpConfirmPayload | None:  # noqa: A002
        """Confirm the device."""
        context = info.context
        found = await attempt(
            info,
            lambda: context.works.perform(
                lambda work: confirm_totp(work, otp=input.otp),
                actor=context.actor,
                action="totpConfirm",
                request_id=context.request_id,
            ),
        )
        if isinstance(found, list):
            return TotpConfirmPayload(recovery_codes=None, user_errors=found)
        return TotpConfirmPayload(recovery_codes=list(found), user_errors=[])

    @strawberry.mutation(description="Asks the caller for one-time codes no more.")
    async def totp_remove(self, info: Info, input: Input[TotpRemoveInput]) -> TotpRemovePayload | None:  # noqa: A002
        """Give up the device."""
        works, caller = info.context.works, info.context.caller
        refused = await attempt(info, lambda: remove_totp(works, password=input.password, otp=input.otp, caller=caller))
        if refused is not None:
            return TotpRemovePayload(is_removed=None, user_errors=refused)
        return TotpRemovePayload(is_removed=True, user_errors=[])
