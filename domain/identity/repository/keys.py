"""Every query about the keys of programs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import rows_by_id
from domain.identity.model import ApiKey

API_KEYS_MAX = 10_000


async def find_api_key_by_hash(session: AsyncSession, secret_hash: str) -> Row[Any] | None:
    """Return the key with this hash."""
    statement = select(*ApiKey.__table__.c).where(ApiKey.secret_hash == secret_hash)
    return (await session.execute(statement)).one_or_none()


async def list_api_keys_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return keys by their ids."""
    return await rows_by_id(session, ApiKey, ids)


async def list_program_ids(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are programs', whether their keys still open anything or not."""
    return set(await session.scalars(select(ApiKey.id).where(ApiKey.id.in_(ids))))


async def set_last_used(session: AsyncSession, api_key_id: UUID, now: datetime) -> None:
    """Note that a key was used."""
    await session.execute(update(ApiKey).where(ApiKey.id == api_key_id).values(last_used_at=now))


async def list_api_keys(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return all keys, the oldest first."""
    return (await session.execute(select(*ApiKey.__table__.c).order_by(ApiKey.id).limit(API_KEYS_MAX))).all()


async def find_api_key_for_update(session: AsyncSession, api_key_id: UUID) -> ApiKey | None:
    """Return the key, locked until the end of the transaction."""
    statement = select(ApiKey).where(ApiKey.id == api_key_id).with_for_update(key_share=True)
    return (await session.scalars(statement)).one_or_none()
