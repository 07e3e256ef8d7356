"""Slowing down who guesses: attempts are counted before they are looked at, each in a transaction of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.base.actors import SYSTEM, Caller
from domain.base.networks import network_of
from domain.base.work import Work, Works
from domain.identity.errors import TooManyAttempts
from domain.identity.repository.throttles import count_attempt, find_end, forget_attempts, take_attempt_back
from domain.identity.rules import Limit, throttle_key


@dataclass(frozen=True, slots=True)
class Counted:
    """One thing that is counted: of what sort, by what, and how often it may be."""

    sort: str
    by: str
    limit: Limit

    @property
    def key(self) -> str:
        """Return under what it is counted."""
        return throttle_key(self.sort, self.by)


def by_address(caller: Caller, *, sort: str, limit: Limit) -> list[Counted]:
    """Return what is counted by the network address of the caller, of IPv6 by their network; nothing where unknown."""
    return [] if caller.address is None else [Counted(sort, network_of(caller.address), limit)]


async def count(works: Works, *, attempts: Sequence[Counted]) -> None:
    """Count an attempt by each; committed before anything is looked at, so that many at once count as many.

    Raises `TooManyAttempts` where one was tried too often; the others were counted then.
    """
    over = await works.perform(lambda work: _count(work, attempts), actor=SYSTEM, action="attemptCount")
    if over is not None:
        raise over


async def _count(work: Work, attempts: Sequence[Counted]) -> TooManyAttempts | None:
    over = None
    # In the order of their keys: two who count the same ones wait for each other in one direction only.
    for each in sorted(attempts, key=lambda attempt: attempt.key):
        limit = each.limit
        is_allowed = await count_attempt(
            work.session, each.key, attempts_max=limit.attempts_max, ends_at=work.now + limit.within, now=work.now
        )
        if not is_allowed:
            retry_at = await find_end(work.session, each.key) or work.now + limit.within
            over = TooManyAttempts(retry_at=max(retry_at, over.retry_at) if over else retry_at)
    return over


async def forget(work: Work, *, account: Counted, others: Sequence[Counted]) -> None:
    """Note that an attempt was right: failures of this account are forgotten, the others count one less."""
    await forget_attempts(work.session, [account.key])
    await forget_others(work, others=others)


async def forget_others(work: Work, *, others: Sequence[Counted]) -> None:
    """Note that an attempt was right: it does not count."""
    for each in sorted(others, key=lambda attempt: attempt.key):
        await take_attempt_back(work.session, each.key)
