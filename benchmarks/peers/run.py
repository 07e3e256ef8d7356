"""The comparison: fills the tables, starts all servers, checks their answers, and measures them in turns."""

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.databases import Place
from benchmarks.peers import check, data, load, page, processes, profile, servers, shop
from benchmarks.peers.check import Expected, Pair
from benchmarks.peers.documents import CUSTOMER, OPERATIONS, ORDER
from benchmarks.peers.servers import KINDS, LIMIT_NAMES, PRODUCT_NAME, Kind, Started
from tests.postgres import postgres_server

PORT = 8200
DATABASES = ("postgresql", "sqlite")
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
LONG = {"Q3": 2, "Q4": 2}
"""Operations that are measured for more than a run's usual length."""

WARM_UP_CONNECTIONS = 4
ROUNDS_MIN = 3
"""A run is at least so long that each connection is answered so often."""

SECONDS_MAX = 10
POSTGRESQL = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "max_connections": "300",
}

Figures = list[dict[str, Any]]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is to be measured, and for how long."""

    servers: Sequence[str] = tuple(KINDS)
    operations: Sequence[str] = OPERATIONS
    connections: Sequence[int] = (1, 16, 64)
    seconds: int = 1
    repetitions: int = 3
    customers: int = 100_000
    databases: Sequence[str] = DATABASES
    port: int = PORT
    page: Path | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether it is as much as by default."""
        return self == Options(page=self.page, port=self.port)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    group = parser.add_argument_group("peers", "what is compared, separated by commas, and for how long")
    group.add_argument("--servers", type=_some(KINDS), default=tuple(KINDS), help=f"of {', '.join(KINDS)}")
    group.add_argument("--operations", type=_some(OPERATIONS), default=OPERATIONS, help=f"of {', '.join(OPERATIONS)}")
    group.add_argument("--concurrency", type=_numbers, default=(1, 16, 64), help="connections (1,16,64)")
    group.add_argument("--seconds", type=int, default=1, help="of one run; of Q3 and Q4 twice as many (1)")
    group.add_argument("--repetitions", type=int, help="of which the median is taken (3; with --quick 1)")
    group.add_argument("--customers", type=int, help="with five orders each (100000; with --quick 10000)")
    group.add_argument("--databases", type=_some(DATABASES), default=DATABASES, help="postgresql,sqlite")
    group.add_argument("--page", type=Path, help=f"what is written; of all and no less: {PAGE.name}")
    group.add_argument("--port", type=int, default=PORT, help=f"of the first server, the others behind it ({PORT})")


def options_of(arguments: argparse.Namespace) -> Options:
    """Return what was asked for."""
    return Options(
        servers=arguments.servers,
        operations=arguments.operations,
        connections=arguments.concurrency,
        seconds=arguments.seconds,
        repetitions=arguments.repetitions or (1 if arguments.quick else 3),
        customers=arguments.customers or (10_000 if arguments.quick else 100_000),
        databases=arguments.databases,
        port=arguments.port,
        page=arguments.page,
    )


