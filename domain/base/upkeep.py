"""What the product does for itself: removing what is kept for a while only."""

from dataclasses import dataclass

from domain.base import repository
from domain.base.actors import SYSTEM
from domain.base.jobs import KEPT, Job
from domain.base.work import IDEMPOTENCY_KEPT, Work, Works

REMOVED_AT_ONCE = 1_000
"""Rows in one transaction: nobody waits long for it."""


@dataclass(frozen=True, kw_only=True)
class PurgeExpired(Job):
    """Remove idempotency keys and finished jobs that were kept for long enough."""


async def purge_expired(works: Works, _job: PurgeExpired) -> None:
    """Remove them, a thousand at a time."""

    async def some(work: Work) -> int:
        keys = await repository.purge_idempotency_keys(
            work.session, made_before=work.now - IDEMPOTENCY_KEPT, limit=REMOVED_AT_ONCE
        )
        jobs = await repository.purge_jobs(work.session, finished_before=work.now - KEPT, limit=REMOVED_AT_ONCE)
        return keys + jobs

    while await works.perform(some, actor=SYSTEM, action="purgeExpired"):
        pass
