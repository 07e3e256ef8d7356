"""An answer that goes on, in the tests' hands, past the network: what is sent, chunk by chunk."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, TypeAlias

import orjson
from starlette.applications import Starlette

from api.app import GRAPHQL_PATH
from tests.waiting import until

Said: TypeAlias = dict[str, Any]

SERVER_SENT = "text/event-stream"
MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
WAIT_S = 20.0


class Exchange:
    """One POST and what comes back, for as long as it comes."""

    def __init__(
        self, app: Starlette, *, accept: str, key: str | None = None, address: str = "192.0.2.1", last_id: str = ""
    ) -> None:
        """Take whom to ask, in what form, and what was heard last before the connection was lost."""
        self._app = app
        headers = {"host": "test", "content-type": "application/json", "accept": accept}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if last_id:
            headers["last-event-id"] = last_id
        self._scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": GRAPHQL_PATH,
            "raw_path": GRAPHQL_PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": (address, 1),
        }
        self._told: asyncio.Queue[Said] = asyncio.Queue()
        self._said: asyncio.Queue[Said] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.is_told = False
        """Whether the server has something to say to who does not read."""
        self.task: asyncio.Task[None] | None = None
        self.status = 0
        self.headers: dict[str, str] = {}

    async def ask(self, query: str, **variables: object) -> "Exchange":
        """Send the request, and take the head of what comes back."""
        body = orjson.dumps({"query": query, "variables": variables})
        self._told.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.task = asyncio.create_task(self._app(self._scope, self._told.get, self._hear))
        first = await asyncio.wait_for(self._said.get(), WAIT_S)
        self.status = first["status"]
        self.headers = {name.decode(): value.decode() for name, value in first["headers"]}
        return self

    async def follow(self, query: str, **variables: object) -> "Exchange":
        """Ask for a subscription, and wait until the server listens; skip what only says that it began."""
        groups = self._app.state.streams.groups
        count = groups.member_count
        await self.ask(query, **variables)
        assert self.status == 200, await self.rest()
        await until(lambda: groups.member_count > count)
        await self.chunk()
        return self

    async def _hear(self, message: MutableMapping[str, Any]) -> None:
        self.is_told = self.is_told or not self.reads.is_set()
        await self.reads.wait()
        self._said.put_nowait(dict(message))

    async def chunk(self) -> bytes | None:
        """Return the next chunk, None after the last."""
        said = await asyncio.wait_for(self._said.get(), WAIT_S)
        chunk: bytes = said["body"]
        return chunk if chunk or said.get("more_body", False) else None

    async def rest(self) -> bytes:
        """Return everything until the end."""
        assert self.task is not None
        await asyncio.wait_for(self.task, WAIT_S)
        chunks = []
        while not self._said.empty():
            chunks.append(self._said.get_nowait()["body"])
        return b"".join(chunks)

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing came that was not taken."""
        return self._said.empty()

    async def leave(self) -> None:
        """Go away without a word."""
        self._told.put_nowait({"type": "http.disconnect"})
        await self.ended()

    async def ended(self) -> None:
        """Wait until the application is done."""
        assert self.task is not None
        await asyncio.wait_for(self.task, WAIT_S)
