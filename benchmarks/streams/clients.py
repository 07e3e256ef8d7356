"""Clients that follow conversations: a thousand sockets in one process, read by as little code as can be.

As a program it takes one line of JSON, says `open` when all have subscribed, and then answers each line of JSON with
what it heard since the last one.
"""

import asyncio
import base64
import os
import sys
import time
from array import array
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import orjson
import uvloop

from benchmarks.streams.talk import DIGITS, MARK

_MASK = b"\0\0\0\0"
"""What clients send is masked; so it stays readable."""

_FINAL, _OPCODE = 0x80, 0x0F
_TEXT, _PING, _PONG = 1, 9, 10
_SHORT = 125
"""Bytes of a frame whose length stands in its second byte."""


BUCKET_NS = 50_000
"""Latencies are counted by so many nanoseconds."""

_TOGETHER = 50
"""Sockets that are opened at once."""


class Heard:
    """What all sockets of this process heard: the number of a message, and when."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self.numbers = array("q")
        self.times = array("q")
        self.others = 0
        self.bytes = 0

    def told(self, committed_at: list[int]) -> dict[str, Any]:
        """Return how much was heard, how long after each commit, and when the last came; then forget it."""
        delays = Counter(
            (at - committed_at[number]) // BUCKET_NS for number, at in zip(self.numbers, self.times, strict=True)
        )
        told = {
            "count": len(self.numbers),
            "others": self.others,
            "bytes": self.bytes,
            "last_at": max(self.times, default=0),
            "delays": {str(bucket): count for bucket, count in delays.items()},
            "cpu_s": time.process_time(),
        }
        self.__init__()  # type: ignore[misc]
        return told


class Socket(asyncio.Protocol):
    """One client: asks to follow one conversation, and notes what comes."""

    def __init__(self, heard: Heard, asked: dict[str, Any], query: str, conversation_id: str) -> None:
        """Take what to ask for."""
        self._heard = heard
        self._asked = asked
        self._query = query
        self._id = conversation_id
        self._rest = b""
        self._is_greeted = False
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no class of asyncio
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            "GET /graphql HTTP/1.1",
            f"Host: 127.0.0.1:{self._asked['port']}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
        )
        self._transport.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def connection_lost(self, error: Exception | None) -> None:
        """Tell where nobody was let in."""
        if not self.is_open.done():
            self.is_open.set_exception(error or ConnectionError(self._rest))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        now = time.monotonic_ns()
        if self._rest:
            data = self._rest + data
        place, end = 0, len(data)
        if not self._is_greeted:
            place = self._greet(data)
            if not place:
                self._rest = data
                return
        while end - place > 1:
            start, length = place + 2, data[place + 1]
            if length > _SHORT:
                size = 2 if length == _SHORT + 1 else 8
                length, start = int.from_bytes(data[start : start + size]), start + size
            if start + length > end:
                break
            self._take(data, start, start + length, now)
            if data[place] & _OPCODE == _PING:
                self._transport.write(bytes([_FINAL | _PONG, 0x80 | length]) + _MASK + data[start : start + length])
            place = start + length
        self._rest = data[place:]

    def _greet(self, data: bytes) -> int:
        """Say who it is, once the server has taken the socket; return where its words end."""
        head, found, _ = data.partition(b"\r\n\r\n")
        if not found:
            return 0
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.is_open.set_exception(RuntimeError(head.decode()))
        self._is_greeted = True
        token = {"Authorization": f"Bearer {self._asked['token']}"} if self._asked["token"] else {}
        self._say({"type": "connection_init", "payload": token})
        return len(head) + 4

    def _say(self, content: object) -> None:
        text = orjson.dumps(content)
        size = bytes([0x80 | len(text)]) if len(text) <= _SHORT else bytes([0x80 | _SHORT + 1]) + len(text).to_bytes(2)
        self._transport.write(bytes([_FINAL | _TEXT]) + size + _MASK + text)

    def _take(self, data: bytes, start: int, end: int, now: int) -> None:
        found = data.find(MARK, start, end)
        if found >= 0:
            place = found + len(MARK)
            heard = self._heard
            heard.numbers.append(int(data[place : place + DIGITS]))
            heard.times.append(now)
            heard.bytes += end - start
        elif not self.is_open.done() and b"connection_ack" in data[start:end]:
            query = {"query": self._query, "variables": {"id": self._id}}
            self._say({"type": "subscribe", "id": str(uuid4()), "payload": query})
            self.is_open.set_result(None)
        else:
            self._heard.others += 1


async def follow(asked: dict[str, Any]) -> None:
    """Open the sockets, and tell what they heard whenever somebody asks."""
    loop, heard = asyncio.get_running_loop(), Heard()
    sockets: list[Socket] = []
    for start in range(0, len(asked["sockets"]), _TOGETHER):
        some = asked["sockets"][start : start + _TOGETHER]
        made = [
            await loop.create_connection(partial(Socket, heard, asked, *each), "127.0.0.1", asked["port"])
            for each in some
        ]
        sockets += [socket for _, socket in made]
        await asyncio.gather(*(socket.is_open for _, socket in made))
    print("open", flush=True)
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        wanted = orjson.loads(line)
        if "committed_at" in wanted:
            print(orjson.dumps(heard.told(wanted["committed_at"])).decode(), flush=True)
        else:
            print(orjson.dumps({"count": len(heard.numbers), "cpu_s": time.process_time()}).decode(), flush=True)


def main() -> None:
    """Follow until the end of what is asked."""
    with Path("/dev/stdin").open("rb", buffering=0) as lines:  # not a byte more than the line is read
        asked = orjson.loads(lines.readline())
    uvloop.run(follow(asked))


if __name__ == "__main__":
    main()
