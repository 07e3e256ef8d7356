"""How long something may take, for many tasks at once: one timer looks at all of them.

A timer for each request costs more than most of what a request does, and nearly none of them ever goes off.
"""

import asyncio
import time
from types import TracebackType
from typing import Self

_LOOKS = 8
"""How often the timer looks in the time that is allowed: a task gets so much more, and at most a second."""


class Deadlines:
    """Cancels each task that takes longer than is allowed, which then raises `TimeoutError`."""

    def __init__(self, allowed_s: float) -> None:
        """Take the time that a task has, in seconds."""
        self.running: dict[Deadline, None] = {}
        """In the order in which they end: all have the same time."""
        self._allowed_s = allowed_s
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> "Deadline":
        """Return a block that has so much time."""
        return Deadline(self)

    def end_at(self, deadline: "Deadline") -> float:
        """Return when a deadline that begins now ends, and see to it that somebody looks."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self.running.clear()  # of a loop that runs no more
            self._look_later(loop)
        self.running[deadline] = None
        return time.monotonic() + self._allowed_s

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(min(1.0, self._allowed_s / _LOOKS), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            return
        now = time.monotonic()
        for deadline in list(self.running):
            if deadline.at > now:
                break
            deadline.pass_by()
            del self.running[deadline]
        if self.running:
            self._look_later(loop)
        else:
            self._loop = None


class Deadline:
    """A block that raises `TimeoutError` where it takes longer than is allowed."""

    __slots__ = ("_cancelling", "_deadlines", "_is_over", "_task", "at")

    def __init__(self, deadlines: Deadlines) -> None:
        """Take who looks at it."""
        self._deadlines = deadlines
        self._is_over = False
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.at = 0.0

    def pass_by(self) -> None:
        """End what runs in the block."""
        self._is_over = True
        assert self._task is not None  # noqa: S101  it began
        self._task.cancel()

    def __enter__(self) -> Self:
        """Begin."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  something runs us
        self._task = task
        self._cancelling = task.cancelling()
        self.at = self._deadlines.end_at(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End; whoever else cancelled the task meanwhile has their way."""
        self._deadlines.running.pop(self, None)
        task, self._task = self._task, None
        if not self._is_over or task is None:
            return
        is_ours_alone = task.uncancel() <= self._cancelling
        if is_ours_alone and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
