"""Where the product's time goes: its server once more, sampled under load."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers import load, processes, servers
from benchmarks.peers.servers import Started

CONNECTIONS = 16
SECONDS = 4
PATIENCE_S = 10.0

Shares = Mapping[str, float]


def shares(started: Started, place: Path, scripts: Mapping[str, Path]) -> dict[str, Shares]:
    """Return for each operation which part of the server's processor time was spent where."""
    found: dict[str, Shares] = {}
    for operation, script in scripts.items():
        for seconds, name in ((1, "warm"), (SECONDS, "sampled")):
            _told(started, place)
            run = f"{name}-{operation}"
            load.run(started.running, script, connections=CONNECTIONS, seconds=seconds, name=run, is_checked=False)
        seen = _told(started, place)
        total = sum(seen.values())
        if not total:
            message = f"{operation}: nothing was seen of the server under load"
            raise RuntimeError(message)
        found[operation] = {part: count / total for part, count in seen.items()}
    return found


def start(url: str, *, port: int, folder: Path, place: Path) -> Started:
    """Start the product's server with somebody looking."""
    started = servers.start(servers.KINDS[servers.PRODUCT_NAME], url, port=port, folder=folder, sampled_into=place)
    processes.wait_until_open(started.running)
    return started


def _told(started: Started, place: Path) -> dict[str, int]:
    """Ask for what was seen since the last time."""
    place.unlink(missing_ok=True)
    os.kill(_python(started), signal.SIGUSR1)
    deadline = time.monotonic() + PATIENCE_S
    while not place.exists():
        if time.monotonic() > deadline:
            message = f"the sampled server does not answer:\n{started.running.said()}"
            raise RuntimeError(message)
        time.sleep(0.05)
    seen: dict[str, int] = json.loads(place.read_text(encoding="utf-8"))
    return seen


def _python(started: Started) -> int:
    """Return the server's process: `taskset` becomes it."""
    pids: Sequence[int] = started.running.pids()
    return started.running.process.pid if started.running.process.pid in pids else pids[0]
