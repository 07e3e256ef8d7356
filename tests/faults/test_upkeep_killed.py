"""What works by itself and is killed (kill -9): the numbers stay dense, and every job has one effect."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain.base.actors import EVERY_PERMISSION, SYSTEM, Actor, ActorKind
from domain.base.database import Database
from domain.base.identifiers import new_id
from domain.base.jobs import enqueue
from domain.base.model import EventHead, EventRecord, JobRecord, JobState
from domain.base.work import Work, Works
from domain.customers.actions.exports import ExportCustomer, request_export
from domain.customers.model import CustomerExport
from domain.customers.rules.profiles import CustomerDetails
from domain.interactions.actions.conversations import set_status
from domain.interactions.actions.upkeep import WakeConversations
from domain.interactions.model import Interaction
from domain.interactions.rules.conversations import ConversationStatus, InteractionKind
from domain.reactions import REACTIONS
from tests.base.stories import APP, opening
from tests.conftest import StandingClock
from tests.customers.family_changing import add_customers
from tests.faults.checking import check_whole
from tests.faults.commands import NUMBER
from tests.faults.conftest import KILLS
from tests.faults.processes import new_command, running
from tests.interactions.chat import Chat, open_chat

OWNER = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=new_id())
WRITE_S = 0.005
"""How long the next write waits for the last one."""

EVENTS_OF_A_WRITE = 40
SLEEPING = 12
AGO = timedelta(minutes=30)


async def head_of(works: Works) -> tuple[int, int, int]:
    """Return where the log ends, which number is the highest, and how many events have one."""
    async with works.database.reading() as session:
        head = (await session.execute(select(EventHead.seq))).scalar_one()
        counts = select(func.max(EventRecord.seq), func.count(EventRecord.seq))
        highest, numbered = (await session.execute(counts)).one()
    return head, highest or 0, numbered


async def until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds in the database."""
    for _ in range(3_000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")  # noqa: EM101, TRY003


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_sequencer_that_is_killed(works: Works, folder: Path, chance: random.Random) -> None:
    """Wherever it stood: the numbers are 1, 2, 3 … without a hole and none twice, and the next one goes on."""
    sequencer = new_command(NUMBER, url=str(works.database.url), folder=folder)
    committed, cut_short = 1, 0  # the first store's event

    async def write_on() -> None:
        nonlocal committed
        while True:
            await works.perform(opening(f"s{committed}", event_count=EVENTS_OF_A_WRITE), actor=APP, action="open")
            committed += EVENTS_OF_A_WRITE
            await asyncio.sleep(WRITE_S)

    async def is_numbering(before: int) -> bool:
        return (await head_of(works))[0] > before

    writing = asyncio.create_task(write_on())
    for _ in range(KILLS):
        head, *_ = await head_of(works)
        async with running(sequencer):
            await until_true(partial(is_numbering, head))
            await asyncio.sleep(chance.uniform(0, 0.02))
        head, highest, numbered = await head_of(works)
        assert head == highest == numbered
        cut_short += numbered < committed
    writing.cancel()
    await asyncio.wait([writing])
    assert cut_short > 0
    await works.feed.settle()
    head, highest, numbered = await head_of(works)
    async with works.database.reading() as session:
        count = (await session.execute(select(func.count()).select_from(EventRecord))).scalar_one()
    assert head == highest == numbered == count >= committed


class Sleepers:
    """A shop in which much is due: conversations that are to wake, and exports to be written."""

    def __init__(self, url: str) -> None:
        """Take its database; what is asked for was asked for a while ago."""
        clock = StandingClock()
        clock.advance(datetime.now(UTC) - AGO - clock.now())
        self.works = Works(database=Database(url, pool_size=4), reactions=REACTIONS, clock=clock)
        self.conversations: list[UUID] = []
        self.exports: list[UUID] = []

    async def add(self, chat: Chat) -> None:
        """Let some more fall asleep, and one more ask for everything about a customer."""
        until = self.works.clock.now() + timedelta(minutes=1)
        for number in range(SLEEPING):
            key = await chat.start(f"About {number}")
            await chat.say(key, "In a minute.", by=chat.agent)
            await self.works.perform(
                partial(set_status, conversation_id=key, status=ConversationStatus.SNOOZED, snoozed_until=until),
                actor=chat.agent,
                action="conversationStatusSet",
            )
            self.conversations.append(key)
        (customer_id,) = await add_customers(self.works, CustomerDetails(given_name="Eva"))
        export = partial(request_export, customer_id=customer_id)
        self.exports.append(await self.works.perform(export, actor=OWNER, action="customerExport"))

        async def wake(work: Work) -> None:
            enqueue(work, job=WakeConversations())

        await self.works.perform(wake, actor=SYSTEM, action="test")

    async def end_leases(self) -> int:
        """Let time pass, until others may take over what a killed runner held; return how much that was."""
        async with self.works.database.writing() as session:
            held = update(JobRecord).where(JobRecord.state == JobState.RUNNING)
            found = await session.execute(held.values(lease_until=self.works.clock.now()))
            await session.commit()
        await self.works.database.dispose()  # on SQLite one process writes
        return int(found.rowcount)  # type: ignore[attr-defined]

    async def count(self, *states: JobState) -> int:
        """Return how many jobs of this shop are in one of these states."""
        kinds = (WakeConversations.__name__, ExportCustomer.__name__)
        async with self.works.database.reading() as session:
            found = select(func.count()).where(JobRecord.kind.in_(kinds), JobRecord.state.in_(states))
            return int((await session.execute(found)).scalar_one())

    async def is_begun(self) -> bool:
        """Tell whether a runner has something."""
        return await self.count(JobState.RUNNING) > 0

    async def is_done(self) -> bool:
        """Tell whether nothing waits any more."""
        return await self.count(JobState.RUNNING, JobState.READY) == 0


async def test_a_runner_of_jobs_that_is_killed(works: Works, folder: Path, chance: random.Random) -> None:
    """Whatever it was at: another one does it, each thing once."""
    url = works.database.url.render_as_string(hide_password=False)
    sleepers = Sleepers(url)
    chat = await open_chat(sleepers.works)
    runner = new_command("jobs", "run", url=url, folder=folder)
    cut_short = 0
    for _ in range(max(KILLS // 3, 1)):
        await sleepers.add(chat)
        await sleepers.works.database.dispose()
        async with running(runner):
            await until_true(sleepers.is_begun)
            await asyncio.sleep(chance.uniform(0, 0.1))
        cut_short += await sleepers.end_leases()
    async with running(runner):
        await until_true(sleepers.is_done)
        runner.stop()
    assert cut_short > 0
    await check_whole(url, is_settled=False)
    async with works.database.reading() as session:
        changes = select(Interaction.conversation_id, Interaction.previous_status, Interaction.status).where(
            Interaction.kind == InteractionKind.STATUS_CHANGE, Interaction.previous_status == "SNOOZED"
        )
        woken = (await session.execute(changes)).all()
        states = select(CustomerExport.id, CustomerExport.state, CustomerExport.document.is_not(None))
        exports = (await session.execute(states)).all()
        counts = select(JobRecord.attempt_count).where(JobRecord.state == JobState.DEAD)
        assert (await session.execute(counts)).all() == []
    assert sorted(row.conversation_id for row in woken) == sorted(sleepers.conversations)
    assert {(row.previous_status, row.status) for row in woken} == {("SNOOZED", "OPEN")}
    assert sorted(exports) == sorted((key, "READY", True) for key in sleepers.exports)
    await sleepers.works.database.dispose()
