"""A server that is killed at any moment (kill -9): what it acknowledged is there, and nothing is half there."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.faults.checking import (
    check_followed,
    check_present,
    check_whole,
    count_fresh,
    find_last_shown,
    until_left,
)
from tests.faults.conftest import KILLS
from tests.faults.followers import Follower, all_following
from tests.faults.processes import Server, new_server, running
from tests.faults.shop import Shop, Unanswered, ask, new_shop
from tests.waiting import until

WRITERS = 4
AGAIN = 5
"""Writes that were acknowledged and are sent once more after each kill."""

DELAY_S = (0.02, 0.6)


@dataclass
class Story:
    """A server that is killed again and again, with those who write and those who follow."""

    url: str
    server: Server
    shop: Shop
    http: httpx.AsyncClient
    followers: list[Follower]
    begin: int
    chance: random.Random
    found: Counter[str] = field(default_factory=Counter)
    """What the kills came upon."""

    async def write_until_killed(self) -> None:
        """Let several write at once, and kill the server in the middle of it."""
        tasks = [asyncio.create_task(self._write_on()) for _ in range(WRITERS)]
        await asyncio.sleep(self.chance.uniform(*DELAY_S))
        self.server.kill()
        await asyncio.gather(*tasks)

    async def _write_on(self) -> None:
        with suppress(Unanswered):
            while True:
                await self.shop.send(self.server, self.http, self.shop.new_write(self.chance))

    async def look(self) -> None:
        """Look at what the killed server left behind, before anybody goes on."""
        await until_left(self.url)
        await check_whole(self.url, is_settled=False)
        unknown = await check_present(self.url, self.shop.acknowledged, self.shop.writes)
        self.found["done, but not acknowledged"] += unknown
        self.found["not done"] += len(self.shop.waiting) - unknown
        self.found["not numbered"] += bool(await count_fresh(self.url))

    async def repeat(self) -> None:
        """Send everything again of which nobody knows what became, twice and at once, and some that was answered."""
        again = self.chance.sample(self.shop.acknowledged, min(AGAIN, len(self.shop.acknowledged)))
        for write in [*self.shop.waiting, *again]:
            one, other = await asyncio.gather(*(self.shop.send(self.server, self.http, write) for _ in range(2)))
            assert one == other
        assert not self.shop.waiting

    async def check(self) -> None:
        """Compare everything: what is stored, what was answered, what was told to those who follow."""
        newest = await find_last_shown(self.url)
        await until(lambda: all(each.seq >= newest for each in self.followers))
        await check_whole(self.url, is_settled=True)
        assert await check_present(self.url, self.shop.acknowledged, self.shop.writes) == 0
        for each in self.followers:
            await check_followed(self.url, each, begin=self.begin)


@asynccontextmanager
async def begun(url: str, folder: Path, chance: random.Random) -> AsyncIterator[Story]:
    """Yield a shop that is served, with two who follow everything."""
    shop = await new_shop(url)
    server = new_server(url, folder)
    async with running(server), httpx.AsyncClient(trust_env=False, timeout=30) as http:
        await shop.open(server, http)
        cursor = (await ask(http, server, "{ eventCursor }", key=shop.key))["eventCursor"]
        followers = [
            Follower(name, [server], shop.key, cursor, chance, is_by_events=name == "events")
            for name in ("socket", "events")
        ]
        async with all_following(followers):
            yield Story(url, server, shop, http, followers, followers[0].seq, chance)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_server_that_is_killed(database_url: str, folder: Path, chance: random.Random) -> None:
    """Whatever it was doing: acknowledged is there, once; what was not can be sent again; nobody misses an event."""
    async with begun(database_url, folder, chance) as story:
        for _ in range(max(KILLS // 2, 1)):
            await story.write_until_killed()
            await story.look()
            story.server.start()
            await story.server.until_ready()
            await story.repeat()
            await story.check()
    assert set(story.shop.failures) == {"broken"}
    assert story.found["not done"] + story.found["done, but not acknowledged"] > 0
    print(f"{database_url.partition(':')[0]}: {dict(story.found)}, {len(story.shop.writes)} writes")  # noqa: T201
