"""Every query about the accounts of shoppers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.model import Account


async def find_account_by_email(session: AsyncSession, email_key: str) -> Row[Any] | None:
    """Return the account with this address, as it is compared."""
    statement = select(*Account.__table__.c).where(Account.email_key == email_key)
    return (await session.execute(statement)).one_or_none()


async def find_account_for_update(session: AsyncSession, account_id: UUID) -> Account | None:
    """Return the account as it is now, locked until the end of the transaction."""
    statement = select(Account).where(Account.id == account_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_accounts(session: AsyncSession, customer_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the accounts of these customers, the oldest first."""
    statement = select(*Account.__table__.c).where(Account.customer_id.in_(customer_ids))
    return (await session.execute(statement.order_by(Account.id))).all()


async def list_account_emails(session: AsyncSession, customer_ids: Sequence[UUID]) -> list[str]:
    """Return the addresses, as they are compared, of these customers' accounts."""
    statement = select(Account.email_key).where(Account.customer_id.in_(customer_ids))
    return list(await session.scalars(statement))


async def remove_accounts(session: AsyncSession, customer_ids: Sequence[UUID]) -> None:
    """Remove the accounts of these customers."""
    statement = delete(Account).where(Account.customer_id.in_(customer_ids))
    await session.execute(statement, execution_options={"synchronize_session": False})
