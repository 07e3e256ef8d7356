"""What is done in the background: every kind of job with its handler, and what is done at fixed times."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from domain.base.jobs import Handlers, Schedule
from domain.base.upkeep import PurgeExpired, ScrubStorage, TrimEventLog, purge_expired, scrub_storage, trim_event_log
from domain.customers.actions.exports import ExportCustomer, PurgeExports, remove_expired_exports, write_export
from domain.customers.actions.upkeep import PurgeVisitors, purge_visitors
from domain.exports import EXPORTED
from domain.files.actions.attachments import PurgeAttachments, purge_attachments
from domain.identity.actions.upkeep import PurgeSignIn, purge_sign_in
from domain.interactions.actions.upkeep import WakeConversations, wake_conversations

HANDLERS: Handlers = {
    PurgeExpired: purge_expired,
    PurgeSignIn: purge_sign_in,
    ScrubStorage: scrub_storage,
    TrimEventLog: trim_event_log,
    ExportCustomer: partial(write_export, parts=EXPORTED),
    PurgeExports: remove_expired_exports,
    PurgeVisitors: purge_visitors,
    PurgeAttachments: purge_attachments,
    WakeConversations: wake_conversations,
}
"""Mails are sent by `api/mails.py`, which knows the server."""

SCHEDULES: Sequence[Schedule] = (
    Schedule(name="purgeExpired", every=timedelta(hours=1), job=PurgeExpired()),
    Schedule(name="purgeSignIn", every=timedelta(hours=1), job=PurgeSignIn()),
    Schedule(name="purgeExports", every=timedelta(hours=1), job=PurgeExports()),
    Schedule(name="purgeAttachments", every=timedelta(hours=1), job=PurgeAttachments()),
    Schedule(name="purgeVisitors", every=timedelta(hours=1), job=PurgeVisitors()),
    Schedule(name="trimEventLog", every=timedelta(hours=1), job=TrimEventLog()),
    Schedule(name="wakeConversations", every=timedelta(minutes=1), job=WakeConversations()),
)
