"""The server's process: what uvicorn is told, and what it does not do by itself."""

import gc
import socket
import sys
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette

from api import explorer
from api.app import create_app
from api.settings import Settings
from api.streams.frames import WritingProtocol
from api.streams.shared import Streams

SHUTDOWN_S = 5
"""Seconds that requests are given to end when the server stops."""

UNREAD_MS = 30_000
"""How long the system keeps what a client does not read: then the connection is gone, whatever the client says."""

NOT_STARTED = 3
"""With this code a process ends whose server did not come up."""

_YOUNG_OBJECTS = 100_000
"""New objects after which Python looks for rings among them: a large answer consists of thousands, and of no ring."""


class Server(uvicorn.Server):
    """Says good-bye to open streams before it waits for requests to end: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        """Take whose streams they are."""
        super().__init__(config)
        self._streams = streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and then no longer look for garbage among what stays: schema, plans and code."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        await self._streams.close()
        await super().shutdown(sockets)


def new_server(app: Starlette, settings: Settings, *, host: str, port: int) -> Server:
    """Return a server of the application; `listen` makes the socket that it runs on."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whom a proxy asks for is decided by one setting: `trusted_proxies`
        ws=WritingProtocol,
        ws_max_size=settings.socket_message_bytes_max,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return Server(config, app.state.streams)


def listen(server: Server) -> socket.socket:
    """Return the socket that the server listens on."""
    return open_socket(host=server.config.host, port=server.config.port)


def open_socket(*, host: str, port: int) -> socket.socket:
    """Return a socket to listen on; what a client leaves unread is given up after a while."""
    listening = uvicorn.Config("", host=host, port=port, log_config=None).bind_socket()
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listening


def serve_on(settings: Settings, listening: socket.socket, *, demo: explorer.Demo | None = None) -> None:
    """Serve on a socket until this process is told to end. `demo`: what its explorer gives away, in the demo only."""
    served = create_app(settings, demo=demo)
    # What is there now stays: the collector, which long documents set off, need not walk through the whole schema.
    gc.collect()
    gc.freeze()
    server = new_server(served, settings, host=settings.host, port=settings.port)
    with suppress(KeyboardInterrupt):
        server.run([listening])
    if not server.started:
        sys.exit(NOT_STARTED)
