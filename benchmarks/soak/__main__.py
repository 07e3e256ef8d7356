"""`make soak`: all write and follow while everything fails in turn; in the end nothing was lost, nothing came twice.

`--minutes 10` is how long it is written, `--events 1000000` how much instead.
"""

import argparse
import asyncio
import math
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from api import migrations
from benchmarks.soak.trouble import Trouble
from benchmarks.soak.writing import Writer, begin_conversations
from domain.base.database import Database
from tests.broker import running_broker
from tests.faults.followers import Follower, all_following
from tests.faults.powers import Power, own_postgres
from tests.faults.processes import new_server, running
from tests.faults.shop import CHANNEL, CUSTOMER, ask, new_shop

FOLLOW = """subscription($after: Cursor) { events(after: $after) { __typename ... on Event { cursor occurredAt }
  ... on InteractionAdded { interaction { __typename seq ... on Message { text } } }
  ... on ResyncRequired { reason } } }"""
WRITERS = 4
SOCKETS, BODIES = 6, 3
CALM_S = 3.0
"""So long after the last trouble what is measured is how long an event takes, and no longer how long trouble does."""

TOLD_EVERY_S = 30.0
CAUGHT_UP_WITHIN_S = 120.0
_BUCKETS_IN_TEN = 40

COUNTS = """
SELECT (SELECT count(*) FROM events), (SELECT count(seq) FROM events), (SELECT max(seq) FROM events),
  (SELECT seq FROM event_heads),
  (SELECT count(*) FROM interactions WHERE kind != 'NOTE'), (SELECT count(*) FROM interactions WHERE kind = 'NOTE'),
  (SELECT count(*) FROM events WHERE type = 'InteractionAdded'), (SELECT count(*) FROM events WHERE type = 'NoteAdded'),
  (SELECT count(*) FROM interactions WHERE client_message_id LIKE 'writer%'),
  (SELECT count(DISTINCT client_message_id) FROM interactions WHERE client_message_id LIKE 'writer%'),
  (SELECT count(*) FROM orders), (SELECT count(*) FROM events WHERE type = 'OrderChanged'),
  (SELECT count(*) FROM (SELECT c.id FROM conversations c LEFT JOIN interactions i ON i.conversation_id = c.id
    GROUP BY c.id, c.last_seq HAVING count(i.id) != c.last_seq OR max(i.seq) != c.last_seq) torn),
  (SELECT count(*) FROM timeline_entries WHERE kind = 'MESSAGE'),
  (SELECT count(*) FROM interactions WHERE kind = 'MESSAGE')
"""


class Times:
    """How long things took, by tenths of their size: as much memory for a million as for one."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[math.ceil(_BUCKETS_IN_TEN * math.log10(max(seconds, 1e-5)))] += 1

    def quantile_ms(self, share: float) -> float:
        """Return in how many milliseconds so many of them were done, rounded up by at most six hundredths."""
        left = share * self._counts.total()
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 0:
                return float(1_000 * 10 ** (bucket / _BUCKETS_IN_TEN))
        return 0.0


@dataclass(eq=False)
class Measuring(Follower):
    """A follower that measures how long events take, from their transaction to its hands."""

    trouble: Trouble | None = None
    times: Times = field(default_factory=Times)

    def take(self, answer: dict[str, Any]) -> None:
        """Take one event."""
        before = self.count
        super().take(answer)
        is_calm = self.trouble is not None and time.monotonic() - self.trouble.calm_since > CALM_S
        if self.count > before and is_calm:
            occurred_at = datetime.fromisoformat(answer["data"]["events"]["occurredAt"])
            self.times.add((datetime.now(UTC) - occurred_at).total_seconds())


def main() -> None:
    """Run it; the code is 1 where anything was lost or came twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long it is written")
    parser.add_argument("--events", type=int, help="how many events are to be written instead")
    parser.add_argument("--seed", type=int, default=6, help="by which chance things fail")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sportello-soak-") as folder, own_postgres() as power:
        figures = asyncio.run(_soak(power, Path(folder), arguments))
    for name, value in figures.items():
        print(f"{name:<28}{value}")
    sys.exit(1 if figures["lost"] or figures["double"] else 0)


