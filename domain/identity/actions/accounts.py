"""The accounts with which shoppers sign in."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.contacts import email_key
from domain.base.work import Work
from domain.identity.events import AccountCreated
from domain.identity.model import Account
from domain.identity.repository.accounts import list_account_emails, remove_accounts
from domain.identity.repository.codes import remove_codes
from domain.identity.repository.sessions import remove_customer_sessions


def add_account(work: Work, *, customer_id: UUID, email: str, password_hash: str) -> Account:
    """Let a customer sign in with an address that they have proven to be theirs. Records `AccountCreated`."""
    account = Account(
        customer_id=customer_id,
        email=email,
        email_key=email_key(email),
        password_hash=password_hash,
        created_at=work.now,
        updated_at=work.now,
    )
    work.session.add(account)
    work.record(AccountCreated(account_id=account.id, customer_id=customer_id))
    return account


async def forget_shoppers(work: Work, *, customer_ids: Sequence[UUID], addresses: Sequence[str] = ()) -> None:
    """Remove all that is kept here of these customers: accounts, sessions, and codes for their addresses.

    For an erasure: who is signed in by one of them is nobody within two seconds.
    """
    keys = {email_key(address) for address in addresses}
    keys.update(await list_account_emails(work.session, customer_ids))
    for key in sorted(keys):
        await remove_codes(work.session, address_key=key)
    await remove_accounts(work.session, customer_ids)
    await remove_customer_sessions(work.session, customer_ids)
