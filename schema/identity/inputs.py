"""What is said about the shop itself, and with what staff and shoppers come in."""

from datetime import datetime
from typing import TypeVar

import strawberry

from domain.base.changes import Change
from domain.base.errors import Required
from domain.identity.rules import StaffChanges, StaffDetails, StoreDetails
from schema.base.descriptions import change, given, optional, shown
from schema.base.scalars import CountryCode, CurrencyCode, EmailAddress, Locale, TimeZone
from schema.identity.types.staff import StaffRole as StaffRole

_Value = TypeVar("_Value")


@strawberry.input(description="A store, as it is to be. The code says which one.")
class StoreUpsertInput:
    """See the description."""

    code: str = shown("A short name of letters, digits, `-` and `_`, at most 64: `it-online`. INVALID, REQUIRED.")
    name: str = shown("What shoppers call it, at most 200 characters. REQUIRED, TOO_LONG.")
    country: CountryCode = shown("The market. INVALID.")
    locale: Locale = shown("The language in which it speaks. INVALID.")
    currency_code: CurrencyCode = shown("The currency in which it sells; it cannot change. INVALID, INVALID_STATE.")
    time_zone: TimeZone = shown("The zone by which its days begin and end. INVALID.")

    def details(self) -> StoreDetails:
        """Return the input as the domain takes it."""
        return StoreDetails(
            code=self.code,
            name=self.name,
            country=self.country,
            locale=self.locale,
            currency_code=self.currency_code,
            time_zone=self.time_zone,
        )


@strawberry.input(description="A key for a program.")
class ApiKeyCreateInput:
    """See the description."""

    name: str = shown("What the key is for, at most 200 characters. REQUIRED, TOO_LONG.")
    permissions: list[str] = shown(
        "What it may do, such as `customers:read`. INVALID for an unknown one; FORBIDDEN for what the caller may not."
    )
    expires_at: datetime | None = optional("When it opens no door any more; left out, never. INVALID in the past.")
    idempotency_key: str | None = optional(
        "Makes a repeated call harmless: the same key and input get the same API key for 7 days, without its secret. "
        "IDEMPOTENCY_MISMATCH."
    )


@strawberry.input(description="A key that is to open no door any more.")
class ApiKeyRevokeInput:
    """See the description."""

    api_key_id: strawberry.ID = shown("Which one. NOT_FOUND.")


@strawberry.input(description="A new member of staff.")
class StaffMemberCreateInput:
    """See the description."""

    email: EmailAddress = shown("The address with which they sign in. INVALID, TAKEN.")
    name: str = shown("Their full name, at most 200 characters; shoppers see its first word. REQUIRED, TOO_LONG.")
    password: str = shown("From 12 to 256 characters; they can change it by mail. INVALID, TOO_LONG.")
    role: StaffRole = shown("What they may do. FORBIDDEN for a role that may do more than the caller.")
    store_codes: list[str] | None = optional(
        "The stores they see, by their codes, at most 50. Left out: every store. NOT_FOUND, TOO_LONG."
    )
    languages: list[Locale] | None = optional("The languages they serve in, the best first, at most 50. INVALID.")
    skills: list[str] | None = optional("What they know about, at most 50 words. TOO_LONG.")
    idempotency_key: str | None = optional(
        "Makes a repeated call harmless: the same key and input get the same member for 7 days; the password is no "
        "part of the input. IDEMPOTENCY_MISMATCH."
    )

    def details(self) -> StaffDetails:
        """Return the input as the domain takes it."""
        return StaffDetails(
            email=self.email,
            name=self.name,
            role=self.role,
            store_codes=given(self.store_codes) or (),
            languages=given(self.languages) or (),
            skills=given(self.skills) or (),
        )


