"""What conversations become by themselves: what sleeps wakes, and what was done long ago is closed for good."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.jobs import Job
from domain.base.sight import WHOLE
from domain.base.work import Work, Works
from domain.interactions.actions.threads import Thread
from domain.interactions.repository.conversations import get_conversation_for_update, list_resolved, list_snoozed
from domain.interactions.rules.conversations import REOPEN_WITHIN, ConversationStatus

AT_ONCE = 100
"""Conversations that are looked for at once; each is changed in a transaction of its own."""


@dataclass(frozen=True, kw_only=True)
class WakeConversations(Job):
    """Wake what sleeps no longer, and close what nobody can open again."""


async def wake_conversations(works: Works, _job: WakeConversations) -> None:
    """Do so, for all of them."""
    await _change_all(works, list_snoozed, _wake)
    await _change_all(works, list_resolved, _close)


async def _change_all(
    works: Works,
    list_due: Callable[..., Awaitable[Sequence[UUID]]],
    change: Callable[..., Awaitable[None]],
) -> None:
    """Change every conversation that is due, the longest due first."""
    due: Sequence[UUID] = ()
    is_more = True
    while is_more:
        async with works.database.reading() as session:
            found = await list_due(session, before=_limit(list_due, works.clock.now()), limit=AT_ONCE)
        fresh = [key for key in found if key not in due]
        for key in fresh:
            await works.perform(partial(change, conversation_id=key), actor=SYSTEM, action="conversationUpkeep")
        due, is_more = found, len(fresh) == AT_ONCE


def _limit(list_due: object, now: datetime) -> datetime:
    return now if list_due is list_snoozed else now - REOPEN_WITHIN


async def _wake(work: Work, *, conversation_id: UUID) -> None:
    """Wake a conversation whose time has come, unless somebody decided otherwise meanwhile."""
    thread = Thread(work, await get_conversation_for_update(work.session, conversation_id, sight=WHOLE))
    until = thread["snoozed_until"]
    if thread.status is ConversationStatus.SNOOZED and until is not None and until <= work.now:
        thread.become(ConversationStatus.OPEN)
        await thread.close()


async def _close(work: Work, *, conversation_id: UUID) -> None:
    """Close a conversation that was resolved long ago."""
    thread = Thread(work, await get_conversation_for_update(work.session, conversation_id, sight=WHOLE))
    resolved_at = thread["resolved_at"]
    is_over = resolved_at is not None and work.now - resolved_at > REOPEN_WITHIN
    if thread.status is ConversationStatus.RESOLVED and is_over:
        thread.become(ConversationStatus.CLOSED)
        await thread.close()
