"""Removing what counted for a while only: sessions, codes, attempts."""

from dataclasses import dataclass
from datetime import timedelta

from domain.base.actors import SYSTEM
from domain.base.jobs import Job
from domain.base.upkeep import REMOVED_AT_ONCE
from domain.base.work import Work, Works
from domain.identity.repository.codes import purge_codes
from domain.identity.repository.sessions import purge_refresh_tokens, purge_sessions
from domain.identity.repository.throttles import purge_throttles

SESSIONS_KEPT = timedelta(days=7)
"""Sessions that are over are kept for so long, for who asks where they had signed in."""

USED_TOKENS_KEPT = timedelta(days=30)
"""A refresh token that comes a second time is noticed for so long."""


@dataclass(frozen=True, kw_only=True)
class PurgeSignIn(Job):
    """Remove sessions, refresh tokens, mailed codes and counts of attempts that count no more."""


async def purge_sign_in(works: Works, job: PurgeSignIn) -> None:  # noqa: ARG001  every handler is given its job
    """Remove them, a thousand of each at a time."""

    async def some(work: Work) -> int:
        session, limit = work.session, REMOVED_AT_ONCE
        tokens = await purge_refresh_tokens(session, used_before=work.now - USED_TOKENS_KEPT, limit=limit)
        sessions = await purge_sessions(session, over_before=work.now - SESSIONS_KEPT, limit=limit)
        codes = await purge_codes(session, expired_before=work.now, limit=limit)
        return tokens + sessions + codes + await purge_throttles(session, ended_before=work.now, limit=limit)

    while await works.perform(some, actor=SYSTEM, action="purgeSignIn"):
        pass
