"""Holding families: everybody in them is locked, once, until the end of the transaction."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.base.actors import SYSTEM
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.actions.erasure import erase_customer
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import create_customer
from domain.customers.repository.families import hold_families, list_erased, lock_families
from domain.customers.rules.profiles import CustomerDetails
from tests.orders.shop import perform
from tests.statements import hearing


async def add(works: Works, name: str) -> UUID:
    """Add a customer."""
    return await perform(works, lambda work: create_customer(work, details=CustomerDetails(given_name=name)))


async def test_what_is_held_is_not_locked_again(works: Works) -> None:
    """Neither whom one asked for nor their family; and who was erased is known with it."""
    one, other, erased = [await add(works, name) for name in ("A", "B", "C")]
    await perform(works, lambda work: merge_customers(work, survivor_id=one, absorbed_id=other, reason=None))
    await perform(works, lambda work: erase_customer(work, customer_id=erased))

    async def story(work: Work) -> None:
        await hold_families(work.session, [other, erased])
        with hearing() as heard:
            await hold_families(work.session, [one, other])
            await hold_families(work.session, [])
            assert await list_erased(work.session, [one, other, erased]) == {erased}
        assert heard == []
        stranger = new_id()
        await hold_families(work.session, [stranger])
        assert await list_erased(work.session, [stranger, erased]) == {erased}

    await works.perform(story, actor=SYSTEM, action="hold")


async def test_who_is_locked_is_held(works: Works) -> None:
    """Whoever took the records too need not lock them for their sums."""
    one = await add(works, "A")

    async def story(work: Work) -> None:
        await lock_families(work.session, [one])
        with hearing() as heard:
            await hold_families(work.session, [one])
        assert heard == []

    await works.perform(story, actor=SYSTEM, action="hold")


async def test_who_is_erased_in_the_same_work_is_known_as_erased(works: Works) -> None:
    """What was known before is forgotten with the person."""
    one = await add(works, "A")

    async def story(work: Work) -> UUID:
        await hold_families(work.session, [one])
        assert await list_erased(work.session, [one]) == set()
        return await erase_customer(work, customer_id=one)

    async def later(work: Work) -> set[UUID]:
        return await list_erased(work.session, [one])

    await works.perform(story, actor=SYSTEM, action="hold")
    assert await works.perform(later, actor=SYSTEM, action="look") == {one}


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_family_that_changed_while_we_waited_is_held_whole(works: Works) -> None:
    """Who was absorbed meanwhile is held with the family that they are in now."""
    survivor, absorbed = [await add(works, name) for name in ("A", "B")]
    reached, release = asyncio.Event(), asyncio.Event()

    async def merging(work: Work) -> UUID:
        merge_id = await merge_customers(work, survivor_id=survivor, absorbed_id=absorbed, reason=None)
        reached.set()
        await release.wait()
        return merge_id

    async def holding(work: Work) -> int:
        await hold_families(work.session, [absorbed])
        with hearing() as heard:
            await hold_families(work.session, [survivor, absorbed])
        return len(heard)

    async def wait() -> None:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(1_000):
            async with works.database.reading() as session:
                if (await session.execute(text(waiting))).scalar_one():
                    break

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(perform(works, merging))
        await reached.wait()
        held = tasks.create_task(works.perform(holding, actor=SYSTEM, action="hold"))
        await wait()
        release.set()
    assert held.result() == 0
