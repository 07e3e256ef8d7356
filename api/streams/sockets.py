"""The door for WebSockets: which handshakes are taken."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from starlette.types import Receive, Scope, Send

from api.access import client_address
from api.streams.connections import Connection
from api.streams.frames import write_of
from api.streams.shared import StreamRefused, Streams

SUBPROTOCOL = "graphql-transport-ws"

_log = structlog.get_logger("api.streams")


class SocketEndpoint:
    """Answers GraphQL over WebSocket."""

    def __init__(self, streams: Streams) -> None:
        """Take what all streams share."""
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one socket, or refuse it before it is one."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            word, text = name.decode("latin-1"), value.decode("latin-1")
            headers[word] = f"{headers[word]}, {text}" if word in headers else text
        await receive()  # websocket.connect
        if not is_allowed(headers, origins=self._streams.settings.cors_origins):
            await _refuse(send, 403, "Pages of this origin may not connect; see SPORTELLO_CORS_ORIGINS.")
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            # Accepted first: browsers hide why a handshake failed.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"Speak {SUBPROTOCOL}"})
            return
        client = scope.get("client")
        connection = Connection(
            self._streams,
            receive,
            send,
            address=client_address(
                client[0] if client else None,
                headers.get("x-forwarded-for"),
                trusted_proxies=self._streams.settings.trusted_proxies,
            ),
            authorization=headers.get("authorization"),
            write=write_of(scope),
        )
        try:
            with self._streams.admit(connection):
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                ending = await connection.run()
        except StreamRefused as refused:
            await _refuse(send, 503 if refused.is_stopping else 429, refused.message)
            return
        _log.info("socket", code=ending.code, reason=ending.reason)


def is_allowed(headers: Mapping[str, str], *, origins: list[str]) -> bool:
    """Tell whether the page behind a handshake, if there is one, may connect: the server's own always may."""
    origin = headers.get("origin")
    return origin is None or "*" in origins or origin in origins or urlsplit(origin).netloc == headers.get("host")


async def _refuse(send: Send, status: int, message: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": message.encode()})
