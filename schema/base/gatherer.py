"""Gathering the parents that graphql-core visits one by one, so that a level is read in one call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql.pyutils import Path
from strawberry import Info

Batch: TypeAlias = Callable[..., Awaitable[list[Any]]]
"""Takes the parents of a level and returns their results, aligned."""


@dataclass(slots=True)
class _Level:
    """The parents of one field at one place of the answer, until they are handed over."""

    resolve: Batch
    info: Info[Any, None]
    arguments: dict[str, Any]
    parents: list[Any] = field(default_factory=list)
    futures: list[asyncio.Future[Any]] = field(default_factory=list)


class Gatherer:
    """Gathers the parents of batched fields, for one request."""

    def __init__(self) -> None:
        """Start with nothing gathered."""
        self._levels: dict[tuple[object, ...], _Level] = {}
        self._running: set[asyncio.Task[None]] = set()

    def add(self, parent: Any, info: Info[Any, None], resolve: Batch, arguments: dict[str, Any]) -> asyncio.Future[Any]:  # noqa: ANN401
        """Return the future result for one parent."""
        key = (resolve, info.path.typename, *_place(info))
        loop = asyncio.get_running_loop()
        level = self._levels.get(key)
        if level is None:
            # The same field at the same place has the same arguments: GraphQL's validation sees to it.
            level = self._levels[key] = _Level(resolve, info, arguments)
            # Siblings are visited in this turn of the loop or woken in the next one.
            loop.call_soon(loop.call_soon, self._hand_over, key)
        future: asyncio.Future[Any] = loop.create_future()
        level.parents.append(parent)
        level.futures.append(future)
        return future

    def _hand_over(self, key: tuple[object, ...]) -> None:
        level = self._levels.pop(key, None)
        if level is None:  # the request is over: nobody waits for this level, and nobody would clean up after it
            return
        task = asyncio.get_running_loop().create_task(_run(level))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop what runs and what is about to: the client is gone, or the rest of the answer failed."""
        for level in self._levels.values():
            for future in level.futures:
                future.cancel()
        self._levels.clear()
        if not self._running:
            return
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _run(level: _Level) -> None:
    try:
        results = await level.resolve(level.parents, level.info, **level.arguments)
        for future, result in zip(level.futures, results, strict=True):
            if not future.done():
                future.set_result(result)
    except Exception as error:  # noqa: BLE001  each parent's field shows it at its own path
        for future in level.futures:
            if not future.done():
                future.set_exception(error)


def _place(info: Info[Any, None]) -> list[str | int]:
    """Return where in the answer a field stands, without the positions in lists."""
    place: list[str | int] = []
    path: Path | None = info.path
    while path is not None:
        if not isinstance(path.key, int):
            place.append(path.key)
        path = path.prev
    return place