async def _soak(power: Power, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    await power.server.create_database("soak")
    url = power.server.url("soak")
    await asyncio.to_thread(migrations.upgrade, url)
    shop = await new_shop(url)
    chance = random.Random(arguments.seed)  # noqa: S311
    with running_broker() as broker:
        servers = [new_server(url, folder, SPORTELLO_HINTS_URL=broker.url) for _ in range(2)]
        servers[0].arguments += ("--workers", "2")
        async with running(*servers), httpx.AsyncClient(trust_env=False, timeout=30) as http:
            customer = await ask(http, servers[0], CUSTOMER, key=shop.key, variables={"key": "s-1"})
            channel = await ask(http, servers[0], CHANNEL, key=shop.key)
            shop.channel_id = channel["channelUpsert"]["channel"]["id"]
            customer_id = customer["customerCreate"]["customer"]["id"]
            conversations = await begin_conversations(http, servers[0], shop, customer_id=customer_id)
            cursor = (await ask(http, servers[0], "{ eventCursor }", key=shop.key))["eventCursor"]
            followers = [
                Measuring(f"{number}", servers, shop.key, cursor, chance, number >= SOCKETS, query=FOLLOW)
                for number in range(SOCKETS + BODIES)
            ]
            trouble = Trouble(power, broker, servers, followers, chance)
            writers = [Writer(f"writer{n}", servers, shop, conversations, chance) for n in range(WRITERS)]
            for each in followers:
                each.trouble = trouble
            begin, began = followers[0].seq, time.monotonic()
            async with all_following(followers):
                await _write(writers, followers, trouble, arguments)
                elapsed_s = time.monotonic() - began
                await _until_caught_up(url, followers)
            return await _figures(url, begin, elapsed_s, writers, followers, trouble)


async def _write(
    writers: Sequence[Writer], followers: Sequence[Measuring], trouble: Trouble, arguments: argparse.Namespace
) -> None:
    """Let all write and everything fail, for as long as it was asked for; then let everything work again."""
    tasks = [asyncio.create_task(writer.run()) for writer in writers]
    failing = asyncio.create_task(trouble.run())
    deadline = time.monotonic() + (float("inf") if arguments.events else 60 * arguments.minutes)
    told_at = time.monotonic()
    try:
        while time.monotonic() < deadline and followers[0].count < (arguments.events or math.inf):
            done, _ = await asyncio.wait([*tasks, failing], timeout=1, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
            if time.monotonic() - told_at > TOLD_EVERY_S:
                told_at = time.monotonic()
                _tell(writers, followers, trouble)
    finally:
        failing.cancel()
        for task in tasks:
            task.cancel()
        await _bring_back(trouble)
        await asyncio.gather(*tasks, failing, return_exceptions=True)


async def _bring_back(trouble: Trouble) -> None:
    """Start again what was away when time was up."""
    process = trouble.power.process
    if process.poll() is not None:
        await asyncio.to_thread(trouble.power.start)
    if not trouble.broker.is_running:
        trouble.broker.start()
    for server in trouble.servers:
        if not server.is_running:
            await server.until_gone()
            server.start()
    await trouble.all_ready()


def _tell(writers: Sequence[Writer], followers: Sequence[Measuring], trouble: Trouble) -> None:
    written, failed = sum(writer.written.total() for writer in writers), trouble.happened.total()
    print(f"{written:,} writes, {followers[0].count:,} events, {failed} troubles …", flush=True)


async def _until_caught_up(url: str, followers: Sequence[Follower]) -> None:
    deadline = time.monotonic() + CAUGHT_UP_WITHIN_S
    head = None
    while time.monotonic() < deadline:
        (counts,) = await _read(url, COUNTS)
        head = counts[3] if counts[0] == counts[1] else None
        if head is not None and all(follower.seq == head for follower in followers):
            return
        await asyncio.sleep(0.2)
    print(f"not all have caught up: {[follower.seq for follower in followers]} of {head}")


async def _read(url: str, statement: str) -> Sequence[Any]:
    database = Database(url, pool_size=1)
    try:
        async with database.reading() as session:
            return (await session.execute(text(statement))).all()
    finally:
        await database.dispose()


async def _figures(
    url: str,
    begin: int,
    elapsed_s: float,
    writers: Sequence[Writer],
    followers: Sequence[Measuring],
    trouble: Trouble,
) -> dict[str, Any]:
    """Compare what is stored with what was acknowledged and with what everybody was told."""
    (counts,) = await _read(url, COUNTS)
    rows, numbered, newest, head, others, notes, added, noted, own, distinct, orders, ordered, torn, placed, said = (
        counts
    )
    written: Counter[str] = sum((writer.written for writer in writers), Counter())
    messages = written["messageSend"] + written["noteAdd"]
    lost = {
        "numbers": abs(rows - head) + abs(numbered - head) + abs(newest - head),
        "acknowledged": abs(own - messages) + abs(orders - written["orderUpsert"]),
        "events of writes": abs(added - others) + abs(noted - notes) + abs(ordered - orders),
        "torn conversations": torn + abs(placed - said),
        "told": sum(last - first + 1 for each in followers for first, last in each.gaps)
        + sum(head - each.seq for each in followers),
    }
    double = own - distinct + sum(len(each.doubles) for each in followers)
    times = Times()
    for each in followers:
        times._counts.update(each.times._counts)  # noqa: SLF001
    return {
        "minutes": f"{elapsed_s / 60:.1f}",
        "writes acknowledged": f"{written.total():,} ({written.total() / elapsed_s:.0f}/s)",
        "events": f"{head - begin:,} ({(head - begin) / elapsed_s:.0f}/s)",
        "events told": f"{sum(each.count for each in followers):,} to {len(followers)} followers",
        "resumes": f"{sum(each.comes for each in followers) - len(followers):,}",
        "requests sent again": f"{sum(writer.repeats for writer in writers):,} {_listed(_sum_of_failures(writers))}",
        "troubles": f"{trouble.happened.total()} {_listed(trouble.happened)}",
        "longest until ready": ", ".join(
            f"{name} {ready_s:.1f} s" for name, ready_s in sorted(trouble.ready_s.items())
        ),
        "write → follower, calm": f"p50 {times.quantile_ms(0.5):.0f} ms, p99 {times.quantile_ms(0.99):.0f} ms",
        "memory of this process": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB",
        "lost": {name: count for name, count in lost.items() if count},
        "double": double,
    }


def _sum_of_failures(writers: Sequence[Writer]) -> Mapping[str, int]:
    return sum((writer.failures for writer in writers), Counter())


def _listed(counts: Mapping[str, int]) -> str:
    return f"({', '.join(f'{name} {count}' for name, count in sorted(counts.items()))})"


if __name__ == "__main__":
    main()
