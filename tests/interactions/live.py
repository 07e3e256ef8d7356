"""Documents that are followed on a socket: each answer is taken by the name of its document."""

from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.api.sockets import Socket, new_app, nothing_left
from tests.conftest import Client
from tests.operations import Documents


class Live:
    """What somebody follows on one socket."""

    def __init__(self, socket: Socket) -> None:
        """Follow nothing yet."""
        self._socket = socket
        self._heard: dict[str, deque[Any]] = defaultdict(deque)

    def follow(self, documents: Documents, name: str, **variables: object) -> None:
        """Follow a document: events after a cursor; what holds for a moment is told as it is first."""
        documents.sent.add(name)
        self._socket.subscribe(documents.text(name), name, **variables)

    async def take(self, name: str) -> Any:  # noqa: ANN401
        """Return the next item of a document."""
        while not self._heard[name]:
            said = await self._socket.hear()
            assert said["type"] == "next", said
            (item,) = said["payload"]["data"].values()
            self._heard[said["id"]].append(item)
        return self._heard[name].popleft()

    async def take_first(self, name: str, of: str) -> Any:  # noqa: ANN401
        """Return the next item of a document that has this type; what comes before it is let pass."""
        while (item := await self.take(name))["__typename"] != of:
            pass
        return item


@asynccontextmanager
async def listening(client: Client, *keys: str) -> AsyncIterator[list[Live]]:
    """Yield a socket for each key; nothing is left of them."""
    app = new_app(client.works)
    async with nothing_left(app):
        sockets = [await (await Socket(app).open()).initialise(key) for key in keys]
        yield [Live(socket) for socket in sockets]
        for socket in sockets:
            await socket.leave()
