"""Addresses that nobody guesses: they lead to one thing, until an instant, and whoever has one needs no sign-in.

An address carries its own proof, so that nothing is stored for it; the thing's secret signs it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_PARTS = 3
_ID_LENGTH, _INSTANT_LENGTH_MAX = 32, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What the last part of an address says: to what it leads, until when, and the proof that it came from here."""

    key: UUID
    expires_at: datetime
    proof: str


def new_address(key: UUID, *, secret: str, expires_at: datetime) -> str:
    """Return the last part of an address that leads to this until then, counted in whole seconds."""
    until = int(expires_at.timestamp())
    return f"{key.hex}.{until}.{_proof(key, until, secret)}"


def read_address(text: str) -> Address | None:
    """Return what the last part of an address says; None for anything that never came from here."""
    parts = text.split(".")
    if len(parts) != _PARTS or not text.isascii():
        return None
    key, until, proof = parts
    if len(key) != _ID_LENGTH or not until.isdecimal() or len(until) > _INSTANT_LENGTH_MAX:
        return None
    try:
        return Address(key=UUID(hex=key), expires_at=datetime.fromtimestamp(int(until), UTC), proof=proof)
    except (ValueError, OverflowError, OSError):
        return None


def is_valid(address: Address, *, secret: str, now: datetime) -> bool:
    """Tell whether an address came from here and still works."""
    wanted = _proof(address.key, int(address.expires_at.timestamp()), secret)
    return hmac.compare_digest(address.proof, wanted) and now < address.expires_at


def _proof(key: UUID, until: int, secret: str) -> str:
    return hmac.new(secret.encode(), f"{key.hex}.{until}".encode(), hashlib.sha256).hexdigest()
