"""What follows from what is said, and from the erasure of who said it."""

from collections.abc import Sequence

from domain.base.work import Work
from domain.customers.actions.timeline import Happening, place_in_timeline
from domain.customers.events import CustomerErased
from domain.files.repository import list_attachment_ids, remove_attachments
from domain.interactions.events import InteractionAdded
from domain.interactions.repository.erasure import empty_conversations, list_ids_in, lock_conversations_of
from domain.interactions.repository.interactions import list_conversations_by_id, list_interactions_by_id
from domain.interactions.rules.conversations import InteractionKind


async def note_messages(work: Work, events: Sequence[InteractionAdded]) -> None:
    """Let messages stand in their customers' timelines."""
    added = await list_interactions_by_id(work.session, [event.interaction_id for event in events])
    messages = [row for row in added.values() if row.kind == InteractionKind.MESSAGE]
    conversations = await list_conversations_by_id(work.session, {row.conversation_id for row in messages})
    happened = [
        Happening(
            id=row.id,
            customer_id=conversations[row.conversation_id].customer_id,
            occurred_at=row.occurred_at,
            store_id=conversations[row.conversation_id].store_id,
        )
        for row in messages
    ]
    await place_in_timeline(work, kind="MESSAGE", happenings=happened)


async def erase_conversations(work: Work, events: Sequence[CustomerErased]) -> None:
    """Let nothing be left of what erased customers said, and of what was said to them. Locks the conversations."""
    await work.session.flush()
    customer_ids = {event.customer_id for event in events}
    emptied = await lock_conversations_of(work.session, customer_ids)
    await empty_conversations(work.session, emptied)
    said = await list_ids_in(work.session, emptied)
    files = await list_attachment_ids(work.session, holder_ids=said, customer_ids=customer_ids)
    await remove_attachments(work.session, files)
