"""Every query about sessions, what they are prolonged with, and what their tokens are signed with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.model import ApiKey, RefreshToken, SessionRecord, SigningKey, StaffMember
from domain.identity.rules import SessionKind

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def find_session(session: AsyncSession, session_id: UUID) -> Row[Any] | None:
    """Return the session, with until when the key holds that minted it, or whether the member is active who did."""
    of_maker = (
        ApiKey.revoked_at.label("key_revoked_at"),
        ApiKey.expires_at.label("key_expires_at"),
        StaffMember.is_active.label("is_maker_active"),
    )
    statement: Select[Any] = (
        select(*SessionRecord.__table__.c, *of_maker)
        .outerjoin(ApiKey, ApiKey.id == SessionRecord.api_key_id)
        .outerjoin(StaffMember, StaffMember.id == SessionRecord.staff_member_id)
        .where(SessionRecord.id == session_id)
    )
    row: Row[Any] | None = (await session.execute(statement)).one_or_none()
    return row


async def find_session_for_update(session: AsyncSession, session_id: UUID) -> SessionRecord | None:
    """Return the session as it is now, locked until the end of the transaction."""
    statement = select(SessionRecord).where(SessionRecord.id == session_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_live_sessions_for_update(
    session: AsyncSession, *, kind: SessionKind, subject_ids: Sequence[UUID], now: datetime
) -> Sequence[SessionRecord]:
    """Return the sessions of these that are neither revoked nor over, locked in the order of their ids."""
    statement = (
        select(SessionRecord)
        .where(
            SessionRecord.subject_id.in_(subject_ids),
            SessionRecord.kind == kind,
            SessionRecord.revoked_at.is_(None),
            SessionRecord.expires_at > now,
        )
        .order_by(SessionRecord.id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def find_refresh_token(session: AsyncSession, token_hash: str) -> RefreshToken | None:
    """Return the refresh token with this hash, as it is now."""
    statement = select(RefreshToken).where(RefreshToken.token_hash == token_hash)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_signing_secrets(session: AsyncSession) -> list[str]:
    """Return what tokens are signed with, the newest first."""
    return list(await session.scalars(select(SigningKey.secret).order_by(SigningKey.id.desc())))


async def purge_sessions(session: AsyncSession, *, over_before: datetime, limit: int) -> int:
    """Remove sessions that have been over since before, with their refresh tokens, so many at most; return how many.

    Those of guests stay until it is seen what came of the guest.
    """
    is_over = (SessionRecord.expires_at < over_before) & ~SessionRecord.is_visitor
    ids = list(await session.scalars(select(SessionRecord.id).where(is_over).limit(limit)))
    await remove_sessions(session, ids)
    return len(ids)


async def list_visits_over(session: AsyncSession, *, over_before: datetime, limit: int) -> dict[UUID, UUID]:
    """Return the guests of sessions that have been over since before, so many at most, by session, which are locked.

    Those that somebody else locked already are theirs.
    """
    statement = (
        select(SessionRecord.id, SessionRecord.subject_id)
        .where(SessionRecord.expires_at < over_before, SessionRecord.is_visitor)
        .order_by(SessionRecord.expires_at, SessionRecord.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return {row.id: row.subject_id for row in await session.execute(statement)}


async def remove_sessions(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Remove sessions, with their refresh tokens."""
    for statement in (
        delete(RefreshToken).where(RefreshToken.session_id.in_(ids)),
        delete(SessionRecord).where(SessionRecord.id.in_(ids)),
    ):
        await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


async def purge_refresh_tokens(session: AsyncSession, *, used_before: datetime, limit: int) -> int:
    """Remove refresh tokens that were used before, so many at most; return how many."""
    used = select(RefreshToken.id).where(RefreshToken.used_at < used_before).limit(limit)
    statement = delete(RefreshToken).where(RefreshToken.id.in_(used.scalar_subquery()))
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what a DELETE answers
    return int(result.rowcount)


async def list_customer_sessions(session: AsyncSession, customer_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the sessions of these customers that are still kept, the oldest first."""
    is_theirs = (SessionRecord.subject_id.in_(customer_ids)) & (SessionRecord.kind == SessionKind.CUSTOMER)
    return (await session.execute(select(*SessionRecord.__table__.c).where(is_theirs).order_by(SessionRecord.id))).all()


async def remove_customer_sessions(session: AsyncSession, customer_ids: Sequence[UUID]) -> None:
    """Remove the sessions of these customers, with their refresh tokens."""
    theirs = (SessionRecord.kind == SessionKind.CUSTOMER, SessionRecord.subject_id.in_(customer_ids))
    ids = select(SessionRecord.id).where(*theirs)
    for statement in (
        delete(RefreshToken).where(RefreshToken.session_id.in_(ids.scalar_subquery())),
        delete(SessionRecord).where(*theirs),
    ):
        await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
