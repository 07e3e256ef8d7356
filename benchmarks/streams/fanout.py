"""Telling a thousand sockets, in one process: the product beside bare bytes and beside graphql-ws on Node.

Each server has a core for itself. What it is to say it says by itself, so that only telling is measured, and, of the
product, writing: that is measured alone, too.
"""

import json
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.databases import Place
from benchmarks.peers import processes, servers
from benchmarks.peers.processes import Running
from benchmarks.streams.clients import BUCKET_NS
from benchmarks.streams.talk import SUBSCRIPTION

SOCKETS = 1_000
CLIENTS = 2
"""Processes that the sockets are shared among."""

WAIT_S = 90.0
PORT = 8300

Figures = list[dict[str, Any]]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """Who follows what, and what is said."""

    name: str
    title: str
    conversations: int
    is_unequal: bool = False
    """Whether each asks in words of its own, so that nothing is shared."""
    together: int = 1
    """Messages of one transaction, while as many are said as can be."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many are said as quickly as can be, by the kind of server."""
    paced: int = 60
    every_s: float = 0.05


CASES = (
    Case("one", "one conversation", 1, counts={"bare": 300, "node": 100, "sportello": 200}),
    Case(
        "own", "each its own conversation", SOCKETS, together=20,
        counts={"bare": 40_000, "node": 40_000, "sportello": 2_000}, paced=200, every_s=0.01,
    ),
    Case(
        "unequal", "one conversation, each in words of its own", 1, is_unequal=True,
        counts={"bare": 300, "node": 100, "sportello": 4}, paced=3, every_s=1.0,
    ),
)  # fmt: skip
NAMES = ("bare", "node", "sportello on SQLite", "sportello on PostgreSQL")
_DATABASES = {"sportello on SQLite": "sqlite", "sportello on PostgreSQL": "postgresql"}


def measure(place: Place, tell: Tell, *, repetitions: int = 3, names: Sequence[str] = NAMES) -> Figures:
    """Return the figures of each case and server, medians of some runs in turns."""
    processes.pin(place.server.pid)
    runs: dict[tuple[str, str], Figures] = {}
    for repetition in range(repetitions):
        for case in CASES:
            for name in names:
                tell(f"fan-out, {case.title}, {name}, {repetition + 1} of {repetitions}")
                runs.setdefault((case.name, name), []).append(_measure(place, case, name))
    return [
        {"case": case, "server": name} | {key: _median([each[key] for each in found]) for key in found[0]}
        for (case, name), found in runs.items()
    ]


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2)


def _measure(place: Place, case: Case, name: str) -> dict[str, float]:
    database = _DATABASES.get(name)
    if database is None:
        with _started(place.folder, name, "", case) as running:
            return _Run(place, running, case, name).measure()
    with place.migrated(database) as url, _started(place.folder, "sportello", url, case) as running:
        return _Run(place, running, case, name).measure()


@contextmanager
def _started(folder: Path, name: str, url: str, case: Case) -> Iterator[Running]:
    port, count = str(PORT), str(case.conversations)
    if name == "bare":
        options = ["--port", port, "--log-level", "warning", "--no-access-log", "--lifespan", "on"]
        command = [str(servers.COMMANDS / "uvicorn"), "benchmarks.streams.bare:app", *options]
    elif name == "node":
        command = [servers.node(), str(servers.HERE / "node" / "streams.mjs"), count]
    else:
        command = [sys.executable, "-m", "benchmarks.streams.product", port, count]
    environment = {"PORT": port, "NODE_ENV": "production", "SPORTELLO_DATABASE_URL": servers.plain(url)}
    running = processes.start(name, command, environment, port=PORT, folder=folder)
    try:
        processes.wait_until_open(running)
        yield running
    finally:
        processes.stop(running)


