"""What fails while all write and follow: one thing after the other, by chance, and each comes back."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.broker import Broker
from tests.faults.followers import Follower
from tests.faults.powers import Ending, Power, children
from tests.faults.processes import Server

PAUSE_S = (2.0, 8.0)
AWAY_S = (0.2, 2.0)
READY_WITHIN_S = 30.0


@dataclass
class Trouble:
    """Everything that may fail."""

    power: Power
    broker: Broker
    servers: Sequence[Server]
    followers: Sequence[Follower]
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    calm_since: float = field(default_factory=time.monotonic)
    """Since when nothing has failed; infinite while something does."""
    ready_s: dict[str, float] = field(default_factory=dict)
    """The longest time that it took until all could serve again, after each kind of trouble."""

    async def run(self) -> None:
        """Let something fail now and then, until cancelled."""
        while True:
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))
            name = self.chance.choice(list(self._kinds))
            self.calm_since = float("inf")
            self.happened[name] += 1
            try:
                await self._kinds[name]()
                self.ready_s[name] = max(self.ready_s.get(name, 0.0), await self.all_ready())
            finally:
                self.calm_since = time.monotonic()

    async def all_ready(self) -> float:
        """Wait until all can serve again; return the seconds that it took."""
        began = time.monotonic()
        for server in self.servers:
            await server.until_ready(within_s=READY_WITHIN_S)
        return time.monotonic() - began

    @property
    def _kinds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "followers dropped": self._drop,
            "server killed": lambda: self._end_server(is_killed=True),
            "server restarted": lambda: self._end_server(is_killed=False),
            "worker killed": self._kill_worker,
            "PostgreSQL restarted": lambda: self._end_postgres(Ending.FAST),
            "PostgreSQL stopped at once": lambda: self._end_postgres(Ending.IMMEDIATE),
            "PostgreSQL killed": lambda: self._end_postgres(Ending.KILLED),
            "PostgreSQL frozen": self._freeze,
            "broker killed": self._kill_broker,
        }

    async def _away(self) -> None:
        await asyncio.sleep(self.chance.uniform(*AWAY_S))

    async def _drop(self) -> None:
        for follower in self.followers:
            follower.drop()

    async def _end_server(self, *, is_killed: bool) -> None:
        server = self.chance.choice(self.servers)
        await asyncio.to_thread(server.kill if is_killed else server.stop)
        await self._away()
        await server.until_gone()
        server.start()

    async def _kill_worker(self) -> None:
        workers = [pid for server in self.servers for pid in children(server.pid)]
        if workers:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(workers), signal.SIGKILL)
        await self._away()

    async def _end_postgres(self, how: Ending) -> None:
        await asyncio.to_thread(self.power.end, how)
        await self._away()
        await asyncio.to_thread(self.power.start)

    async def _freeze(self) -> None:
        with self.power.frozen():
            await self._away()

    async def _kill_broker(self) -> None:
        self.broker.kill()
        await self._away()
        await asyncio.to_thread(self.broker.start)