def _some(choices: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads names of these, separated by commas."""
    known = tuple(choices)

    def words(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if unknown := [each for each in found if each not in known]:
            message = f"{', '.join(unknown)}: choose of {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return found

    return words


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def missing(options: Options) -> str | None:
    """Return what this machine lacks, in a sentence that says what to do; None where all is there."""
    try:
        load.require_wrk()
        if any(KINDS[name].script for name in options.servers):
            servers.node()
    except RuntimeError as error:
        return str(error)
    cores = {processes.SERVER_CORE, processes.OTHERS_CORE}
    if not hasattr(os, "sched_getaffinity") or not cores <= os.sched_getaffinity(0):
        return "two cores are needed, and Linux, which keeps processes on one"
    return None


@contextmanager
def place() -> Iterator[Place]:
    """Yield a PostgreSQL that loses nothing, on the core that it shares with the load generator."""
    # Who is told to end leaves no server behind either: the blocks below are left as after an error.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="sportello-peers-") as folder, postgres_server(POSTGRESQL) as server:
        yield Place(Path(folder), server)


def measure(where: Place, options: Options, tell: Tell) -> Figures:
    """Return the figures of every database, server, operation and number of connections."""
    rows = []
    for database in options.databases:
        with where.migrated(database) as url:
            tell(f"peers: {options.customers:,} customers in {database}")
            data.fill(database, url, options.customers)
            asyncio.run(shop.prepare(url))
            processes.pin(where.server.pid)
            found = _measure(where, database, url, options, tell)
        rows += [{"database": database} | row for row in found]
    return rows


def _measure(where: Place, database: str, url: str, options: Options, tell: Tell) -> Figures:
    kinds = servers.kinds_for(database, options.servers)
    with _started(kinds, url, where.folder, options) as started:
        pairs = asyncio.run(shop.pairs(url))
        tell(f"peers: same answers of {', '.join(kind.name for kind in kinds)}?")
        expected = check.compare(started, options.operations, pairs)
        asyncio.run(shop.clean(url))
        bench = _Bench(url, where, options, started, pairs, expected, tell)
        figures = bench.measure()
    if database == "postgresql" and PRODUCT_NAME in options.servers:
        tell("peers: where the product's time goes")
        _add_parts(figures, _profile(where, url, options, bench.scripts))
    return figures


def _profile(where: Place, url: str, options: Options, scripts: Mapping[tuple[str, str], Path]) -> Mapping[str, Any]:
    """Return which part of the product's time is spent where, by operation; all others have ended."""
    own = {operation: script for (name, operation), script in scripts.items() if name == PRODUCT_NAME}
    with _started([KINDS[PRODUCT_NAME]], url, where.folder, replace(options, port=options.port + len(KINDS))) as (one,):
        found = profile.shares(one, where.folder, own)
    asyncio.run(shop.clean(url))
    return found


def _add_parts(figures: Figures, shares: Mapping[str, Any]) -> None:
    for row in figures:
        if row["server"] == PRODUCT_NAME and row["connections"] == profile.CONNECTIONS:
            row["parts"] = {part: round(row["server_us"] * share) for part, share in shares[row["operation"]].items()}


def describe(options: Options) -> dict[str, str]:
    """Return the versions of everything that is compared."""
    return page.versions(options.servers)


def write_page(options: Options, figures: Figures, machine: dict[str, str]) -> Path | None:
    """Write the page where all was measured, or where one was asked for; return where."""
    path = options.page or (PAGE if options.is_whole else None)
    if path is not None:
        page.write(
            path,
            figures,
            machine,
            customers=options.customers,
            repetitions=options.repetitions,
            seconds=options.seconds,
        )
    return path


@contextmanager
def _started(kinds: Sequence[Kind], url: str, folder: Path, options: Options) -> Iterator[list[Started]]:
    """Yield the running servers, which end with all that they started, whatever happens."""
    started: list[Started] = []
    try:
        for number, kind in enumerate(kinds):
            started.append(servers.start(kind, url, port=options.port + number, folder=folder))
        for each in started:
            processes.wait_until_open(each.running)
        yield started
    finally:
        for each in started:
            processes.stop(each.running)


@dataclass
class _Bench:
    """The running servers, and what is known of them."""

    url: str
    where: Place
    options: Options
    started: Sequence[Started]
    pairs: Sequence[Pair]
    expected: Expected
    tell: Tell
    scripts: dict[tuple[str, str], Path] = field(default_factory=dict)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)
    runs: int = 0

    def measure(self) -> Figures:
        """Measure all in turns, so that each meets the same noise."""
        self._warm_up()
        results: dict[tuple[str, int, str], Figures] = defaultdict(list)
        for repetition, operation in product(range(self.options.repetitions), self.options.operations):
            self.tell(f"peers: {operation}, {repetition + 1} of {self.options.repetitions}")
            answering = [each for each in self.started if operation in each.kind.operations]
            for connections, each in product(self.options.connections, answering):
                results[operation, connections, each.kind.name].append(self._run(each, operation, connections))
        return _medians(results)

    def _warm_up(self) -> None:
        """Let every server answer for a while, and look at every answer."""
        for each in self.started:
            targets = [
                load.Target(signs[CUSTOMER], signs[ORDER]) for signs in (pair.signs(each) for pair in self.pairs)
            ]
            for operation in filter(each.kind.operations.__contains__, self.options.operations):
                key = (each.kind.name, operation)
                self.scripts[key] = load.write_script(
                    self.where.folder, each.kind.name, each.kind.dialect, operation, targets, each.headers
                )
                outcome = self._load(each, operation, WARM_UP_CONNECTIONS, 2, is_checked=True)
                if outcome.errors or not outcome.requests:
                    message = f"{each.kind.name}, {operation}: {outcome.errors} errors, such as {outcome.first_wrong}"
                    raise RuntimeError(message)
                self.rates[key] = outcome.rate

    def _run(self, each: Started, operation: str, connections: int) -> dict[str, Any]:
        """Measure one server once; raise `RuntimeError` where what was measured cannot have been its work."""
        rate = self.rates[each.kind.name, operation]
        seconds = self.options.seconds * LONG.get(operation, 1)
        seconds = min(max(seconds, round(ROUNDS_MIN * connections / rate + 0.5)), SECONDS_MAX)
        own, database = each.running.pids(), self._database_pids()
        before = processes.processor_time(own), processes.processor_time(database)
        outcome = self._load(each, operation, connections, seconds, is_checked=False)
        after = processes.processor_time(own), processes.processor_time(self._database_pids())
        spent, spent_there = (processes.used(*both) for both in zip(before, after, strict=True))
        if spent <= 0 or not outcome.requests:
            message = f"{each.kind.name}, {operation}: no processor time, or no answer: not the server under test?"
            raise RuntimeError(message)
        if not operation.startswith("M"):
            found = check.ask(each, operation, self.pairs[0])
            check.require_equal(self.expected[operation, str(self.pairs[0].customer)], found, each, operation)
        return {
            "rate": outcome.rate,
            "p50_ms": outcome.p50_ms,
            "p99_ms": outcome.p99_ms,
            "server_us": 1e6 * spent / outcome.requests,
            "database_us": 1e6 * spent_there / outcome.requests,
            "peak_mib": processes.peak_mib(own),
            "errors": outcome.errors,
        }

    def _load(
        self, each: Started, operation: str, connections: int, seconds: float, *, is_checked: bool
    ) -> load.Outcome:
        self.runs += 1
        name = f"run{self.runs}"
        outcome = load.run(
            each.running,
            self.scripts[each.kind.name, operation],
            connections=connections,
            seconds=seconds,
            name=name,
            is_checked=is_checked,
        )
        if operation.startswith("M"):
            written = asyncio.run(shop.count_written(self.url, name))
            asyncio.run(shop.clean(self.url))
            # What was under way when the load ended was written, but nobody waited for the answer.
            if not outcome.requests - outcome.errors <= written <= outcome.requests + connections:
                message = f"{each.kind.name}, {operation}: {outcome.requests} answers, but {written} rows"
                raise RuntimeError(message)
        return outcome

    def _database_pids(self) -> list[int]:
        pid = self.where.server.pid
        return [] if pid is None else processes.descendants(pid)


def _medians(results: dict[tuple[str, int, str], Figures]) -> Figures:
    rows = []
    limits: dict[tuple[str, int], float] = defaultdict(float)
    for (operation, connections, name), runs in results.items():
        if name in LIMIT_NAMES:
            rate = statistics.median(run["rate"] for run in runs)
            limits[operation, connections] = max(limits[operation, connections], rate)
    for (operation, connections, name), runs in results.items():
        limit = limits[operation, connections]
        medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        row = {"operation": operation, "connections": connections, "server": name}
        row |= {"per_second": round(medians["rate"], 1), "ratio": round(medians["rate"] / limit, 3)}
        row |= {key: round(medians[key], 2) for key in ("p50_ms", "p99_ms")}
        row |= {key: round(medians[key]) for key in ("server_us", "database_us", "peak_mib")}
        rows.append(row | {"errors": max(run["errors"] for run in runs)})
    return rows
