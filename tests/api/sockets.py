"""A WebSocket in the tests' hands, past the network: what the application is told and what it says."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
from starlette.applications import Starlette

from api.app import GRAPHQL_PATH, create_app
from api.settings import Settings
from domain.base.work import Works
from tests.waiting import until

Said: TypeAlias = dict[str, Any]

SUBPROTOCOL = "graphql-transport-ws"
FOLLOW = "subscription($id: ID!) { customerEvents(customerId: $id) { __typename } }"
WAIT_S = 20.0


class Closed(Exception):  # noqa: N818  reads as what it is
    """The socket was closed by the server."""

    def __init__(self, code: int, reason: str) -> None:
        """Carry what it was closed with."""
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class Refused(Exception):  # noqa: N818
    """The handshake was refused."""

    def __init__(self, status: int) -> None:
        """Carry the status."""
        super().__init__(status)
        self.status = status


class Socket:
    """One socket: opened, spoken to, listened to, closed."""

    def __init__(self, app: Starlette, *, address: str = "192.0.2.1", **headers: str) -> None:
        """Take whom to speak to, and from where."""
        self._app = app
        named = {"host": "test", **headers}
        self.scope: MutableMapping[str, Any] = {
            "type": "websocket",
            "path": GRAPHQL_PATH,
            "raw_path": GRAPHQL_PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": (address, 1),
            "subprotocols": [SUBPROTOCOL],
            "state": {},
        }
        self._told: asyncio.Queue[Said] = asyncio.Queue()
        self._said: asyncio.Queue[Said] = asyncio.Queue()
        self.reads = asyncio.Event()
        """Cleared: the client does not read, and the server waits with what it has to say."""
        self.reads.set()
        self.is_told = False
        """Whether the server has something to say to who does not read."""
        self.is_lost = False
        """Whether the network lost it, which the server notices when it sends."""
        self.task: asyncio.Task[None] | None = None
        self.subprotocol: str | None = None

    async def open(self) -> "Socket":
        """Shake hands. Raises `Refused`."""
        self._told.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self._app(self.scope, self._told.get, self._hear))
        first = await asyncio.wait_for(self._said.get(), WAIT_S)
        if first["type"] == "websocket.http.response.start":
            await self.ended()
            raise Refused(first["status"])
        assert first["type"] == "websocket.accept"
        self.subprotocol = first.get("subprotocol")
        return self

    async def _hear(self, message: MutableMapping[str, Any]) -> None:
        self.is_told = self.is_told or not self.reads.is_set()
        await self.reads.wait()
        if self.is_lost:
            raise OSError
        self._said.put_nowait(dict(message))

    def tell(self, message: object) -> None:
        """Send one message: an object, or a text or bytes as they are."""
        match message:
            case bytes():
                self._told.put_nowait({"type": "websocket.receive", "bytes": message})
            case str():
                self._told.put_nowait({"type": "websocket.receive", "text": message})
            case _:
                self._told.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def hear(self) -> Said:
        """Return the next message. Raises `Closed`."""
        said = await asyncio.wait_for(self._said.get(), WAIT_S)
        if said["type"] == "websocket.close":
            await self.ended()
            raise Closed(said["code"], said["reason"])
        found: Said = orjson.loads(said["text"])
        return found

    async def closed(self) -> int:
        """Return the code that the socket is closed with, whatever is said before."""
        try:
            while True:
                await self.hear()
        except Closed as closed:
            return closed.code

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing was said that was not heard."""
        return self._said.empty()

    async def initialise(self, key: str | None = None, **payload: object) -> "Socket":
        """Say who it is, and hear that it is welcome."""
        said = payload or ({} if key is None else {"Authorization": f"Bearer {key}"})
        self.tell({"type": "connection_init", "payload": said})
        assert await self.hear() == {"type": "connection_ack"}
        return self

    def subscribe(self, query: str, key: str = "1", **variables: object) -> None:
        """Begin an operation."""
        self.tell({"type": "subscribe", "id": key, "payload": {"query": query, "variables": variables}})

    async def follow(self, customer_id: str, key: str = "1") -> None:
        """Follow a customer, and wait until the server listens."""
        groups = self._app.state.streams.groups
        count = groups.member_count
        self.subscribe(FOLLOW, key, id=customer_id)
        await until(lambda: groups.member_count > count)

    async def ask(self, query: str, key: str = "q") -> Said:
        """Run a query, and return its answer."""
        self.subscribe(query, key)
        said = await self.hear()
        assert (said["type"], said["id"]) == ("next", key), said
        assert await self.hear() == {"type": "complete", "id": key}
        payload: Said = said["payload"]
        return payload

    async def leave(self) -> None:
        """Go away without a word."""
        self._told.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await self.ended()

    async def ended(self) -> None:
        """Wait until the application is done with the socket."""
        assert self.task is not None
        await asyncio.wait_for(self.task, WAIT_S)


def new_app(works: Works, **settings: Any) -> Starlette:  # noqa: ANN401
    """Return the application, whose streams are looked after every few milliseconds."""
    app = create_app(Settings(_env_file=None, **settings), works=works)
    app.state.streams.look_every_s = 0.005
    return app


@asynccontextmanager
async def nothing_left(app: Starlette) -> AsyncIterator[None]:
    """Hold that what happens inside leaves no task, listener, stream or connection of the database behind."""
    streams = app.state.streams
    before = len(asyncio.all_tasks())
    yield
    await until(lambda: not streams.count and not streams.works.feed.listener_count)
    assert (streams.groups.count, streams.groups.member_count) == (0, 0)
    await until(lambda: len(asyncio.all_tasks()) <= before + 2)
    database = streams.works.database
    await until(lambda: database.lanes.busy + database.writers.busy == 0)
