"""From the token of a request to the actor."""

from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from domain.base.actors import ANONYMOUS, SYSTEM, Actor
from domain.base.errors import StorageFull
from domain.base.work import Works
from domain.identity.actions.keys import note_use, recognise
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
            found = await recognise(session, secret=secret.strip(), now=now)
        if found is None:
            raise InvalidToken
        actor = found.actor
        self._known[key] = (now + KNOWN_FOR, actor)
        if found.is_use_news and actor.id is not None:
            await self._note_use(actor.id)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return actor

    async def _note_use(self, api_key_id: UUID) -> None:
        """Remember the use; a disk that is full keeps nobody from reading."""
        with suppress(StorageFull):
            await self._works.perform(
                lambda work: note_use(work, api_key_id=api_key_id), actor=SYSTEM, action="apiKeyUse"
            )
