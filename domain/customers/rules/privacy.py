"""Decisions about what is told of a person, and to whom, on plain values."""

from datetime import datetime, timedelta
from enum import StrEnum

EXPORT_KEPT = timedelta(hours=24)
"""How long the document of an export can be had once it is written."""

EXPORTS_KEPT_MAX = 10
"""Documents about one customer at a time: each holds all that is known of them."""

EXPORT_PATIENCE = timedelta(days=3)
"""An export that could not be written by then is given up: the job behind it is tried for about two days."""

EXPORT_REMEMBERED = timedelta(days=7)
"""How long one is told that an export has expired; then nothing is left of it."""

ADDRESS_VALID = timedelta(minutes=15)
"""How long one address of a document works; asked for again there is another one."""


class ExportState(StrEnum):
    """How far an export has come."""

    PENDING = "PENDING"
    READY = "READY"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


def export_state(stored: str, *, expires_at: datetime, now: datetime) -> ExportState:
    """Return how far an export has come, as of now: what is too old has expired, written or not."""
    return ExportState.EXPIRED if now >= expires_at else ExportState(stored)


def address_until(*, now: datetime, expires_at: datetime) -> datetime:
    """Return until when an address works: for a quarter of an hour, and no longer than the document is kept."""
    return min(now + ADDRESS_VALID, expires_at)
