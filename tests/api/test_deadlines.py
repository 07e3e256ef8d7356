"""One timer for all deadlines: whoever is late is ended, and nobody else."""

import asyncio

import pytest

from api.deadlines import Deadlines

ALLOWED_S = 0.05


async def late(deadlines: Deadlines) -> str:
    """Take longer than is allowed."""
    try:
        with deadlines.begin():
            await asyncio.sleep(5)
    except TimeoutError:
        return "late"
    return "in time"


async def test_what_takes_too_long_ends_and_what_does_not_is_left_alone() -> None:
    """Look at many at once."""
    deadlines = Deadlines(ALLOWED_S)

    async def quick() -> str:
        with deadlines.begin():
            await asyncio.sleep(0)
        await asyncio.sleep(ALLOWED_S * 3)  # outside of the block nobody looks
        return "in time"

    found = await asyncio.gather(*(late(deadlines) for _ in range(20)), *(quick() for _ in range(20)))
    assert found == ["late"] * 20 + ["in time"] * 20
    assert deadlines.running == {}


async def test_it_looks_again_after_a_rest() -> None:
    """Begin when nothing has run for a while."""
    deadlines = Deadlines(ALLOWED_S)
    assert await late(deadlines) == "late"
    await asyncio.sleep(ALLOWED_S)
    assert await late(deadlines) == "late"


async def test_whoever_else_cancels_has_their_way() -> None:
    """Cancel from outside, before the time is over and after."""
    deadlines = Deadlines(ALLOWED_S)
    task = asyncio.create_task(late(deadlines))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def stubborn() -> None:
        with deadlines.begin():
            try:
                await asyncio.sleep(5)
            finally:
                current.cancel()  # twice now: once by the deadline, once by somebody else

    current = asyncio.create_task(stubborn())
    with pytest.raises(asyncio.CancelledError):
        await current


async def test_another_error_at_the_end_of_the_time_stays_what_it_is() -> None:
    """Fail while being ended."""
    error = ValueError("first")

    async def failing() -> None:
        with Deadlines(ALLOWED_S).begin():
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                raise error from None

    with pytest.raises(ValueError, match="first"):
        await failing()


def test_each_loop_has_a_timer_of_its_own() -> None:
    """Run in one loop after the other, the first of which ends with something running."""
    deadlines = Deadlines(ALLOWED_S)

    async def left() -> None:
        task = asyncio.create_task(late(deadlines))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(left())
    assert asyncio.run(late(deadlines)) == "late"
