"""Running at once what can be awaited, as far as it comes without waiting: most of what sends comes to its end.

A task for each would cost as much as the sending itself, where one answer goes out to thousands of sockets.
"""

from collections.abc import Awaitable, Generator
from typing import Any


def begun(awaitable: Awaitable[None]) -> Awaitable[None] | None:
    """Run until it is done (None) or has to wait: then return the rest of it, to be awaited by a task."""
    steps = awaitable.__await__()
    try:
        waited_for = next(steps)
    except StopIteration:
        return None
    return _Rest(steps, waited_for)


class _Rest(Awaitable[None]):
    """The rest of what waits for something."""

    def __init__(self, steps: Generator[Any, Any, None], waited_for: object) -> None:
        self._steps = steps
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self._waited_for  # as it did: the loop is told by whoever awaits
            yield from self._steps
        finally:
            self._steps.close()
