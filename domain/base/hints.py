"""Hints that something was committed, from one process to the others: each means "look at the log", and may get lost.

On PostgreSQL whoever numbers events says so (NOTIFY), once for each batch; every process listens on a connection of its
own. A server that was killed ends that connection, one that is frozen says nothing: so it is asked from time to time.
Whatever was missed meanwhile stands in the log, which is looked at after each new connection, and by itself as well.
Hints may go over Valkey instead (`domain/base/valkey_hints.py`).
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog
from sqlalchemy import URL

CHANNEL = "sportello_events"

PROBE_EVERY_S = 10.0
PROBE_WITHIN_S = 1.0
"""How long a server may take to answer that it is there."""

CONNECT_WITHIN_S = 5.0
_PAUSE_MIN_S, _PAUSE_MAX_S = 0.1, 5.0

_log = structlog.get_logger(__name__)


class Pauses:
    """The pauses between attempts: longer each time, until one succeeds, and never twice the same."""

    def __init__(self) -> None:
        """Begin with a short one."""
        self._next_s = _PAUSE_MIN_S

    def begin_anew(self) -> None:
        """Begin with a short one again: something succeeded."""
        self._next_s = _PAUSE_MIN_S

    async def wait(self) -> None:
        """Wait for the next one."""
        pause_s, self._next_s = self._next_s, min(_PAUSE_MAX_S, 2 * self._next_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  so that not all come back at once


class Hints(ABC):
    """Hears hints, and gives them, over as many connections as it takes."""

    def __init__(self, wake: Callable[[], None], *, probe_every_s: float = PROBE_EVERY_S) -> None:
        """Take whom to wake."""
        self._wake = wake
        self._probe_every_s = probe_every_s
        self.is_heard = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled."""
        pauses = Pauses()
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  whatever it is, the next connection may be sound
                _log.warning("hints are not heard at the moment", reason=repr(error))
            finally:
                if self.is_heard.is_set():
                    pauses.begin_anew()
                self.is_heard.clear()
            await pauses.wait()

    @abstractmethod
    def give(self) -> None:
        """Say that events were numbered, without waiting for anybody."""

    def _hear(self) -> None:
        """Note that the connection stands, and look for what was said before it did."""
        self.is_heard.set()
        self._wake()

    @abstractmethod
    async def _listen(self) -> None:
        """Listen until the connection is lost, or raise why it was."""


class PostgresHints(Hints):
    """Hears what other processes say over PostgreSQL."""

    def __init__(self, url: URL, wake: Callable[[], None], *, probe_every_s: float = PROBE_EVERY_S) -> None:
        """Take where the database is, and whom to wake."""
        super().__init__(wake, probe_every_s=probe_every_s)
        _, self._arguments = url.get_dialect()().create_connect_args(url)

    def give(self) -> None:
        """Do nothing: who numbers says so in the same transaction."""

    async def _listen(self) -> None:
        connection = await asyncpg.connect(**self._arguments, timeout=CONNECT_WITHIN_S)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            self._hear()
            while not lost.is_set():
                await self._probe(connection, lost)
        finally:
            connection.terminate()

    async def _probe(self, connection: Any, lost: asyncio.Event) -> None:  # noqa: ANN401  of a library without types
        """Wait for a while whether the connection is lost, then ask for an answer; raises where there is none."""
        try:
            async with asyncio.timeout(self._probe_every_s):
                await lost.wait()
        except TimeoutError:
            async with asyncio.timeout(PROBE_WITHIN_S):
                await connection.execute("SELECT 1")
