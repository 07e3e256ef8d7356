"""Who read the personal data of many people at once: told to the audit log, which nobody waits for."""

from collections.abc import Sequence

from domain.base.actors import SYSTEM, Actor, ActorKind
from domain.base.model import AuditEntry
from domain.base.repository.events import add_audit_entries
from domain.base.work import Work, Works

BULK_FROM = 10
"""People in one request: an agent's screen shows a customer and perhaps their household, a list shows more."""

ACTION = "personalDataRead"


async def note_reading(works: Works, *, actor: Actor, request_id: str, person_count: int) -> bool:
    """Note that somebody read the personal data of so many people, where these are many; return whether it was.

    Readings that are noted at the same time are committed together. Raises `StorageFull`.
    """
    if person_count < BULK_FROM or actor.kind in (ActorKind.ANONYMOUS, ActorKind.CUSTOMER):
        return False

    async def write(entries: Sequence[AuditEntry]) -> None:
        async def story(work: Work) -> None:
            await add_audit_entries(work.session, entries)

        await works.perform(story, actor=SYSTEM, action=ACTION)

    entry = AuditEntry(
        action=ACTION,
        actor_kind=actor.kind,
        actor_id=actor.id,
        request_id=request_id,
        occurred_at=works.clock.now(),
        person_count=person_count,
    )
    await works.readings.add(entry, write)
    return True
