"""Relations: one call for a whole level of the tree, whatever its width.

    @batched(description="The store that sold it.")
    async def store(orders: list[Order], info: Info) -> list[Store]: ...

The function is given the list of parents and returns the list of results, aligned to it; the field's
type is that of one result. The parents that graphql-core visits one by one are gathered here until
the event loop has nothing else to do, and are then handed over together. What executes a level is
thus the concern of this file alone.
"""

import asyncio
import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_args

import strawberry
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

from domain.base.actors import Permission
from schema.base.context import Info

BATCH_FUNCTION = "sportello.batch"
"""The key of a field's metadata under which an engine finds the function that takes the whole list."""

_Batch = Callable[..., Awaitable[list[Any]]]


def batched(*, description: str, needs: Permission | None = None) -> Callable[[_Batch], StrawberryField]:
    """Declare a field whose function takes a list of parents. `needs`: who may not is refused the field."""

    def declare(resolve: _Batch) -> StrawberryField:
        hints = dict(resolve.__annotations__)  # not evaluated: a parent may be the class that is being made
        (result,) = get_args(hints.pop("return"))
        _parents, info, *arguments = inspect.signature(resolve).parameters.values()

        def gather(self: Any, info: Info, **kwargs: Any) -> Awaitable[Any]:  # noqa: ANN401
            if needs is not None:
                info.context.require(needs)
            return info.context.gatherer.add(self, info, resolve, kwargs)

        gather.__name__, gather.__doc__, gather.__module__ = resolve.__name__, resolve.__doc__, resolve.__module__
        gather.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                info.replace(annotation=Info),
                *(argument.replace(annotation=hints[argument.name]) for argument in arguments),
            ],
            return_annotation=result,
        )
        gather.__annotations__ = {a.name: hints[a.name] for a in arguments} | {"info": Info, "return": result}
        field: StrawberryField = strawberry.field(
            resolver=gather, description=description, metadata={BATCH_FUNCTION: resolve, "needs": needs}
        )
        return field

    return declare


@dataclass(slots=True)
class _Level:
    """The parents of one field at one place of the answer, until they are handed over."""

    resolve: _Batch
    info: Info
    arguments: dict[str, Any]
    parents: list[Any] = dataclasses.field(default_factory=list)
    futures: list[asyncio.Future[Any]] = dataclasses.field(default_factory=list)


class Gatherer:
    """Gathers the parents of batched fields, for one request."""

    def __init__(self) -> None:
        """Start with nothing gathered."""
        self._levels: dict[tuple[object, ...], _Level] = {}
        self._running: set[asyncio.Task[None]] = set()

    def add(self, parent: Any, info: Info, resolve: _Batch, arguments: dict[str, Any]) -> asyncio.Future[Any]:  # noqa: ANN401
        """Return the future result for one parent."""
        key = (resolve, *_place(info))
        loop = asyncio.get_running_loop()
        level = self._levels.get(key)
        if level is None:
            # The same place has the same arguments: GraphQL's validation sees to it.
            level = self._levels[key] = _Level(resolve, info, arguments)
            # Siblings are visited in this turn of the loop or woken in the next one.
            loop.call_soon(loop.call_soon, self._hand_over, key)
        future: asyncio.Future[Any] = loop.create_future()
        level.parents.append(parent)
        level.futures.append(future)
        return future

    def _hand_over(self, key: tuple[object, ...]) -> None:
        task = asyncio.get_running_loop().create_task(_run(self._levels.pop(key)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop what still runs: its client is gone, or the rest of the answer failed."""
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


def _place(info: Info) -> list[str | int]:
    """Return where in the answer a field stands, without the positions in lists."""
    place: list[str | int] = []
    path: Path | None = info.path
    while path is not None:
        if not isinstance(path.key, int):
            place.append(path.key)
        path = path.prev
    return place
