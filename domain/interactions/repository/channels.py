"""Every query about channels."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import rows_by_id
from domain.interactions.model import Channel

CHANNELS_MAX = 1_000
"""An organisation's channels are a short list, read whole."""


async def find_channel_by_name(session: AsyncSession, name: str) -> Channel | None:
    """Return the channel with this name."""
    return (await session.scalars(select(Channel).where(Channel.name == name))).one_or_none()


async def list_channels(session: AsyncSession) -> list[Row[Any]]:
    """Return all channels, by their names."""
    statement = select(*Channel.__table__.c).order_by(Channel.name, Channel.id).limit(CHANNELS_MAX)
    return list((await session.execute(statement)).all())


async def list_channels_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return channels by their ids."""
    return await rows_by_id(session, Channel, ids)