class _Run:
    """One server, measured once."""

    def __init__(self, place: Place, running: Running, case: Case, name: str) -> None:
        self._place = place
        self._running = running
        self._case = case
        self._count = case.counts[name.split(maxsplit=1)[0]]
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=WAIT_S, trust_env=False)
        self._clients: list[subprocess.Popen[bytes]] = []

    def measure(self) -> dict[str, float]:
        """Return what it took to say it alone, to hold the sockets, and to tell them."""
        begun = self._http.post("/begin").json()
        try:
            self._open(begun, SOCKETS // 50)  # what is read and made once is not any socket's
            self._say(self._count // 20 + self._case.together, 0)
            self._close()
            written_us = self._written()
            before = _resident_kib(self._running.pids())
            self._open(begun, SOCKETS)
            held = _resident_kib(self._running.pids()) - before
            told = self._flood()
            delays = self._paced()
        finally:
            self._close()
            self._http.close()
        return {
            "per_second": told["rate"],
            "server_us": told["server_us"],
            "write_us": written_us / self._receivers,
            "client_us": told["client_us"],
            "kib_each": held / SOCKETS,
            "peak_mib": processes.peak_mib(self._running.pids()),
            "p50_ms": delays[0],
            "p99_ms": delays[1],
            "bytes": told["bytes"],
        }

    @property
    def _receivers(self) -> int:
        """Return how many each message is told to."""
        return SOCKETS // self._case.conversations

    def _open(self, begun: Mapping[str, Any], count: int) -> None:
        """Open so many sockets, and wait until all follow."""
        for number in range(CLIENTS):
            sockets = [
                (self._query(place), begun["ids"][place % self._case.conversations])
                for place in range(number, count, CLIENTS)
            ]
            command = ["taskset", "-c", str(processes.OTHERS_CORE), sys.executable, "-m", "benchmarks.streams.clients"]
            client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            self._clients.append(client)
            _write(client, {"port": PORT, "token": begun["token"], "sockets": sockets})
        for client in self._clients:
            _require(_line(client) == b"open\n", "a client could not open its sockets")
        self._wait(lambda: self._http.get("/following").json() == count, "not all sockets follow")

    def _query(self, place: int) -> str:
        return SUBSCRIPTION.replace("subscription(", f"subscription Number{place}(", int(self._case.is_unequal))

    def _close(self) -> None:
        for client in self._clients:
            client.kill()
            client.communicate()
        self._clients.clear()
        self._wait(lambda: self._http.get("/following").json() == 0, "sockets are left over")

    def _say(self, count: int, every_s: float) -> list[int]:
        together = 1 if every_s else self._case.together
        asked = {"count": count, "conversations": self._case.conversations, "together": together, "every_s": every_s}
        committed_at: list[int] = self._http.post("/publish", json=asked).json()
        return committed_at

    def _written(self) -> float:
        """Return what saying a message costs the server where nobody listens, in µs."""
        count = min(self._count, 1_000)
        before = self._spent()
        self._say(count, 0)
        return 1e6 * processes.used(before, self._spent()) / count

    def _flood(self) -> dict[str, float]:
        """Say as many as can be, and return how quickly all of it was heard."""
        expected = self._count * self._receivers
        self._heard([])
        before, client_s, begin = self._spent(), self._client_s(), time.monotonic_ns()
        committed_at = self._say(self._count, 0)
        self._wait_for(expected)
        spent, client_s = processes.used(before, self._spent()), self._client_s() - client_s
        told = self._heard(committed_at)
        _require(sum(each["count"] for each in told) == expected, "more was heard than was said")
        return {
            "rate": expected / ((max(each["last_at"] for each in told) - begin) / 1e9),
            "server_us": 1e6 * spent / expected,
            "client_us": 1e6 * client_s / expected,
            "bytes": sum(each["bytes"] for each in told) / expected,
        }

    def _paced(self) -> tuple[float, float]:
        """Say some at a rate that nobody waits for; return the median and the p99 from commit to socket, in ms."""
        committed_at = self._say(self._case.paced, self._case.every_s)
        self._wait_for(self._case.paced * self._receivers)
        delays: Counter[int] = Counter()
        for each in self._heard(committed_at):
            delays.update({int(bucket): count for bucket, count in each["delays"].items()})
        return _quantile(delays, 0.5), _quantile(delays, 0.99)

    def _spent(self) -> processes.Nanoseconds:
        return processes.processor_time(self._running.pids())

    def _client_s(self) -> float:
        return sum(float(each["cpu_s"]) for each in self._ask({}))

    def _heard(self, committed_at: list[int]) -> list[dict[str, Any]]:
        return self._ask({"committed_at": committed_at})

    def _wait_for(self, count: int) -> None:
        self._wait(lambda: sum(each["count"] for each in self._ask({})) >= count, f"not all of {count} was heard")

    def _ask(self, content: object) -> list[dict[str, Any]]:
        for client in self._clients:
            _write(client, content)
        return [json.loads(_line(client)) for client in self._clients]

    def _wait(self, is_done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not is_done():
            _require(time.monotonic() < deadline, f"{otherwise}:\n{self._running.said()}")
            time.sleep(0.05)


def _quantile(delays: Counter[int], share: float) -> float:
    """Return below what this share of the delays is, in ms."""
    wanted, seen = share * delays.total(), 0
    for bucket in sorted(delays):
        seen += delays[bucket]
        if seen >= wanted:
            return (bucket + 1) * BUCKET_NS / 1e6
    message = "nothing was heard"
    raise RuntimeError(message)


def _write(client: subprocess.Popen[bytes], content: object) -> None:
    assert client.stdin is not None  # noqa: S101
    client.stdin.write(json.dumps(content).encode() + b"\n")
    client.stdin.flush()


def _line(client: subprocess.Popen[bytes]) -> bytes:
    assert client.stdout is not None  # noqa: S101
    return client.stdout.readline()


def _resident_kib(pids: Sequence[int]) -> int:
    """Return the memory that the processes have now."""
    texts = [Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in pids]
    return sum(int(found[1]) for text in texts if (found := re.search(r"VmRSS:\s+(\d+)", text)))


def _require(is_so: bool, otherwise: str) -> None:  # noqa: FBT001
    if not is_so:
        raise RuntimeError(otherwise)
