"""Writing together what comes at the same time: one commit for many, without making anybody wait for others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

_Item = TypeVar("_Item")
_Waiting: TypeAlias = list[tuple[_Item, asyncio.Future[None]]]


class Together(Generic[_Item]):
    """Items that are written at once by the first who comes; what comes meanwhile is the next batch."""

    def __init__(self) -> None:
        """Start with nothing to write."""
        self._waiting: _Waiting[_Item] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: _Item, write: Callable[[Sequence[_Item]], Awaitable[None]]) -> None:
        """Wait until the item is written, with others or alone; raises what writing it raised.

        Who gives up waiting does not keep it from being written.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        written.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to look
        self._waiting.append((item, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(write))
        await written

    async def settle(self) -> None:
        """Wait until nothing is left to write."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write_all(self, write: Callable[[Sequence[_Item]], Awaitable[None]]) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await _write(batch, write)
        finally:
            self._writing = None


async def _write(batch: _Waiting[_Item], write: Callable[[Sequence[_Item]], Awaitable[None]]) -> None:
    """Write a batch, and tell everybody in it what became of it."""
    failure: Exception | None = None
    try:
        await write([item for item, _ in batch])
    except Exception as error:  # noqa: BLE001  it is theirs who wait
        failure = error
    for _, written in batch:
        if written.done():
            continue
        if failure is None:
            written.set_result(None)
        else:
            written.set_exception(failure)
