"""From the token of a request to the actor."""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import structlog

from api.issuer import Issuer
from domain.base.actors import ANONYMOUS, SYSTEM, Actor
from domain.base.errors import StorageFull
from domain.base.tokens import claims_of, read
from domain.base.work import Works
from domain.customers.actions.shoppers import canonical_actor, find_shopper
from domain.identity.actions.keys import note_use, recognise
from domain.identity.actions.sessions import find_actor, list_token_secrets
from domain.identity.rules import SECRET_PREFIX, hash_secret

KNOWN_FOR = timedelta(seconds=2)
"""How long an actor is known without asking the database: a revoked key or session works at most so much longer."""

_KNOWN_MAX = 1_000

_log = structlog.get_logger(__name__)


class InvalidToken(Exception):  # noqa: N818  reads as what it is
    """The request has a token that opens no door."""


def note_unreachable(error: Exception) -> None:
    """Log, in one line, that nobody can be recognised: an outage has many of them, and all say the same."""
    said = str(error).partition("\n")[0]
    _log.error("the database does not answer", reason=f"{type(error).__name__}: {said}")


class Access:
    """Recognises actors by their tokens, and remembers them for a moment."""

    def __init__(self, works: Works, *, issuer: Issuer | None = None) -> None:
        """Start knowing nobody. `issuer`: the shop's own identity provider, where it has one."""
        self._works = works
        self._issuer = issuer
        self._known: OrderedDict[str, tuple[datetime, Actor]] = OrderedDict()

    async def actor(self, authorization: str | None) -> Actor:
        """Return who is asking; nobody in particular where there is no token. Raises `InvalidToken`."""
        if authorization is None:
            return ANONYMOUS
        scheme, _, secret = authorization.partition(" ")
        token = secret.strip()
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken
        key = hash_secret(token)
        now = self._works.clock.now()
        known = self._known.get(key)
        if known is not None and now < known[0]:
            return known[1]
        found = await (self._by_key(token, now) if token.startswith(SECRET_PREFIX) else self._by_token(token, now))
        if found is None:
            self._known.pop(key, None)
            raise InvalidToken
        actor, until = found
        if actor.is_visitor:  # what they see may be somebody's from one moment to the next
            return actor
        self._known[key] = (min(now + KNOWN_FOR, until), actor)
        self._known.move_to_end(key)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return actor

    async def _by_key(self, secret: str, now: datetime) -> tuple[Actor, datetime] | None:
        """Return the program behind a key, and until when it need not be asked for again."""
        async with self._works.database.reading() as session:
            found = await recognise(session, secret=secret, now=now)
        if found is None:
            return None
        if found.is_use_news and found.actor.id is not None:
            await self._note_use(found.actor.id)
        return found.actor, now + KNOWN_FOR

    async def _by_token(self, token: str, now: datetime) -> tuple[Actor, datetime] | None:
        """Return who signed in, and until when the token counts."""
        if self._issuer is not None and claims_of(token).get("iss") == self._issuer.name:
            return await self._from_outside(self._issuer, token, now)
        organisation = self._works.organisation
        async with self._works.database.reading() as session:
            secrets = await list_token_secrets(session, organisation=organisation)
            claims = read(token, secrets=secrets, issuer=organisation.token_issuer, now=now)
            if claims is None:
                return None
            found = await find_actor(session, session_id=claims.session_id, now=now)
            if found is None or found.id != claims.subject_id:
                return None
            actor = await canonical_actor(session, actor=found)
        return None if actor is None else (actor, claims.expires_at)

    async def _from_outside(self, issuer: Issuer, token: str, now: datetime) -> tuple[Actor, datetime] | None:
        proven = await issuer.external_id(token, now)
        if proven is None:
            return None
        async with self._works.database.reading() as session:
            actor = await find_shopper(session, external_id=proven[0])
        return None if actor is None else (actor, proven[1])

    async def _note_use(self, api_key_id: UUID) -> None:
        """Remember the use; a disk that is full keeps nobody from reading."""
        with suppress(StorageFull):
            await self._works.perform(
                lambda work: note_use(work, api_key_id=api_key_id), actor=SYSTEM, action="apiKeyUse"
            )


def client_address(peer: str | None, forwarded_for: str | None, *, trusted_proxies: Iterable[str]) -> str | None:
    """Return the network address that a request comes from; None where nobody knows.

    A proxy that is trusted says in `X-Forwarded-For` for whom it asks: the last address that is no trusted proxy's.
    What stands before that one, the client may have written itself.
    """
    if forwarded_for is None:
        return peer
    address, trusted = peer, tuple(trusted_proxies)
    for named in reversed(forwarded_for.split(",")):
        if address is None or not _is_in(address, trusted):
            break
        if not _is_address(named.strip()):
            break
        address = named.strip()
    return address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=10_000)
def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    return _is_address(address) and any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in networks
    )
