"""Every query about codes that are sent by mail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.model import MailedCode
from domain.identity.rules import CODE_ATTEMPTS_MAX, CodePurpose

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def find_code_for_update(session: AsyncSession, mailed_code_id: UUID) -> MailedCode | None:
    """Return what was asked for, as it is now, locked until the end of the transaction."""
    statement = select(MailedCode).where(MailedCode.id == mailed_code_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_live_codes_for_update(
    session: AsyncSession, *, purpose: CodePurpose, address_key: str, subject_id: UUID | None, now: datetime
) -> Sequence[MailedCode]:
    """Return the codes that were sent to an address and may still come back, locked in the order of their ids."""
    statement = select(MailedCode).where(
        MailedCode.address_key == address_key,
        MailedCode.purpose == purpose,
        MailedCode.code_hash.is_not(None),
        MailedCode.expires_at > now,
        MailedCode.attempt_count < CODE_ATTEMPTS_MAX,
    )
    if subject_id is not None:
        statement = statement.where(MailedCode.subject_id == subject_id)
    statement = statement.order_by(MailedCode.id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def remove_codes(
    session: AsyncSession, *, address_key: str, purpose: CodePurpose | None = None, subject_id: UUID | None = None
) -> None:
    """Remove all that was asked for an address, for one purpose or any."""
    statement = delete(MailedCode).where(MailedCode.address_key == address_key)
    if purpose is not None:
        statement = statement.where(MailedCode.purpose == purpose)
    if subject_id is not None:
        statement = statement.where(MailedCode.subject_id == subject_id)
    await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


async def purge_codes(session: AsyncSession, *, expired_before: datetime, limit: int) -> int:
    """Remove what expired before, so many at most; return how many."""
    expired = select(MailedCode.id).where(MailedCode.expires_at < expired_before).limit(limit)
    statement = delete(MailedCode).where(MailedCode.id.in_(expired.scalar_subquery()))
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what a DELETE answers
    return int(result.rowcount)
