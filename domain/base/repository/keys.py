"""Idempotency keys: what was answered before."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CursorResult,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.model import IdempotencyKey
from domain.base.repository.rows import UNSYNCHRONISED, chunks, upsert

EXPIRED_REMOVED_MAX = 20


async def purge_idempotency_keys(session: AsyncSession, *, made_before: datetime, limit: int) -> int:
    """Remove keys that were made before, so many at most; return how many."""
    expired = (
        select(IdempotencyKey.scope, IdempotencyKey.key).where(IdempotencyKey.created_at < made_before).limit(limit)
    )
    statement = delete(IdempotencyKey).where(tuple_(IdempotencyKey.scope, IdempotencyKey.key).in_(expired))
    result = await session.execute(statement, execution_options=UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101  what a DELETE answers
    return int(result.rowcount)


async def remove_idempotency_keys(session: AsyncSession, *, scopes: Sequence[str], answer_ids: Iterable[UUID]) -> None:
    """Remove the keys of these actors, and those that were answered with one of these ids."""
    is_theirs = IdempotencyKey.scope.in_(scopes)
    await session.execute(delete(IdempotencyKey).where(is_theirs), execution_options=UNSYNCHRONISED)
    for chunk in chunks(answer_ids):
        statement = delete(IdempotencyKey).where(IdempotencyKey.answer_id.in_(chunk))
        await session.execute(statement, execution_options=UNSYNCHRONISED)


async def claim_idempotency_key(
    session: AsyncSession, *, scope: str, key: str, input_hash: str, now: datetime, expired_before: datetime
) -> IdempotencyKey | None:
    """Claim the key for this transaction; return what was committed for it instead, if anything was.

    A second claim waits until the first one's transaction has ended. A key that was made before
    `expired_before` counts as unknown; a few of those are removed each time.
    """
    expired = (
        select(IdempotencyKey.scope, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < expired_before)
        .order_by(IdempotencyKey.created_at)
        .limit(EXPIRED_REMOVED_MAX)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(IdempotencyKey).where(tuple_(IdempotencyKey.scope, IdempotencyKey.key).in_(expired)),
        execution_options={"synchronize_session": False},
    )
    statement = (
        upsert(session, IdempotencyKey)
        .values(scope=scope, key=key, input_hash=input_hash, answer_id=None, created_at=now)
        .on_conflict_do_update(
            index_elements=["scope", "key"],
            set_={"input_hash": input_hash, "answer_id": None, "created_at": now},
            where=IdempotencyKey.created_at < expired_before,
        )
        .returning(IdempotencyKey.key)
    )
    if (await session.execute(statement)).scalar_one_or_none() is not None:
        return None
    return await session.get_one(IdempotencyKey, (scope, key))


async def write_probe(session: AsyncSession, now: datetime) -> None:
    """Write something that nobody reads, to see whether there is room."""
    statement = upsert(session, IdempotencyKey).values(
        scope="SYSTEM:probe", key="probe", input_hash="", answer_id=None, created_at=now
    )
    await session.execute(statement.on_conflict_do_update(index_elements=["scope", "key"], set_={"created_at": now}))


async def store_idempotent_answer(session: AsyncSession, *, scope: str, key: str, answer_id: UUID) -> None:
    """Keep the id of what was made for the key."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
        .values(answer_id=answer_id)
    )