@strawberry.input(description="What is to be different of a member of staff. Left out means unchanged.")
class StaffMemberUpdateInput:
    """See the description."""

    staff_member_id: strawberry.ID = shown("Who. NOT_FOUND; FORBIDDEN where they may do more than the caller.")
    name: str | None = optional("Their full name. REQUIRED, TOO_LONG.")
    role: StaffRole | None = optional(
        "What they may do, within 2 seconds. FORBIDDEN for a role that may do more than the caller; INVALID_STATE for "
        "the last active ADMIN; REQUIRED for null."
    )
    store_codes: list[str] | None = optional("The stores they see; null or empty: every store. NOT_FOUND, TOO_LONG.")
    languages: list[Locale] | None = optional("The languages they serve in, the best first. INVALID, TOO_LONG.")
    skills: list[str] | None = optional("What they know about. TOO_LONG.")
    is_active: bool | None = optional(
        "Whether they may sign in; false ends all their sessions. INVALID_STATE for the last active ADMIN."
    )

    def changes(self) -> StaffChanges:
        """Return the input as the domain takes it. Raises `Required` for what cannot be emptied."""
        return StaffChanges(
            name=_kept(self.name, "name"),
            role=_kept(self.role, "role"),
            store_codes=change(self.store_codes),
            languages=change(self.languages),
            skills=change(self.skills),
            is_active=_kept(self.is_active, "is_active"),
        )


def _kept(value: _Value | None, field: str) -> Change[_Value]:
    """Return the change of what always has a value."""
    if value is None:
        message = "This cannot be emptied; leave it out to keep it."
        raise Required(message, field=(field,))
    return change(value)


@strawberry.input(description="With what somebody signs in: a member of staff or a shopper.")
class SessionCreateInput:
    """See the description."""

    email: EmailAddress = shown("The address, compared without case.")
    password: str = shown("The password. BAD_CREDENTIALS, which does not say what is wrong.")
    otp: str | None = optional(
        "The one-time code of a device, or a recovery code, for staff who use one. OTP_REQUIRED, BAD_CREDENTIALS."
    )


@strawberry.input(description="What a session is prolonged with.")
class SessionRefreshInput:
    """See the description."""

    refresh_token: str = shown(
        "The newest refresh token. It works once, and for 10 seconds again where the answer got lost; later the whole "
        "session is revoked. BAD_CREDENTIALS."
    )


@strawberry.input(description="Which sessions are to end. Without anything: the one that the request came with.")
class SessionRevokeInput:
    """See the description."""

    session_id: strawberry.ID | None = optional("One of the caller's own sessions. NOT_FOUND.")
    everywhere: bool = strawberry.field(description="All of the caller's sessions, on every device.", default=False)


@strawberry.input(description="Whose password is forgotten.")
class PasswordResetRequestInput:
    """See the description."""

    email: EmailAddress = shown("The address with which they sign in. INVALID, RATE_LIMITED.")


@strawberry.input(description="A new password, with the code from the mail.")
class PasswordResetInput:
    """See the description."""

    email: EmailAddress = shown("The address to which the code went.")
    code: str = shown("The code, at most 15 minutes old; five wrong ones end it. CODE_INVALID, RATE_LIMITED.")
    new_password: str = shown("From 8 (staff: 12) to 256 characters. INVALID, TOO_LONG.")
    otp: str | None = optional("The one-time code of a device, for staff who use one. OTP_REQUIRED, CODE_INVALID.")


@strawberry.input(description="For taking a device into use that shows one-time codes.")
class TotpEnrolInput:
    """See the description."""

    password: str = shown("The caller's password, once more. BAD_CREDENTIALS, RATE_LIMITED.")


@strawberry.input(description="For asking for one-time codes from now on.")
class TotpConfirmInput:
    """See the description."""

    otp: str = shown("What the device shows now. CODE_INVALID.")


@strawberry.input(description="For asking for one-time codes no more.")
class TotpRemoveInput:
    """See the description."""

    password: str = shown("The caller's password, once more. BAD_CREDENTIALS, RATE_LIMITED.")
    otp: str = shown("What the device shows now, or a recovery code. CODE_INVALID.")
