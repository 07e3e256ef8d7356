"""Waiting for what comes to be in a moment, without a clock."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, which it does in a moment."""
    for _ in range(4_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to be")  # noqa: EM101, TRY003
