"""Hints over Valkey or Redis, for many machines: where LISTEN does not get through, or is not to be PostgreSQL's load.

Nothing but hints goes over it: a broker that loses some, is killed or is away for days makes the news late by a quarter
of a second, and no event is lost, as the log stands in the database.
"""

import asyncio
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.base import hints
from domain.base.hints import CHANNEL, CONNECT_WITHIN_S, PROBE_EVERY_S, Hints, Pauses

_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}

_log = structlog.get_logger(__name__)


class ValkeyHints(Hints):
    """Hears and gives hints over a channel of Valkey: one connection to hear, one to speak."""

    def __init__(self, url: str, wake: Callable[[], None], *, probe_every_s: float = PROBE_EVERY_S) -> None:
        """Take where the broker is, and whom to wake."""
        super().__init__(wake, probe_every_s=probe_every_s)
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
                if await _is_published(client):
                    pauses.begin_anew()
                else:
                    await pauses.wait()

    async def _listen(self) -> None:
        async with self._connect() as client, client.pubsub() as heard:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await heard.subscribe(CHANNEL)
            await _answered(heard)
            self._hear()
            while True:
                if await heard.get_message(timeout=self._probe_every_s) is None:
                    await heard.ping()
                    await _answered(heard)
                self._wake()


async def _is_published(client: Redis) -> bool:
    """Publish a hint; tell whether the broker took it."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            await client.publish(CHANNEL, b"")
    except (RedisError, OSError) as error:
        _log.warning("hints are not given at the moment", reason=repr(error))
        return False
    return True


async def _answered(heard: PubSub) -> None:
    """Wait until the broker says anything; raises `TimeoutError` where it does not in time."""
    if await heard.get_message(timeout=hints.PROBE_WITHIN_S) is None:
        message = "the broker does not answer"
        raise TimeoutError(message)
