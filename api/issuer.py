"""The shop's own identity provider: its tokens are taken for shoppers, once its public keys prove them."""

import asyncio
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import JWKRegistry, Key

from domain.base.tokens import CLOCK_SKEW_S, header_of

_log = structlog.get_logger(__name__)

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What may be pinned: each with a public key, so that nobody signs with what everybody can read."""

FETCH_TIMEOUT_S = 3.0
KEYS_BYTES_MAX = 262_144
FETCHED_EVERY = timedelta(seconds=30)
"""An unknown key is looked for at most so often, whoever sends tokens with invented ones."""

KEPT = timedelta(minutes=10)
"""Then the keys are fetched anew: one that was withdrawn opens nothing for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What the settings say of an identity provider."""

    name: str
    audience: str
    keys_url: str
    algorithms: Sequence[str] = ALGORITHMS
    claim: str = "sub"
    """Which claim holds the shop's own id of the customer."""


class Issuer:
    """Reads the tokens of an identity provider."""

    def __init__(self, provider: Provider, *, http: httpx.AsyncClient | None = None) -> None:
        """Take whose tokens they are; nothing is fetched before the first one comes."""
        self.name = provider.name
        self._provider = provider
        self._http = http or httpx.AsyncClient(timeout=FETCH_TIMEOUT_S)
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def external_id(self, token: str, now: datetime) -> tuple[str, datetime] | None:
        """Return the shop's own id of the customer, and until when the token counts; None where nothing is proven."""
        header = header_of(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or not isinstance(key_id, str) or algorithm not in self._provider.algorithms:
            return None
        key = await self._key(key_id, now)
        if key is None:
            return None
        try:
            with warnings.catch_warnings():
                # RFC 9864 has a new name for EdDSA with its curve; providers still send the old one.
                warnings.simplefilter("ignore", SecurityWarning)
                claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            self._registry(now).validate(claims)
            value, expires_at = claims[self._provider.claim], datetime.fromtimestamp(claims["exp"], UTC)
        except (JoseError, ValueError, TypeError, AttributeError, KeyError, OverflowError, OSError):
            return None
        return (value, expires_at) if isinstance(value, str) and value else None

    def _registry(self, now: datetime) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SKEW_S,
            iss={"essential": True, "value": self._provider.name},
            aud={"essential": True, "value": self._provider.audience},
            exp={"essential": True},
        )

    async def _key(self, key_id: str, now: datetime) -> Key | None:
        """Return the provider's key with this id, looked up among what it publishes and nowhere else."""
        # Who has a known key does not wait while one that somebody invented is looked for.
        if key_id not in self._keys or self._is_due(key_id, now):
            async with self._turn:
                if self._is_due(key_id, now):
                    self._fetched_at = now
                    self._keys = await self._fetch() or self._keys
        return self._keys.get(key_id)

    def _is_due(self, key_id: str, now: datetime) -> bool:
        age = None if self._fetched_at is None else now - self._fetched_at
        return age is None or age >= KEPT or (key_id not in self._keys and age >= FETCHED_EVERY)

    async def _fetch(self) -> Mapping[str, Key]:
        try:
            return _keys_of(orjson.loads(await self._read()))
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("the identity provider's keys could not be fetched", error=type(error).__name__)
            return {}

    async def _read(self) -> bytes:
        """Return what is published; what is too long is cut off, and so no JSON any more."""
        body = bytearray()
        async with self._http.stream("GET", self._provider.keys_url) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > KEYS_BYTES_MAX:
                    break
        return bytes(body)


def _keys_of(document: Any) -> dict[str, Key]:  # noqa: ANN401  whatever the provider sent
    """Return the public keys of a JSON Web Key Set by their ids; what is none, or is shared, is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, Key] = {}
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or each.get("kty") == "oct" or not isinstance(each.get("kid"), str):
            continue
        try:
            found[each["kid"]] = JWKRegistry.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found
