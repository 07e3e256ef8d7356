"""Writing together what comes at the same time."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.base.together import Together


class Log:
    """Writes batches, one after another, when it is let."""

    def __init__(self) -> None:
        """Start with nothing written."""
        self.batches: list[list[int]] = []
        self.gate = asyncio.Semaphore(0)

    async def write(self, items: Sequence[int]) -> None:
        """Wait to be let, and write; 13 cannot be."""
        await self.gate.acquire()
        if 13 in items:
            message = "unlucky"
            raise ValueError(message)
        self.batches.append(list(items))


async def begin(together: Together[int], log: Log, *items: int) -> list[asyncio.Task[None]]:
    """Let several add an item each; all are waiting afterwards."""
    tasks = [asyncio.create_task(together.add(item, log.write)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_meanwhile_is_one_batch() -> None:
    """The first is written at once, alone; the others wait for it, and then go in together."""
    together, log = Together[int](), Log()
    first = await begin(together, log, 1)
    rest = await begin(together, log, 2, 3, 4)
    log.gate.release()
    await asyncio.gather(*first)
    assert log.batches == [[1]]
    assert not any(task.done() for task in rest)
    log.gate.release()
    await asyncio.gather(*rest)
    assert log.batches == [[1], [2, 3, 4]]


async def test_who_gives_up_waiting_is_written_all_the_same() -> None:
    """A client that goes away takes nothing out of the log."""
    together, log = Together[int](), Log()
    (first,) = await begin(together, log, 1)
    (second,) = await begin(together, log, 2)
    first.cancel()
    second.cancel()
    log.gate.release()
    log.gate.release()
    await together.settle()
    assert log.batches == [[1], [2]]
    await together.settle()


async def test_what_fails_is_told_to_those_in_the_batch() -> None:
    """Everybody in it hears why; the next batch goes on."""
    together, log = Together[int](), Log()
    first = await begin(together, log, 1)
    told, gone = await begin(together, log, 13, 2)
    gone.cancel()
    log.gate.release()
    log.gate.release()
    outcomes = await asyncio.gather(*first, told, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError]
    with pytest.raises(asyncio.CancelledError):
        await gone
    (later,) = await begin(together, log, 3)
    log.gate.release()
    await later
    assert log.batches == [[1], [3]]
