"""Hints over Valkey or Redis, for many machines: where LISTEN does not get through, or is not to be PostgreSQL's load.

Nothing but hints and signals goes over it: a broker that loses some, is killed or is away for days makes the news late
by a quarter of a second, and no event is lost, as the log stands in the database. Without it each process knows only
the signals of its own clients.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.base import hints
from domain.base.hints import CHANNEL, CONNECT_WITHIN_S, PROBE_EVERY_S, SIGNALS_CHANNEL, Hints, Pauses
from domain.base.signals import Signals

_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}

_log = structlog.get_logger(__name__)


class ValkeyHints(Hints):
    """Hears and gives hints over channels of Valkey: one connection to hear, one to give hints, one to tell signals."""

    def __init__(
        self,
        url: str,
        wake: Callable[[], None],
        *,
        signals: Signals | None = None,
        probe_every_s: float = PROBE_EVERY_S,
    ) -> None:
        """Take where the broker is, whom to wake, and the signals of this process."""
        super().__init__(wake, signals=signals, probe_every_s=probe_every_s)
        scheme, _, rest = url.partition("://")
        self._url = f"{_SCHEMES.get(scheme, scheme)}://{rest}"
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Listen and speak until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self._speak())

    def give(self) -> None:
        """Say that events were numbered: soon, once for all that is numbered meanwhile."""
        self._news.set()

    def _connect(self) -> Redis:
        """Return a client that gives up at once: it would come back without a word, and what was missed be missed.

        It has no time limit of its own for an answer: the one of the library loses cancellations on Python 3.11.
        """
        never = Retry(NoBackoff(), 0)
        return Redis.from_url(self._url, retry=never, socket_connect_timeout=CONNECT_WITHIN_S, socket_timeout=None)

    async def _speak(self) -> None:
        pauses = Pauses()
        async with self._connect() as client:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._give_once(client, pauses)

    async def _give_once(self, client: Redis, pauses: Pauses) -> None:
        try:
            await _publish(client, CHANNEL, "")
        except (RedisError, OSError) as error:
            _log.warning("hints are not given at the moment", reason=repr(error))
            await pauses.wait()
        else:
            pauses.begin_anew()

    async def _listen(self) -> None:
        async with self._connect() as client, client.pubsub() as heard:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await heard.subscribe(CHANNEL, SIGNALS_CHANNEL)
            await _answer(heard)
            await _answer(heard)  # each channel by itself
            self._hear()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear_on(heard))
                tasks.create_task(self._tell_signals(partial(_publish, client, SIGNALS_CHANNEL)))

    async def _hear_on(self, heard: PubSub) -> None:
        while True:
            message = await heard.get_message(timeout=self._probe_every_s) or await _ping(heard)
            if message["channel"] == SIGNALS_CHANNEL.encode():
                self._hear_signals(message["data"].decode(errors="replace"))
            else:
                self._wake()


async def _publish(client: Redis, channel: str, text: str) -> None:
    async with asyncio.timeout(CONNECT_WITHIN_S):
        await client.publish(channel, text)


async def _ping(heard: PubSub) -> Any:  # noqa: ANN401  as the library has it
    """Ask whether the broker is there, and return the next thing that it says."""
    await heard.ping()
    return await _answer(heard)


async def _answer(heard: PubSub) -> Any:  # noqa: ANN401
    """Return the next thing that the broker says; raises `TimeoutError` where it says nothing in time."""
    return await heard.get_message(timeout=hints.PROBE_WITHIN_S) or _give_up()


def _give_up() -> NoReturn:
    message = "the broker does not answer"
    raise TimeoutError(message)
