"""What is done in the background: every kind of job with its handler, and what is done at fixed times."""

from collections.abc import Sequence
from datetime import timedelta

from domain.base.jobs import Handlers, Schedule
from domain.base.upkeep import PurgeExpired, purge_expired
from domain.identity.actions.upkeep import PurgeSignIn, purge_sign_in

HANDLERS: Handlers = {
    PurgeExpired: purge_expired,
    PurgeSignIn: purge_sign_in,
}
"""Mails are sent by `api/mails.py`, which knows the server."""

SCHEDULES: Sequence[Schedule] = (
    Schedule(name="purgeExpired", every=timedelta(hours=1), job=PurgeExpired()),
    Schedule(name="purgeSignIn", every=timedelta(hours=1), job=PurgeSignIn()),
)
