"""What can have happened to the shop itself."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreChanged(Event):
    """A store was added, or what is known of it changed."""

    store_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRevoked(Event):
    """A key opens no door any more."""

    api_key_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyCreated(Event):
    """A program was given a key."""

    api_key_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffMemberCreated(Event):
    """Somebody may sign in as a member of staff."""

    staff_member_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffMemberUpdated(Event):
    """A member of staff is somebody else by now: another role, other stores, another password, gone."""

    staff_member_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountCreated(Event):
    """A shopper may sign in: the address is proven to be theirs."""

    account_id: UUID
    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountUpdated(Event):
    """A shopper signs in with another password."""

    account_id: UUID
    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionCreated(Event):
    """Somebody signed in, or a shop's server did so for a customer."""

    session_id: UUID
    subject_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRevoked(Event):
    """A session opens no door any more."""

    session_id: UUID
    subject_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOutEverywhere(Event):
    """A shopper ended all their sessions, perhaps but for the one that they are in."""

    customer_id: UUID
    kept_session_id: UUID | None = None
