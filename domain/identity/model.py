"""The shop itself: its stores, its staff, and with what programs, staff and shoppers come in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.actors import StaffRole
from domain.base.columns import Document
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.identity.rules import CodePurpose, SessionKind


class Store(Base, kw_only=True):
    """Where the organisation sells: a brand in a market."""

    __tablename__ = "stores"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str]
    locale: Mapped[str]
    currency_code: Mapped[str]
    time_zone: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ApiKey(Base, kw_only=True):
    """The key of a program. Only the hash of its secret is kept: 256 random bits need no slow hash."""

    __tablename__ = "api_keys"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    permissions: Mapped[list[str]] = mapped_column(Document())
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    """To the minute: it is not written with every request."""


class StaffMember(Base, kw_only=True):
    """One who works for the organisation.

    `totp_step` is the step of the last one-time code that was taken, so that none counts twice. A secret counts from
    `totp_confirmed_at` on, when the member proved that their device has it.
    """

    __tablename__ = "staff_members"
    __table_args__ = (one_of("role", StaffRole), Index("ix_staff_members_created_at", "created_at", "id"), STRICT)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    """The address as it is compared."""
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(Document())
    skills: Mapped[list[str]] = mapped_column(Document())
    is_active: Mapped[bool] = mapped_column(default=True)
    totp_secret: Mapped[str | None] = mapped_column(default=None)
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    totp_step: Mapped[int] = mapped_column(default=0)
    recovery_hashes: Mapped[list[str]] = mapped_column(Document(), default_factory=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class StaffMemberStore(Base, kw_only=True):
    """A store that a member of staff sees. Who has none here sees all."""

    __tablename__ = "staff_member_stores"
    __table_args__ = (STRICT,)

    staff_member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)


class Account(Base, kw_only=True):
    """With what a shopper signs in. The customer is one of a higher area, so that it is an id and no more."""

    __tablename__ = "accounts"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    customer_id: Mapped[UUID] = mapped_column(index=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SessionRecord(Base, kw_only=True):
    """One signing in, until it is revoked or expires. `subject_id` is the member of staff or the customer.

    `api_key_id` is the key of the shop's server that minted it for a customer, `staff_member_id` the member of staff
    who did: with them it ends.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        one_of("kind", SessionKind),
        Index("ix_sessions_subject_id", "subject_id", "kind"),
        Index("ix_sessions_expires_at", "expires_at"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"), default=None)
    staff_member_id: Mapped[UUID | None] = mapped_column(default=None)
    is_visitor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it is a guest's, who has proven nothing: it ends when the guest comes to be known as somebody."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class RefreshToken(Base, kw_only=True):
    """What a session is prolonged with, once. Only its hash is kept, also when it was used: it may come again."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_used_at", "used_at"), STRICT)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class SigningKey(Base, kw_only=True):
    """What access tokens are signed with where the settings name no key: 32 random bytes, base64."""

    __tablename__ = "signing_keys"
    __table_args__ = (STRICT,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    secret: Mapped[str]
    created_at: Mapped[datetime]


class MailedCode(Base, kw_only=True):
    """A mail that was asked for, and the code in it, which proves that its reader has the address.

    The code is made when the mail is sent, so that it stands nowhere but in the mail: here is its hash. A request is
    kept whether or not the address is known; what it comes to is found out when the mail is sent.
    """

    __tablename__ = "mailed_codes"
    __table_args__ = (
        one_of("purpose", CodePurpose),
        Index("ix_mailed_codes_address_key", "address_key", "purpose"),
        Index("ix_mailed_codes_expires_at", "expires_at"),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    purpose: Mapped[str]
    address: Mapped[str]
    address_key: Mapped[str]
    locale: Mapped[str]
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    """What the code is about, beside the address: an identity of a customer."""
    details: Mapped[dict[str, Any]] = mapped_column(Document(), default_factory=dict)
    """What was said with the request and counts once the code comes back."""
    code_hash: Mapped[str | None] = mapped_column(default=None)
    attempt_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Throttle(Base, kw_only=True):
    """How often something was tried, until `ends_at`. The key is a hash: no address of anybody stands here."""

    __tablename__ = "throttles"
    __table_args__ = (Index("ix_throttles_ends_at", "ends_at"), STRICT)

    key: Mapped[str] = mapped_column(primary_key=True)
    attempt_count: Mapped[int]
    ends_at: Mapped[datetime]
