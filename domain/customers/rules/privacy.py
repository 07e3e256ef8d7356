"""Decisions about what is told of a person, and to whom, on plain values."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

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

_PARTS = 3
_ID_LENGTH, _INSTANT_LENGTH_MAX = 32, 12


class ExportState(StrEnum):
    """How far an export has come."""

    PENDING = "PENDING"
    READY = "READY"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What the last part of an address says: which document, until when, and the proof that it came from here."""

    export_id: UUID
    expires_at: datetime
    proof: str


def export_state(stored: str, *, expires_at: datetime, now: datetime) -> ExportState:
    """Return how far an export has come, as of now: what is too old has expired, written or not."""
    return ExportState.EXPIRED if now >= expires_at else ExportState(stored)


def new_address(export_id: UUID, *, secret: str, now: datetime, expires_at: datetime) -> str:
    """Return the last part of an address that works for a quarter of an hour, and no longer than the document."""
    until = int(min(now + ADDRESS_VALID, expires_at).timestamp())
    return f"{export_id.hex}.{until}.{_proof(export_id, until, secret)}"


def read_address(text: str) -> Address | None:
    """Return what the last part of an address says; None for anything that never came from here."""
    parts = text.split(".")
    if len(parts) != _PARTS or not text.isascii():
        return None
    key, until, proof = parts
    if len(key) != _ID_LENGTH or not until.isdecimal() or len(until) > _INSTANT_LENGTH_MAX:
        return None
    try:
        return Address(export_id=UUID(hex=key), expires_at=datetime.fromtimestamp(int(until), UTC), proof=proof)
    except (ValueError, OverflowError, OSError):
        return None


def is_valid(address: Address, *, secret: str, now: datetime) -> bool:
    """Tell whether an address came from here and still works."""
    wanted = _proof(address.export_id, int(address.expires_at.timestamp()), secret)
    return hmac.compare_digest(address.proof, wanted) and now < address.expires_at


def _proof(export_id: UUID, until: int, secret: str) -> str:
    return hmac.new(secret.encode(), f"{export_id.hex}.{until}".encode(), hashlib.sha256).hexdigest()
