"""Hints that something was committed, from one process to the others: each means "look at the log", and may get lost.

On PostgreSQL whoever numbers events says so (NOTIFY), once for each batch; every process listens on a connection of its
own. A server that was killed ends that connection, one that is frozen says nothing: so it is asked from time to time.
Whatever was missed meanwhile stands in the log, which is looked at after each new connection, and by itself as well.
"""

import asyncio
import random
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy import URL

from domain.base.lanes import DRIVER_ERRORS

CHANNEL = "sportello_events"

PROBE_EVERY_S = 10.0
PROBE_WITHIN_S = 1.0
"""How long a server may take to answer that it is there."""

CONNECT_WITHIN_S = 5.0
_PAUSE_MIN_S, _PAUSE_MAX_S = 0.1, 5.0

_log = structlog.get_logger(__name__)


class PostgresHints:
    """Listens to what other processes say over PostgreSQL."""

    def __init__(self, url: URL, wake: Callable[[], None], *, probe_every_s: float = PROBE_EVERY_S) -> None:
        """Take where the database is, and whom to wake."""
        _, self._arguments = url.get_dialect()().create_connect_args(url)
        self._wake = wake
        self._probe_every_s = probe_every_s
        self.is_heard = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled, over as many connections as it takes."""
        pause_s = _PAUSE_MIN_S
        while True:
            try:
                await self._listen()
            except (*DRIVER_ERRORS, TimeoutError):
                _log.warning("hints are not heard at the moment", exc_info=True)
            finally:
                was_heard = self.is_heard.is_set()
                self.is_heard.clear()
            pause_s = _PAUSE_MIN_S if was_heard else min(_PAUSE_MAX_S, 2 * pause_s)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  so that not all come back at once

    async def _listen(self) -> None:
        """Listen until the connection is lost. Raises what the driver raises."""
        connection = await asyncpg.connect(**self._arguments, timeout=CONNECT_WITHIN_S)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            self.is_heard.set()
            self._wake()  # for what was said before anybody heard it
            while not lost.is_set():
                try:
                    await asyncio.wait_for(lost.wait(), self._probe_every_s)
                except TimeoutError:
                    await asyncio.wait_for(connection.execute("SELECT 1"), PROBE_WITHIN_S)
        finally:
            connection.terminate()
