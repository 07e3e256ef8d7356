"""The event log: every event once, in order, also when many write at once."""

import asyncio
from itertools import pairwise

import pytest
from sqlalchemy import select

from domain.base.errors import Taken
from domain.base.model import EventHead, EventRecord
from domain.base.work import Work, Works
from tests.base.stories import APP, opening


async def write_at_once(works: Works) -> int:
    """Perform many works at once, some of which are refused; return how many events were committed."""

    async def refused(work: Work) -> None:
        await opening("refused", event_count=5)(work)
        message = "no"
        raise Taken(message)

    async def refuse() -> None:
        with pytest.raises(Taken):
            await works.perform(refused, actor=APP, action="open")

    async with asyncio.TaskGroup() as tasks:
        for number in range(24):
            story = opening(f"s{number}", event_count=number % 4)
            tasks.create_task(works.perform(story, actor=APP, action="open"))
            if number % 3 == 0:
                tasks.create_task(refuse())
    return 1 + 6 * (0 + 1 + 2 + 3)  # the first store's, and those above


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_events_are_numbered_without_holes_on_sqlite(works: Works) -> None:
    """The numbers are 1, 2, 3 … in the order of the commits, whoever was refused in between."""
    committed = await write_at_once(works)
    async with works.database.reading() as session:
        rows = (await session.execute(select(EventRecord.seq, EventRecord.audit_id).order_by(EventRecord.seq))).all()
        head = (await session.scalars(select(EventHead.seq))).all()
    assert [row.seq for row in rows] == list(range(1, committed + 1))
    assert head == [committed]
    changes = sum(1 for before, after in pairwise(rows) if before.audit_id != after.audit_id)
    assert changes + 1 == len({row.audit_id for row in rows})  # the events of one work stand together


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_events_are_numbered_later_on_postgresql(works: Works) -> None:
    """No write waits for a number there: events are committed without one."""
    committed = await write_at_once(works)
    async with works.database.reading() as session:
        assert (await session.scalars(select(EventRecord.seq))).all() == [None] * committed
        assert (await session.scalars(select(EventHead.seq))).all() == [0]
