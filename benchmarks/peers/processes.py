"""Servers as processes: each on one core, in a process group of its own, with what it used of processor and memory."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, OTHERS_CORE = 0, 1
"""The server measured has a core for itself; PostgreSQL and the load generator share the other."""

START_S = 60.0
STOP_S = 5.0

Nanoseconds = dict[int, int]


@dataclass(frozen=True)
class Running:
    """A server that was started."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}/graphql"

    def pids(self) -> list[int]:
        """Return the processes of its group, itself among them."""
        if self.process.poll() is not None:
            message = f"{self.name} has ended:\n{self.said()}"
            raise RuntimeError(message)
        return group_members(self.process.pid)

    def said(self) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])


def start(name: str, command: Sequence[str], environment: Mapping[str, str], *, port: int, folder: Path) -> Running:
    """Start a server on its core; it is ready once `wait_until_open` returns.

    Raises `RuntimeError` where somebody has the port already, who would answer instead.
    """
    refuse_busy(port)
    log = folder / f"{name}.log"
    pinned = ["taskset", "-c", str(SERVER_CORE), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            pinned,
            env=os.environ | environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(name, port, process, log)


def refuse_busy(port: int) -> None:
    """Raise `RuntimeError` where somebody listens."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            message = f"port {port} is taken: whoever has it would be measured instead; end it, or choose --port"
            raise RuntimeError(message)


def wait_until_open(server: Running) -> None:
    """Wait until somebody listens; raise `RuntimeError` with what the server printed where nobody does."""
    deadline = time.monotonic() + START_S
    while server.process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.1)
    message = f"{server.name} did not start:\n{server.said()}"
    raise RuntimeError(message)


def stop(server: Running) -> None:
    """End a server with everything that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(STOP_S)
            break
    with suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)


def pin(pid: int | None) -> None:
    """Keep PostgreSQL, and what it starts from now on, on the core of the others."""
    for each in [] if pid is None else descendants(pid):
        os.sched_setaffinity(each, {OTHERS_CORE})


def group_members(group: int) -> list[int]:
    """Return the processes of a group."""
    pids = (int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit())
    return [pid for pid in pids if _group_of(pid) == group]


def _group_of(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return None
    return int(status.rpartition(")")[2].split()[2])


def descendants(pid: int) -> list[int]:
    """Return a process and those that it started."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text(encoding="ascii").split()
            found += [each for child in children for each in descendants(int(child))]
    return found


def processor_time(pids: Sequence[int]) -> Nanoseconds:
    """Return the nanoseconds that each thread was on a processor."""
    times: Nanoseconds = {}
    for pid in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                times[int(task.name)] = int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return times


def used(before: Nanoseconds, after: Nanoseconds) -> float:
    """Return the seconds used between two readings, also by threads that began in between."""
    return sum(spent - before.get(thread, 0) for thread, spent in after.items()) / 1e9


def peak_mib(pids: Sequence[int]) -> float:
    """Return the most memory that the processes ever had."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
            if found := re.search(r"VmHWM:\s+(\d+)", status):
                total += int(found[1])
    return total / 1024
