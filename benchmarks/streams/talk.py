"""What is said while it is measured: the conversations, the messages, and how a message is known again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import cycle, islice
from typing import Any

SUBSCRIPTION = """subscription($id: ID!) { conversationEvents(conversationId: $id) {
  __typename ... on InteractionAdded { cursor interaction { ... on Message { id seq text } } } } }"""

MARK = b'"text":"@'
"""Behind it stands the number of a message."""

DIGITS = 8
LENGTH = 120
"""Characters of a message."""


def text_of(number: int) -> str:
    """Return the text of a message, by which clients know it."""
    return f"@{number:0{DIGITS}}@".ljust(LENGTH, "x")


Say = Callable[[list[tuple[int, str]]], Awaitable[int]]
"""Says some texts, each in the conversation of a number, and returns when they were committed, or began to be told."""


async def publish(asked: dict[str, Any], say: Say) -> list[int]:
    """Say so many messages, in turns in so many conversations, and return when each was committed.

    `together`: how many are said at once. `every_s`: how long to wait from one to the next; 0: as quickly as it can be.
    """
    places = cycle(range(asked["conversations"]))
    messages = list(zip(islice(places, asked["count"]), map(text_of, range(asked["count"])), strict=True))
    committed_at: list[int] = []
    begin = time.monotonic()
    for start in range(0, len(messages), asked["together"]):
        some = messages[start : start + asked["together"]]
        committed_at += [await say(some)] * len(some)
        if asked["every_s"]:
            due = begin + len(committed_at) * asked["every_s"]
            await asyncio.sleep(max(due - time.monotonic(), 0))
    return committed_at
