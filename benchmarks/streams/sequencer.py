"""Numbering events after their commit: by an UPDATE of their rows, as the product does, or in a table of their own.

The UPDATE leaves a dead row for each event. The other way only adds rows, but has to find out what has none yet.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks.databases import Place
from benchmarks.machine import connect_arguments
from benchmarks.peers import processes
from domain.base.identifiers import new_id

WRITERS = 8
EVENTS = 8_000
"""Each is a transaction of its own, with a row of the audit log, as in the product."""

PAGE = 500
LOOK_EVERY_S = 0.01
REPETITIONS = 3

_AUDIT = "INSERT INTO audit_entries (id, action, actor_kind, occurred_at) VALUES ($1, 'test', 'SYSTEM', now())"
_EVENT = """INSERT INTO events (id, type, subjects, audit_id, occurred_at)
    VALUES ($1, 'CustomerUpdated', '{"customer_id": "00000000000000000000000000000000"}', $2, now())"""
_HEAD = "SELECT seq FROM event_heads FOR UPDATE"


@dataclass(frozen=True)
class Way:
    """How events get their numbers."""

    name: str
    number: str
    """Numbers at most `PAGE` events behind the number $1."""
    prepare: str = ""


WAYS = (
    Way(
        "an UPDATE of each event",
        f"""WITH fresh AS (
            SELECT id, row_number() OVER (ORDER BY id) AS place FROM events WHERE seq IS NULL ORDER BY id LIMIT {PAGE})
        UPDATE events SET seq = $1 + fresh.place FROM fresh WHERE events.id = fresh.id AND events.seq IS NULL""",
    ),
    Way(
        "a row in a table of numbers",
        f"""INSERT INTO event_numbers (seq, event_id)
        SELECT $1 + row_number() OVER (ORDER BY id), id FROM (
            SELECT id FROM events WHERE occurred_at > now() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM event_numbers WHERE event_id = events.id) ORDER BY id LIMIT {PAGE}) AS fresh""",
        """CREATE TABLE event_numbers (seq bigint PRIMARY KEY, event_id uuid NOT NULL UNIQUE);
        DROP INDEX ix_events_fresh; ALTER TABLE events DROP CONSTRAINT uq_events_seq;
        CREATE INDEX ON events (occurred_at)""",
    ),
)


def measure(place: Place, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return what each way costs, of the runs in turns that with the median rate."""
    processes.pin(place.server.pid)
    runs: dict[str, list[dict[str, Any]]] = {way.name: [] for way in WAYS}
    for repetition in range(REPETITIONS):
        for way in WAYS:
            tell(f"sequencer, {way.name}, {repetition + 1} of {REPETITIONS}")
            with place.migrated("postgresql") as url:
                runs[way.name].append(asyncio.run(_measure(place, url, way)))
    ordered = {name: sorted(found, key=lambda row: float(row["per_second"])) for name, found in runs.items()}
    return [{"way": name} | found[len(found) // 2] for name, found in ordered.items()]


async def _measure(place: Place, url: str, way: Way) -> dict[str, Any]:
    arguments: dict[str, Any] = connect_arguments(url)
    connections = [await asyncpg.connect(**arguments) for _ in range(WRITERS + 1)]
    own, *writers = connections
    try:
        await own.execute("ALTER TABLE events SET (autovacuum_enabled = false)")  # what is left over is counted
        await own.execute(way.prepare or "SELECT")
        pids = [] if place.server.pid is None else processes.descendants(place.server.pid)
        before, begin = processes.processor_time(pids), time.perf_counter()
        wal = await own.fetchval("SELECT pg_current_wal_lsn()")
        done = asyncio.gather(*(_write(writer, EVENTS // WRITERS) for writer in writers))
        numbered = await _number(own, way, done)
        seconds = time.perf_counter() - begin
        spent = processes.used(before, processes.processor_time(pids))
        wal_bytes = await own.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), $1)", wal)
        if numbered != EVENTS:
            message = f"{way.name}: {numbered} of {EVENTS} events were numbered"
            raise RuntimeError(message)
        await own.execute("ANALYZE events")
        dead = await own.fetchval("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'events'")
        size = await own.fetchval(
            """SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relname IN ('events', 'event_numbers') AND relkind = 'r'"""
        )
    finally:
        for connection in connections:
            await connection.close()
    return {
        "per_second": round(EVENTS / seconds),
        "database_us": round(1e6 * spent / EVENTS),
        "wal_bytes": round(wal_bytes / EVENTS),
        "dead_rows": round(dead / EVENTS, 2),
        "bytes_each": round(size / EVENTS),
    }


async def _write(writer: asyncpg.Connection, count: int) -> None:
    for _ in range(count):
        async with writer.transaction():
            audit_id = new_id()
            await writer.execute(_AUDIT, audit_id)
            await writer.execute(_EVENT, new_id(), audit_id)


async def _number(own: asyncpg.Connection, way: Way, done: "asyncio.Future[list[None]]") -> int:
    """Number what is committed until all is."""
    numbered = 0
    while True:
        is_last = done.done()
        async with own.transaction():
            head = await own.fetchval(_HEAD)
            count = int((await own.execute(way.number, head)).split()[-1])
            if count:
                await own.execute("UPDATE event_heads SET seq = $1", head + count)
        numbered += count
        if is_last and not count:
            await done
            return numbered
        if count < PAGE:
            await asyncio.sleep(LOOK_EVERY_S)
