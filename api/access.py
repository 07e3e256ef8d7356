"""From the token of a request to the actor."""

from collections import OrderedDict
from datetime import datetime, timedelta

from domain.base.actors import ANONYMOUS, Actor
from domain.base.work import Works
from domain.identity.actions import recognise
from domain.identity.rules import hash_secret

KNOWN_FOR = timedelta(seconds=2)
"""How long an actor is known without asking the database: a revoked key works at most so much longer."""

_KNOWN_MAX = 1_000


class InvalidToken(Exception):  # noqa: N818  reads as what it is
    """The request has a token that opens no door."""


class Access:
    """Recognises actors by their tokens, and remembers them for a moment."""

    def __init__(self, works: Works) -> None:
        """Start knowing nobody."""
        self._works = works
        self._known: OrderedDict[str, tuple[datetime, Actor]] = OrderedDict()

    async def actor(self, authorization: str | None) -> Actor:
        """Return who is asking; nobody in particular where there is no token. Raises `InvalidToken`."""
        if authorization is None:
            return ANONYMOUS
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise InvalidToken
        key = hash_secret(secret.strip())
        now = self._works.clock.now()
        known = self._known.get(key)
        if known is not None and now < known[0]:
            return known[1]
        async with self._works.database.reading() as session:
            actor = await recognise(session, secret=secret.strip(), now=now)
        if actor is None:
            raise InvalidToken
        self._known[key] = (now + KNOWN_FOR, actor)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return actor
