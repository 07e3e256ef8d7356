"""PostgreSQL stopped, killed and frozen under load, and the broker killed: typed errors, and nothing lost."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from api import migrations
from tests.broker import running_broker
from tests.faults.checking import check_followed, check_present, check_whole, count_connections, find_last_shown
from tests.faults.conftest import KILLS
from tests.faults.followers import Follower, all_following
from tests.faults.powers import Ending, Power, own_postgres
from tests.faults.processes import Server, new_server, running
from tests.faults.shop import Shop, Unanswered, ask, new_shop
from tests.waiting import until

WRITERS = 3
POOL_SIZE = 4
CONNECTIONS_MAX = POOL_SIZE + POOL_SIZE + 1 + 1
"""Of each server: for reading, for writing with one more for upkeep, and one that listens."""

FILES_MORE_MAX = 8
"""Files and sockets that a server may have open at one moment of the same load and not at another."""

READY_WITHIN_S = 10.0
PAUSE_S = 0.05
AWAY_S = (0.2, 1.0)
FROZEN_S = 30.0 if KILLS >= 100 else 3.0
ROUNDS = max(1, KILLS // 20)


@dataclass
class Load:
    """Two servers of one database, with those who write and those who follow, whatever happens."""

    url: str
    servers: Sequence[Server]
    shop: Shop
    http: httpx.AsyncClient
    followers: Sequence[Follower]
    begin: int
    chance: random.Random
    files: Sequence[int] = ()
    """What each server had open before anything failed."""
    ready_s: list[float] = field(default_factory=list)
    is_over: bool = False

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """Let several write while the block lasts; what they began is acknowledged after it."""
        tasks = [asyncio.create_task(self.write_on()) for _ in range(WRITERS)]
        try:
            yield
            self.is_over = True
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def write_on(self) -> None:
        """Write one thing after the other, each until it is acknowledged."""
        while not self.is_over:
            write = self.shop.new_write(self.chance)
            while write.answer is None:
                with suppress(Unanswered):
                    await self.shop.send(self.chance.choice(self.servers), self.http, write)
                    continue
                await asyncio.sleep(PAUSE_S)

    async def goes_on(self) -> None:
        """Wait until all can serve again, and more is acknowledged than before."""
        began = time.monotonic()
        for server in self.servers:
            await server.until_ready(within_s=READY_WITHIN_S)
        self.ready_s.append(time.monotonic() - began)
        before = len(self.shop.acknowledged)
        await until(lambda: len(self.shop.acknowledged) >= before + 2 * WRITERS)

    async def holds_no_more(self) -> None:
        """Wait until the servers have no more open than before, and PostgreSQL no connection too many."""
        for _ in range(500):
            more = [server.open_files() - files for server, files in zip(self.servers, self.files, strict=True)]
            connections = await count_connections(self.url)
            if max(more) <= FILES_MORE_MAX and connections <= CONNECTIONS_MAX * len(self.servers):
                return
            await asyncio.sleep(0.01)
        raise AssertionError((more, connections))

    async def check(self) -> None:
        """Compare everything: what is stored, what was answered, what was told to those who follow."""
        newest = await find_last_shown(self.url)
        try:
            await until(lambda: all(each.seq >= newest for each in self.followers))
        except AssertionError as error:
            error.add_note(str([(each.name, each.seq, newest, each.comes, each.ends) for each in self.followers]))
            raise
        await check_whole(self.url, is_settled=True)
        assert await check_present(self.url, self.shop.acknowledged, self.shop.writes) == 0
        for each in self.followers:
            await check_followed(self.url, each, begin=self.begin)


@asynccontextmanager
async def load(url: str, folder: Path, chance: random.Random, **settings: str) -> AsyncIterator[Load]:
    """Yield a shop that is written to and followed while the block lasts; then everything is compared."""
    shop = await new_shop(url)
    servers = [new_server(url, folder, SPORTELLO_POOL_SIZE=str(POOL_SIZE), **settings) for _ in range(2)]
    async with running(*servers), httpx.AsyncClient(trust_env=False, timeout=30) as http:
        await shop.open(servers[0], http)
        cursor = (await ask(http, servers[0], "{ eventCursor }", key=shop.key))["eventCursor"]
        followers = [
            Follower(f"{way} {number}", [server], shop.key, cursor, chance, is_by_events=way == "events")
            for way in ("socket", "events")
            for number, server in enumerate(servers)
        ]
        made = Load(url, servers, shop, http, followers, followers[0].seq, chance)
        async with all_following(followers):
            async with made.written():
                await made.goes_on()
                made.files = [server.open_files() for server in servers]
                yield made
            await made.check()


@pytest.fixture(scope="module")
def power() -> Iterator[Power]:
    """Return a PostgreSQL server that may fail."""
    with own_postgres() as running_power:
        yield running_power


@pytest.fixture
async def failing_url(power: Power) -> AsyncIterator[str]:
    """Return the address of an empty database on it."""
    name = f"f_{time.monotonic_ns()}"
    await power.server.create_database(name)
    url = power.server.url(name)
    await asyncio.to_thread(migrations.upgrade, url)
    yield url
    await power.server.drop_database(name)


async def test_postgresql_that_ends_and_comes_back(
    power: Power, failing_url: str, folder: Path, chance: random.Random
) -> None:
    """However it ends: clients hear that it is away, and everything goes on within ten seconds of its return."""
    async with load(failing_url, folder, chance) as story:
        for _ in range(ROUNDS):
            for ending in chance.sample(list(Ending), len(Ending)):
                await asyncio.to_thread(power.end, ending)
                await asyncio.sleep(chance.uniform(*AWAY_S))
                await asyncio.to_thread(power.start)
                await story.goes_on()
        await story.holds_no_more()
    assert story.shop.failures
    print(f"ready within {max(story.ready_s):.1f} s; {dict(story.shop.failures)}; {ends_of(story)}")  # noqa: T201


async def test_postgresql_that_is_frozen(power: Power, failing_url: str, folder: Path, chance: random.Random) -> None:
    """It ends nothing and answers nobody: who waits is told so in time, and everything goes on when it goes on."""
    async with load(failing_url, folder, chance) as story:
        with power.frozen():
            await asyncio.sleep(FROZEN_S)
            assert not any(await asyncio.gather(*(server.is_ready(story.http) for server in story.servers)))
        await story.goes_on()
        await story.holds_no_more()
    print(f"ready within {max(story.ready_s):.1f} s; {dict(story.shop.failures)}; {ends_of(story)}")  # noqa: T201


def ends_of(story: Load) -> dict[str, dict[str, int]]:
    """Return why the streams of each follower ended."""
    return {each.name: dict(each.ends) for each in story.followers}


async def test_a_broker_that_is_killed(power: Power, failing_url: str, folder: Path, chance: random.Random) -> None:
    """Valkey killed and started again under load: no write fails for it, and nobody misses anything."""
    with running_broker() as broker:
        async with load(failing_url, folder, chance, SPORTELLO_HINTS_URL=broker.url) as story:
            for _ in range(2 * ROUNDS):
                broker.kill()
                await asyncio.sleep(chance.uniform(*AWAY_S))
                await story.goes_on()
                broker.start()
                await story.goes_on()
            with broker.frozen():
                await asyncio.sleep(chance.uniform(*AWAY_S))
                await story.goes_on()
            await story.goes_on()
    assert power.server.pid is not None
    assert not story.shop.failures
    assert not any(each.ends for each in story.followers)
