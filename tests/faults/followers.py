"""Those who follow everything, over sockets and server-sent events, and come back with their cursor when they fall."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.faults.processes import Server

FOLLOW = """subscription($after: Cursor) { events(after: $after) { __typename ... on Event { cursor }
  ... on InteractionAdded { interaction { __typename seq ... on Message { text } } conversation { lastSeq } }
  ... on OrderChanged { order { externalId } } ... on ResyncRequired { reason } } }"""
LIFE_S = 4.0
"""How long a follower waits for a sign of life before it takes the connection for dead."""

BODY_LIFE_S = 20.0
"""A silent body beats every 15 seconds."""


class Fallen(Exception):  # noqa: N818  reads as what it is
    """The stream ended, or said what it could not do: come back with the last cursor."""


LOST = (Fallen, OSError, TimeoutError, httpx.TransportError, WebSocketException)


@dataclass(eq=False)
class Follower:
    """One who follows; it keeps no event, only where it is and whether a number was missing or came twice."""

    name: str
    servers: Sequence[Server]
    key: str
    cursor: str
    chance: random.Random
    is_by_events: bool = False
    query: str = FOLLOW
    count: int = 0
    comes: int = 0
    """How often it connected."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Numbers that were not told, from and to: of kinds that are shown to nobody, or lost."""
    doubles: list[int] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """Why streams ended."""
    _attempt: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        """Return the number of the last event."""
        return int(self.cursor.rpartition("-")[2])

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            server = self.chance.choice(self.servers)
            follow = self._follow_body if self.is_by_events else self._follow_socket
            self._attempt = asyncio.create_task(follow(server))
            try:
                await asyncio.wait([self._attempt])
            finally:
                self._attempt.cancel()
            if not self._attempt.cancelled():
                self._note_end(self._attempt.exception())
            await asyncio.sleep(self.chance.uniform(0.01, 0.1))

    def drop(self) -> None:
        """Lose the connection, wherever it is."""
        if self._attempt is not None:
            self._attempt.cancel()

    def _note_end(self, error: BaseException | None) -> None:
        """Keep why a stream ended; what is no loss of a connection is a fault."""
        if error is not None and not isinstance(error, LOST):
            raise error
        self.ends[str(error) if isinstance(error, Fallen) else type(error).__name__] += 1

    def take(self, answer: dict[str, Any]) -> None:
        """Take one event. Raises `Fallen` where it could not be told whole."""
        if answer.get("errors"):
            why = answer["errors"][0]["extensions"]["code"]
            raise Fallen(why)
        event = answer["data"]["events"]
        assert event["__typename"] != "ResyncRequired", event
        seq = int(event["cursor"].rpartition("-")[2])
        if seq <= self.seq:
            self.doubles.append(seq)
            return
        if seq > self.seq + 1:
            self.gaps.append((self.seq + 1, seq - 1))
        self.cursor = event["cursor"]
        self.count += 1

    def _take_event(self, answer: dict[str, Any], place: str | None) -> None:
        """Take one event as a browser does, which comes back behind the id of whatever it was told."""
        if answer.get("errors") and place is not None:
            self.cursor = place
        self.take(answer)

    async def _follow_socket(self, server: Server) -> None:
        address = server.url.replace("http", "ws", 1)
        async with connect(
            address,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
            compression=None,
            open_timeout=LIFE_S,
            close_timeout=0.1,
            ping_interval=LIFE_S / 2,
            ping_timeout=LIFE_S / 2,
        ) as socket:
            await socket.send(orjson.dumps({"type": "connection_init", "payload": self._headers}).decode())
            async for text in socket:
                if self._hear(orjson.loads(text)):
                    payload = {"query": self.query, "variables": {"after": self.cursor}}
                    await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode())
        why = "closed"
        raise Fallen(why)

    def _hear(self, said: dict[str, Any]) -> bool:
        """Take what was said; tell whether the server waits to be asked. Raises `Fallen`."""
        match said["type"]:
            case "connection_ack":
                self.comes += 1
                return True
            case "next":
                self.take(said["payload"])
            case "error" | "complete":
                raise Fallen(said["type"])
        return False

    async def _follow_body(self, server: Server) -> None:
        headers = {**self._headers, "Accept": "text/event-stream", "Last-Event-ID": self.cursor}
        limit = httpx.Timeout(LIFE_S, read=BODY_LIFE_S)
        async with (
            httpx.AsyncClient(trust_env=False, timeout=limit) as http,
            http.stream("POST", server.url, json={"query": self.query}, headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Fallen(str(answer.status_code))
            self.comes += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                    continue
                told, fields = fields, {}
                if told.get("data"):
                    self._take_event(orjson.loads(told["data"]), told.get("id"))
        why = "ended"
        raise Fallen(why)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@asynccontextmanager
async def all_following(followers: Sequence[Follower]) -> AsyncIterator[None]:
    """Let them follow while the block lasts."""
    tasks = [asyncio.create_task(each.run()) for each in followers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):  # a follower that was told something wrong
                raise ended
