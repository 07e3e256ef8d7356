"""Signing in, as the API shows it."""

from datetime import datetime

import strawberry

from domain.identity.actions.sessions import SignedIn
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.identity.types.viewer import Viewer

_ERRORS = "Why it was refused; empty where it was not."
_SESSION = "The session; null where it was refused."


@strawberry.type(description="One signing in. `accessToken` is short-lived; `refreshToken` works once and is replaced.")
class Session:
    """See the description."""

    id: strawberry.ID = shown("The session's id: with it the session can be revoked.")
    access_token: str = shown("What requests send as `Authorization: Bearer …`. It counts for ten minutes.")
    access_token_expires_at: datetime = shown("When the access token counts no more: refresh a little earlier.")
    refresh_token: str = shown("What `sessionRefresh` takes, once. Keep it where other programs cannot read it.")
    viewer: Viewer = shown("Who signed in, and what they may do.")

    @classmethod
    def of(cls, signed_in: SignedIn) -> "Session":
        """Show what was handed over."""
        return cls(
            id=global_id("Session", signed_in.session_id),
            access_token=signed_in.access_token,
            access_token_expires_at=signed_in.access_token_expires_at,
            refresh_token=signed_in.refresh_token,
            viewer=Viewer.of(signed_in.actor),
        )


@strawberry.type(description="The new session, or why nobody was signed in.")
class SessionCreatePayload:
    """See the description."""

    session: Session | None = shown(_SESSION)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The session with new tokens, or why it has none.")
class SessionRefreshPayload:
    """See the description."""

    session: Session | None = shown(_SESSION)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="How many sessions ended, or why none did.")
class SessionRevokePayload:
    """See the description."""

    revoked_count: int | None = shown("Sessions that ended; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="Whether a mail is on its way; the same whether or not the address is known.")
class PasswordResetRequestPayload:
    """See the description."""

    reset_sent: bool | None = shown("True: if somebody signs in with the address, a code is on its way to it.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="The session with the new password, or why the old one still counts.")
class PasswordResetPayload:
    """See the description."""

    session: Session | None = shown(_SESSION)
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="What a device needs for one-time codes, or why it gets nothing.")
class TotpEnrolPayload:
    """See the description."""

    secret: str | None = shown("The secret in base32, to be typed into the device. Shown this once.")
    uri: str | None = shown("The same as `otpauth://…`, to be drawn as a QR code. Shown this once.")
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="One-time codes are asked for from now on, or why they are not.")
class TotpConfirmPayload:
    """See the description."""

    recovery_codes: list[str] | None = shown(
        "Ten codes for the day on which the device is lost: each signs in once instead of a one-time code. Shown this "
        "once."
    )
    user_errors: list[UserError] = shown(_ERRORS)


@strawberry.type(description="One-time codes are not asked for any more, or why they still are.")
class TotpRemovePayload:
    """See the description."""

    is_removed: bool | None = shown("True; null where it was refused.")
    user_errors: list[UserError] = shown(_ERRORS)
