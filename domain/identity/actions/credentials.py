"""Who an e-mail address signs in as, and with what."""

from dataclasses import dataclass, field
from uuid import UUID

from domain.base.database import Session
from domain.base.work import Work
from domain.identity.events import AccountUpdated, StaffMemberUpdated
from domain.identity.model import Account, StaffMember
from domain.identity.repository.accounts import find_account_by_email, find_account_for_update
from domain.identity.repository.staff import find_staff_by_email, find_staff_for_update
from domain.identity.rules import SessionKind


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what somebody is known who may sign in. `id` is the member of staff or the account."""

    kind: SessionKind
    id: UUID
    subject_id: UUID
    email: str
    password_hash: str = field(repr=False)
    has_totp: bool = False
    locale: str | None = None


async def find_credentials(session: Session, *, email_key: str) -> Credentials | None:
    """Return who an address signs in as: a member of staff before a shopper; None where it is nobody's.

    Both are looked up whoever it is, so that known and unknown cost the same.
    """
    member = await find_staff_by_email(session, email_key)
    account = await find_account_by_email(session, email_key)
    if member is not None and member.is_active:
        return Credentials(
            kind=SessionKind.STAFF,
            id=member.id,
            subject_id=member.id,
            email=member.email,
            password_hash=member.password_hash,
            has_totp=member.totp_confirmed_at is not None,
            locale=next(iter(member.languages), None),
        )
    if account is None:
        return None
    return Credentials(
        kind=SessionKind.CUSTOMER,
        id=account.id,
        subject_id=account.customer_id,
        email=account.email,
        password_hash=account.password_hash,
    )


async def get_holder(work: Work, *, credentials: Credentials) -> StaffMember | Account | None:
    """Return whose they are, locked; None where they are gone."""
    if credentials.kind is SessionKind.STAFF:
        return await find_staff_for_update(work.session, credentials.id)
    return await find_account_for_update(work.session, credentials.id)


def set_password(work: Work, *, holder: StaffMember | Account, password_hash: str) -> None:
    """Let them sign in with another password. Records `StaffMemberUpdated` or `AccountUpdated`."""
    holder.password_hash = password_hash
    holder.updated_at = work.now
    if isinstance(holder, StaffMember):
        work.record(StaffMemberUpdated(staff_member_id=holder.id))
    else:
        work.record(AccountUpdated(account_id=holder.id, customer_id=holder.customer_id))
