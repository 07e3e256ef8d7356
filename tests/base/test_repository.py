"""What every area's repository is made of: rows by their ids, and by what they belong to."""

from datetime import timedelta
from uuid import UUID

from domain.base.identifiers import new_id
from domain.base.model import AuditEntry, EventRecord
from domain.base.repository.events import list_audit_entries, list_events
from domain.base.repository.rows import insert_rows, rows_by_id, rows_by_parent
from domain.base.work import Works
from tests.base.stories import APP, opening
from tests.conftest import StandingClock


async def write(works: Works, clock: StandingClock, *event_counts: int) -> list[UUID]:
    """Perform a work for each number, with so many events; return the ids of their audit rows."""
    for number, event_count in enumerate(event_counts):
        clock.advance(timedelta(seconds=1))
        await works.perform(opening(f"s{number}", event_count=event_count), actor=APP, action=f"a{number}")
    async with works.database.reading() as session:
        newest = await list_audit_entries(session, limit=len(event_counts))
    return [entry.id for entry in reversed(newest)]


async def test_rows_are_found_by_their_ids(works: Works, clock: StandingClock) -> None:
    """Each id once, whatever is asked; ids that nobody has are left out; many go in several statements."""
    ids = await write(works, clock, 0, 0, 0)
    strangers = [new_id() for _ in range(1_100)]
    async with works.database.reading() as session:
        found = await rows_by_id(session, AuditEntry, [*strangers, ids[2], ids[0], ids[2]])
        assert await rows_by_id(session, AuditEntry, []) == {}
    assert {key: row.action for key, row in found.items()} == {ids[0]: "a0", ids[2]: "a2"}


async def test_rows_are_found_by_what_they_belong_to(works: Works, clock: StandingClock) -> None:
    """The rows of each parent in order; for a parent without any an empty list."""
    ids = await write(works, clock, 3, 0, 2)
    async with works.database.reading() as session:
        order_by = (EventRecord.occurred_at, EventRecord.id)
        found = await rows_by_parent(session, EventRecord.audit_id, [*ids, *ids], order_by=order_by)
    assert [len(found[key]) for key in ids] == [3, 0, 2]
    assert all(row.audit_id == key for key in ids for row in found[key])
    assert [row.id for row in found[ids[0]]] == sorted(row.id for row in found[ids[0]])


async def test_the_log_is_read_from_its_start(works: Works, clock: StandingClock) -> None:
    """Events come in the order in which they were recorded, audit rows the newest first, both bounded."""
    ids = await write(works, clock, 1, 2, 1)
    async with works.database.reading() as session:
        events = await list_events(session, limit=4)
        audits = await list_audit_entries(session, limit=2)
    assert [event.audit_id for event in events[1:]] == [ids[0], ids[1], ids[1]]
    assert [audit.id for audit in audits] == [ids[2], ids[1]]


async def test_no_rows_are_no_statement(works: Works) -> None:
    """Inserting nothing asks the database nothing."""
    async with works.database.writing() as session:
        await insert_rows(session, AuditEntry, [])
        assert not session.in_transaction()
