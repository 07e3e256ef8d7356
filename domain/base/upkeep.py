"""What the product does for itself: removing what is kept for a while only."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.base.actors import SYSTEM
from domain.base.events import Event
from domain.base.jobs import KEPT, Job, enqueue_together
from domain.base.model import AuditEntry, Base, EventHead, EventRecord
from domain.base.repository import events, jobs, keys
from domain.base.work import IDEMPOTENCY_KEPT, Work, Works

REMOVED_AT_ONCE = 1_000
"""Rows in one transaction: nobody waits long for it."""


@dataclass(frozen=True, kw_only=True)
class PurgeExpired(Job):
    """Remove idempotency keys and finished jobs that were kept for long enough."""


@dataclass(frozen=True, kw_only=True)
class TrimEventLog(Job):
    """Remove events that were kept for long enough."""


SCRUBBED_EVERY = timedelta(seconds=10)
"""Several erasures within this time are cleared away together."""

SCRUBBED_AGAIN_AFTER = timedelta(minutes=1)
"""By then no transaction is left that saw what was erased: a request takes at most ten seconds."""

_WITHOUT_PEOPLE = {AuditEntry.__tablename__, EventRecord.__tablename__, EventHead.__tablename__}
"""Large tables that hold ids only."""


@dataclass(frozen=True, kw_only=True)
class ScrubStorage(Job):
    """Clear what was erased out of the database's files."""


async def scrub_storage(works: Works, _job: ScrubStorage) -> None:
    """Clear it out of every table in which a person may stand, also those that areas of later releases bring."""
    names = [name for name in Base.metadata.tables if name not in _WITHOUT_PEOPLE]
    await works.database.scrub(sorted(names))


async def scrub_soon(work: Work, _events: Sequence[Event]) -> None:
    """Ask for that: soon, and once more when nobody can be reading it any more."""
    await enqueue_together(work, name="scrubStorage", job=ScrubStorage(), every=SCRUBBED_EVERY)
    await enqueue_together(
        work, name="scrubStorage", job=ScrubStorage(), every=SCRUBBED_EVERY, after=SCRUBBED_AGAIN_AFTER
    )


async def purge_expired(works: Works, _job: PurgeExpired) -> None:
    """Remove them, a thousand at a time."""

    async def some(work: Work) -> int:
        key_count = await keys.purge_idempotency_keys(
            work.session, made_before=work.now - IDEMPOTENCY_KEPT, limit=REMOVED_AT_ONCE
        )
        job_count = await jobs.purge_jobs(work.session, finished_before=work.now - KEPT, limit=REMOVED_AT_ONCE)
        return key_count + job_count

    while await works.perform(some, actor=SYSTEM, action="purgeExpired"):
        pass


async def trim_event_log(works: Works, _job: TrimEventLog) -> None:
    """Remove them, a thousand at a time. The audit log, timelines and whatever else they led to stay."""

    async def some(work: Work) -> int:
        before = work.now - work.organisation.events_kept
        return await events.remove_old_events(work.session, before=before, limit=REMOVED_AT_ONCE)

    while await works.perform(some, actor=SYSTEM, action="trimEventLog"):
        pass


async def renew_event_log(work: Work) -> None:
    """Let every cursor that was given so far lead to `RESTORED`.

    After a restore from a backup the same numbers are given again, to other events: whoever followed the database
    before has seen some that it does not know any more.
    """
    await events.renew_epoch(work.session, epoch=secrets.token_hex(8))
