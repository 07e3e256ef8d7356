"""Every query about how often something was tried."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import upsert
from domain.identity.model import Throttle

_NOTHING_TO_SYNCHRONISE = {"synchronize_session": False}


async def count_attempt(
    session: AsyncSession, key: str, *, attempts_max: int, ends_at: datetime, now: datetime
) -> bool:
    """Count one attempt more, from one again where the last while is over; False where there were too many already."""
    statement = (
        upsert(session, Throttle)
        .values(key=key, attempt_count=1, ends_at=ends_at)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"attempt_count": 1, "ends_at": ends_at},
            where=Throttle.ends_at <= now,
        )
        .returning(Throttle.key)
    )
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return True
    again = (
        update(Throttle)
        .where(Throttle.key == key, Throttle.attempt_count < attempts_max)
        .values(attempt_count=Throttle.attempt_count + 1)
    )
    result = await session.execute(again, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101  what an UPDATE answers
    return result.rowcount == 1


async def find_end(session: AsyncSession, key: str) -> datetime | None:
    """Return until when attempts are counted together."""
    return (await session.scalars(select(Throttle.ends_at).where(Throttle.key == key))).one_or_none()


async def forget_attempts(session: AsyncSession, keys: Sequence[str]) -> None:
    """Count from nothing again."""
    statement = delete(Throttle).where(Throttle.key.in_(keys))
    await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


async def take_attempt_back(session: AsyncSession, key: str) -> None:
    """Count one attempt less: it was none."""
    statement = (
        update(Throttle)
        .where(Throttle.key == key, Throttle.attempt_count > 0)
        .values(attempt_count=Throttle.attempt_count - 1)
    )
    await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)


async def purge_throttles(session: AsyncSession, *, ended_before: datetime, limit: int) -> int:
    """Remove what is counted no longer, so many at most; return how many."""
    ended = select(Throttle.key).where(Throttle.ends_at < ended_before).limit(limit)
    statement = delete(Throttle).where(Throttle.key.in_(ended.scalar_subquery()))
    result = await session.execute(statement, execution_options=_NOTHING_TO_SYNCHRONISE)
    assert isinstance(result, CursorResult)  # noqa: S101
    return int(result.rowcount)
