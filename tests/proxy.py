"""A network that fails when it is told to: a proxy for TCP between a client and a server."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: what closes such a socket sends a reset."""

_DELAY_S = 0.1


class How(Enum):
    """What becomes of a connection."""

    DROPPED = auto()
    """Both ends hear that it is closed."""
    RESET = auto()
    """Both ends hear that it broke."""
    FROZEN = auto()
    """Nobody hears anything: it looks open, and nothing goes through any more."""
    DELAYED = auto()
    """It stands still for a moment and goes on, in small pieces."""


class Way(Enum):
    """Which way bytes go."""

    UP = auto()
    """To the server."""
    DOWN = auto()
    """To the client."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a connection fails."""

    name: str
    way: Way
    at: bytes
    """It fails at the chunk that holds these bytes; none of them: when it is opened."""
    passes: float = 0.0
    """How much of that chunk goes through before: nothing, a half, or all of it."""
    times: int = 1
    """At which chunk of that sort."""


class _Cut(Exception):  # noqa: N818  reads as what it is
    """The connection fails now."""


@dataclass(slots=True)
class Proxy:
    """Passes on what comes, and fails at one fault after another, each once."""

    port: int
    """Where it passes it on to."""
    how: How
    faults: deque[Fault] = field(default_factory=deque)
    happened: list[str] = field(default_factory=list)
    listening: int = 0
    """The port that it listens on."""
    is_down: bool = False
    """Whether it lets nobody in at present."""
    _seen: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Return the address of the API behind it."""
        return f"http://127.0.0.1:{self.listening}/graphql"

    def sever(self) -> None:
        """Reset everything that is open, and let nobody in from now on."""
        self.is_down = True
        for writer in tuple(self._open):
            _close(writer, is_reset=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until it ends or fails."""
        self._open.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            await self._let_in()
            from_server, upstream = await asyncio.open_connection("127.0.0.1", self.port)
            self._open.add(upstream)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(Way.UP, reader, upstream))
                tasks.create_task(self._pass(Way.DOWN, from_server, writer))
        except* (_Cut, OSError):
            pass
        finally:
            for each in (writer, upstream):
                if each is not None:
                    self._open.discard(each)
                    _close(each, is_reset=self.how is How.RESET or self.is_down)

    async def _pass(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            # Compressed frames could not be read here: the server is asked for an extension that nobody knows.
            passed = chunk.replace(b"permessage-deflate", b"permessage-inflate") if way is Way.UP else chunk
            fault = self._due(way, passed)
            if fault is None:
                writer.write(passed)
                await writer.drain()
                continue
            begins = round(len(passed) * fault.passes)
            writer.write(passed[:begins])
            await writer.drain()
            await self._fail(fault)
            for at in range(begins, len(passed), 7):
                writer.write(passed[at : at + 7])
                await writer.drain()
        raise _Cut  # one way ended: so does the other

    async def _let_in(self) -> None:
        if self.is_down:
            raise _Cut
        fault = self._due(Way.UP, b"")
        if fault is not None:
            await self._fail(fault)

    def _due(self, way: Way, chunk: bytes) -> Fault | None:
        """Return the fault that happens at this chunk, if it is the next one's turn."""
        if not self.faults:
            return None
        fault = self.faults[0]
        if fault.way is not way or bool(fault.at) is not bool(chunk) or fault.at not in chunk:
            return None
        self._seen += 1
        if self._seen < fault.times:
            return None
        self._seen = 0
        return self.faults.popleft()

    async def _fail(self, fault: Fault) -> None:
        self.happened.append(fault.name)
        match self.how:
            case How.DELAYED:
                await asyncio.sleep(_DELAY_S)
            case How.FROZEN:
                await asyncio.Event().wait()
            case _:
                raise _Cut


def _close(writer: asyncio.StreamWriter, *, is_reset: bool) -> None:
    found = writer.get_extra_info("socket")
    with suppress(OSError):
        if is_reset and found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort() if is_reset else writer.close()


@asynccontextmanager
async def proxy(port: int, *, how: How = How.RESET, faults: tuple[Fault, ...] = ()) -> AsyncIterator[Proxy]:
    """Yield a proxy for a port of this machine."""
    made = Proxy(port, how, deque(faults))
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    made.listening = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
