"""Removing guests of whom nothing came."""

from dataclasses import dataclass

from domain.base.actors import SYSTEM
from domain.base.jobs import Job
from domain.base.work import Work, Works
from domain.customers.repository.visitors import list_unknown, lock_visitors, remove_visitors
from domain.identity.actions.upkeep import SESSIONS_KEPT
from domain.identity.repository.accounts import list_accounts
from domain.identity.repository.sessions import list_customer_sessions, list_visits_over, remove_sessions

VISITORS_AT_ONCE = 100
"""Guests in one transaction, which locks them."""


@dataclass(frozen=True, kw_only=True)
class PurgeVisitors(Job):
    """Remove guests who have been gone for long and never said anything, and the sessions of those who did."""


async def purge_visitors(works: Works, _job: PurgeVisitors) -> None:
    """Remove them, a hundred at a time: a week after their session was over.

    Whoever has a conversation, an order, a consent, a merge, an account, or anything else that names them, stays.
    """

    async def some(work: Work) -> int:
        visits = await list_visits_over(work.session, over_before=work.now - SESSIONS_KEPT, limit=VISITORS_AT_ONCE)
        visitor_ids = sorted(set(visits.values()))
        await lock_visitors(work.session, visitor_ids)
        unknown = await list_unknown(work.session, visitor_ids)
        unknown -= {account.customer_id for account in await list_accounts(work.session, visitor_ids)}
        sessions = await list_customer_sessions(work.session, visitor_ids)
        unknown -= {each.subject_id for each in sessions if each.id not in visits}
        await remove_sessions(work.session, list(visits))
        await remove_visitors(work.session, sorted(unknown))
        return len(visits)

    while await works.perform(some, actor=SYSTEM, action="purgeVisitors"):
        pass
