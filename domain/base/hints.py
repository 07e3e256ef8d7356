"""Hints that something was committed, from one process to the others: each means "look at the log", and may get lost.

On PostgreSQL whoever numbers events says so (NOTIFY), once for each batch; every process listens on a connection of its
own. A server that was killed ends that connection, one that is frozen says nothing: so it is asked from time to time.
Whatever was missed meanwhile stands in the log, which is looked at after each new connection, and by itself as well.
Hints may go over Valkey instead (`domain/base/valkey_hints.py`).

Signals (`domain/base/signals.py`) go the same way on a channel of their own, while there is a connection: what is lost
of them is told again, or ends by itself.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from sqlalchemy import URL

from domain.base.signal_words import TEXT_BYTES_MAX
from domain.base.signals import Signals

CHANNEL = "sportello_events"
SIGNALS_CHANNEL = "sportello_signals"
APPLICATION = "sportello-hints"
"""What PostgreSQL calls the connections that listen."""

TOGETHER_S = 0.1
"""Signals within this time are told together."""

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

    def __init__(
        self, wake: Callable[[], None], *, signals: Signals | None = None, probe_every_s: float = PROBE_EVERY_S
    ) -> None:
        """Take whom to wake, and the signals of this process."""
        self._wake = wake
        self._signals = signals
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
                _log.warning("hints are not heard at the moment", reason=_reason(error))
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

    def _hear_signals(self, text: str) -> None:
        """Learn what another process signals."""
        if self._signals is not None:
            self._signals.hear(text)

    async def _tell_signals(self, tell: Callable[[str], Awaitable[object]]) -> None:
        """Tell the other processes what is signalled here, as long as the connection stands: all, then what is new."""
        if self._signals is None:
            return
        with self._signals.relayed():
            while True:
                await self._signals.has_outgoing.wait()
                for text in self._signals.take_outgoing(length_max=TEXT_BYTES_MAX):
                    await tell(text)
                await asyncio.sleep(TOGETHER_S)

    @abstractmethod
    async def _listen(self) -> None:
        """Listen until the connection is lost, and raise why it was."""


def _reason(error: Exception) -> str:
    """Return what went wrong: of things that were done beside each other, what ended them all."""
    return repr(error.exceptions[0] if isinstance(error, ExceptionGroup) else error)


class PostgresHints(Hints):
    """Hears what other processes say over PostgreSQL."""

    def __init__(
        self,
        url: URL,
        wake: Callable[[], None],
        *,
        signals: Signals | None = None,
        probe_every_s: float = PROBE_EVERY_S,
    ) -> None:
        """Take where the database is, whom to wake, and the signals of this process."""
        super().__init__(wake, signals=signals, probe_every_s=probe_every_s)
        _, self._arguments = url.get_dialect()().create_connect_args(url)

    def give(self) -> None:
        """Do nothing: who numbers says so in the same transaction."""

    async def _listen(self) -> None:
        named = {"application_name": APPLICATION}
        connection = await asyncpg.connect(**self._arguments, timeout=CONNECT_WITHIN_S, server_settings=named)
        line = _Line(connection)
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            await connection.add_listener(SIGNALS_CHANNEL, lambda *said: self._hear_signals(said[-1]))
            self._hear()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(line.hold(probe_every_s=self._probe_every_s))
                tasks.create_task(self._tell_signals(line.tell))
        finally:
            connection.terminate()


class _Line:
    """A connection that listens, on which something is asked now and then, one thing at a time."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Watch it from now on."""
        self._connection = connection
        self._asking = asyncio.Lock()
        self._is_lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self._is_lost.set())

    async def hold(self, *, probe_every_s: float) -> None:
        """Ask from time to time whether the server is there; raise when it is not."""
        while not self._is_lost.is_set():
            try:
                async with asyncio.timeout(probe_every_s):
                    await self._is_lost.wait()
            except TimeoutError:
                await self._ask("SELECT 1")
        message = "the connection is lost"
        raise ConnectionError(message)

    async def tell(self, text: str) -> None:
        """Tell every process that listens what is signalled."""
        await self._ask("SELECT pg_notify($1, $2)", SIGNALS_CHANNEL, text)

    async def _ask(self, query: str, *arguments: str) -> None:
        async with self._asking, asyncio.timeout(PROBE_WITHIN_S):
            await self._connection.execute(query, *arguments)
