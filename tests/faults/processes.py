"""Real processes of the command, to be killed: a server or a runner of jobs, each on an address of its own."""

import asyncio
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from tests.faults import commands

START_S = 60.0
STOP_S = 20.0
_LOG_LINES = 40

SETTINGS = {
    "SPORTELLO_EXPLORER": "false",
    "SPORTELLO_LOG_FORMAT": "json",
    "SPORTELLO_LOG_LEVEL": "warning",
    "SPORTELLO_COST_BUDGET": "1000000000",
    "SPORTELLO_COST_RESTORE_RATE": "1000000",
    "SPORTELLO_STREAMS_PER_ADDRESS": "10000",
    "SPORTELLO_SOCKET_MESSAGES_PER_SECOND": "10000",
}
"""Limits that stay out of the way; everything else is as it comes."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([commands.__name__])


def free_port() -> int:
    """Return a port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
    return port


@dataclass(eq=False)
class Command:
    """One command, which can be started again after it ended."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    starts: int = 0
    _process: ForkServerProcess | None = None

    @property
    def log(self) -> Path:
        """Return the file of what it printed."""
        return self.folder / f"{self.arguments[0]}-{id(self)}.log"

    @property
    def said(self) -> str:
        """Return the end of what it printed."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LOG_LINES:])

    @property
    def pid(self) -> int:
        """Return its process."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Begin a process."""
        assert not self.is_running
        self.starts += 1
        self._process = _context.Process(
            target=commands.run_command,
            args=(self.arguments, {**SETTINGS, **self.environment}, str(self.folder), str(self.log)),
        )
        self._process.start()

    def kill(self) -> None:
        """End its process as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask its process to end; one that does not is killed."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            message = f"the process did not end:\n{self.said}"
            raise AssertionError(message)
        self._process.close()
        self._process = None

    def open_files(self) -> int:
        """Return how many files and sockets its process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@dataclass(eq=False)
class Server(Command):
    """A server that answers on a port of its own, the same one after each start."""

    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Return where it answers GraphQL."""
        return f"http://127.0.0.1:{self.port}/graphql"

    async def is_ready(self, http: httpx.AsyncClient) -> bool:
        """Tell whether it says that it can serve."""
        try:
            return (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def until_gone(self) -> None:
        """Wait until nobody listens on its port any more: its workers outlive it for a moment."""
        for _ in range(1_000):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            await asyncio.sleep(0.02)
        message = f"somebody still listens:\n{self.said}"
        raise AssertionError(message)

    async def until_ready(self, *, within_s: float = START_S) -> float:
        """Wait until it says that it can serve; return the seconds that it took."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=within_s) as http:
            while not await self.is_ready(http):
                assert time.monotonic() - began < within_s, f"not ready within {within_s} s:\n{self.said}"
                assert self.is_running, f"it has ended:\n{self.said}"
                await asyncio.sleep(0.01)
        return time.monotonic() - began


def new_server(url: str, folder: Path, **settings: str) -> Server:
    """Return a server of a database, which does not run yet."""
    server = Server(("serve",), {}, folder)
    server.arguments = ("serve", "--port", str(server.port))
    server.environment = {"SPORTELLO_DATABASE_URL": url, **settings}
    return server


def new_command(*arguments: str, url: str, folder: Path) -> Command:
    """Return another command on a database, which does not run yet."""
    return Command(arguments, {"SPORTELLO_DATABASE_URL": url}, folder)


@asynccontextmanager
async def running(*commands_to_run: Command) -> AsyncIterator[None]:
    """Let commands run while the block lasts, servers until they can serve before it begins."""
    try:
        for each in commands_to_run:
            each.start()
        for each in commands_to_run:
            if isinstance(each, Server):
                await each.until_ready()
        yield
    finally:
        for each in commands_to_run:
            each.kill()
