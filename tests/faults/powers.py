"""A PostgreSQL server of one's own that fails when it is told to, and comes back with its data."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from tests.postgres import OwnServer, PostgresServer, find_postgres_binaries

_ENDED_S = 30.0
SETTINGS = {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on", "max_connections": "100"}
"""What is acknowledged is kept, as in production; the suite's other server forgets for the sake of speed."""


class Ending(Enum):
    """How a server ends."""

    FAST = signal.SIGINT
    """Clients are let go, then it ends in good order."""
    IMMEDIATE = signal.SIGQUIT
    """It ends at once, and repairs itself when it comes back."""
    KILLED = signal.SIGKILL
    """So does it here, without knowing of it."""


class Power:
    """The server's processes."""

    def __init__(self, own: OwnServer, server: PostgresServer) -> None:
        """Take one that runs."""
        self._own = own
        self.server = server

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the server's first process."""
        assert self._own.process is not None
        return self._own.process

    def end(self, how: Ending) -> None:
        """End it, with everything that it started."""
        process = self.process
        started = children(process.pid)
        process.send_signal(how.value)
        try:
            process.wait(_ENDED_S)
        finally:
            self._await_end(started)
        if self.server.folder is not None:  # a server that was killed still says there that it is ready
            (self.server.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._own.run()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nobody, and end nothing, while the block lasts."""
        process = self.process
        os.kill(process.pid, signal.SIGSTOP)
        started = children(process.pid)
        for each in started:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in (*started, process.pid):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)

    def _await_end(self, started: list[int]) -> None:
        """Wait until the processes that a killed server started have noticed it: it does not start beside them."""
        deadline = time.monotonic() + _ENDED_S
        while any(Path(f"/proc/{each}").exists() for each in started):
            assert time.monotonic() < deadline, "processes of PostgreSQL are left"
            time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:  # it has ended
        return []


@contextmanager
def own_postgres() -> Iterator[Power]:
    """Start a server that may fail; its data are on the disk."""
    own = OwnServer(find_postgres_binaries(), SETTINGS)
    try:
        yield Power(own, own.start())
    finally:
        own.stop()
