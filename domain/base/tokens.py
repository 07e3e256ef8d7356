"""Access tokens: JSON Web Tokens that we sign and read ourselves.

One algorithm, and only our own keys: what a token's header says about either picks none. Every claim that we write
must be there when it comes back.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
"""EdDSA with the curve named, as RFC 9864 asks for."""

AUDIENCE = "sportello"
SECRET_BYTES = 32
CLOCK_SKEW_S = 5
"""Seconds by which the clocks of two machines of ours may differ."""

TOKEN_LENGTH_MAX = 4_096
_HEADERS = {"alg", "kid", "typ"}
_REQUIRED: dict[str, Any] = {name: {"essential": True} for name in ("sub", "sid", "exp", "iat")}


@dataclass(frozen=True, slots=True)
class Claims:
    """Who comes in with a token, by which session, and until when."""

    subject_id: UUID
    session_id: UUID
    expires_at: datetime


@lru_cache(maxsize=8)
def token_key(secret: bytes) -> OKPKey:
    """Return the key made of 32 random bytes; its id is a hash of its public half (RFC 7638)."""
    exported = OKPKey.binding.export_private_key(Ed25519PrivateKey.from_private_bytes(secret))
    key = OKPKey.import_key({"kty": "OKP", **exported})
    return OKPKey.import_key({"kty": "OKP", "kid": key.thumbprint(), **exported})


def sign(claims: Claims, *, secret: bytes, issuer: str, now: datetime) -> str:
    """Return the token that says this."""
    key = token_key(secret)
    payload: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(claims.subject_id),
        "sid": str(claims.session_id),
        "iat": int(now.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, payload, key, algorithms=[ALGORITHM])


def read(token: str, *, secrets: list[bytes], issuer: str, now: datetime) -> Claims | None:
    """Return what a token says, None for one that we did not sign, or that counts no more or not yet."""
    keys = {str(token_key(secret).kid): token_key(secret) for secret in secrets}
    header = header_of(token)
    key = keys.get(str(header.get("kid")))
    if key is None or header.get("alg") != ALGORITHM or not header.keys() <= _HEADERS:
        return None
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=CLOCK_SKEW_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": AUDIENCE},
        **_REQUIRED,
    )
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        registry.validate(claims)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        found = Claims(UUID(claims["sub"]), UUID(claims["sid"]), expires_at)
    except (JoseError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        return None
    # Clocks may differ about when a token begins; when it ends it ends, so that open streams close in time.
    return found if now < found.expires_at else None


def header_of(token: str) -> Mapping[str, Any]:
    """Return what a token says of itself, unproven; nothing where it is no token."""
    return _part_of(token, 0)


def claims_of(token: str) -> Mapping[str, Any]:
    """Return what a token claims, unproven: good for nothing but finding out who should be asked."""
    return _part_of(token, 1)


def _part_of(token: str, index: int) -> Mapping[str, Any]:
    parts = token.split(".") if len(token) <= TOKEN_LENGTH_MAX else []
    if len(parts) != 3:  # noqa: PLR2004  header, claims, signature
        return {}
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
