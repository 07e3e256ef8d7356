"""What is done in the background: every kind of job with its handler, and what is done at fixed times."""

from collections.abc import Sequence
from datetime import timedelta

from domain.base.jobs import Handlers, Schedule
from domain.base.upkeep import PurgeExpired, purge_expired

HANDLERS: Handlers = {
    PurgeExpired: purge_expired,
}

SCHEDULES: Sequence[Schedule] = (Schedule(name="purgeExpired", every=timedelta(hours=1), job=PurgeExpired()),)
