"""Writing to a WebSocket without a detour: what is told to thousands is written once, and nobody is waited for.

Through ASGI each answer of each socket is a coroutine in a coroutine, and a frame is made of it anew. Here uvicorn's
protocol lets the application write the bytes of a text; where a client does not read, it takes none, and ASGI is the
way on which one waits.
"""

from collections.abc import Callable
from typing import TypeAlias

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

Write: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Writes a text, in three parts, at once; False: it cannot, now."""

_NAME = "sportello.write"
_TEXT = b"\x81"
_SHORT_MAX, _MEDIUM_MAX = 125, 0xFFFF
_MEDIUM, _LONG = 126, 127
_SMALL_HEADS = tuple(_TEXT + bytes([size]) for size in range(_SHORT_MAX + 1))


class WritingProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which takes texts from the application as they are, too."""

    def handle_connect(self, event: Request) -> None:
        """Begin, and let the application know what it may write with."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:  # else the handshake was none
            scope["extensions"][_NAME] = self.write

    def write(self, beginning: bytes, middle: bytes, end: bytes) -> bool:
        """Write a text at once; False where the client does not read, or there is none any more.

        It is not compressed, which no client may mind: compressed, it would be another one for each socket.
        """
        is_open = self.handshake_complete and not self.close_sent and not self.disconnected
        if not is_open or not self.writable.is_set():
            return False
        size = len(beginning) + len(middle) + len(end)
        self.transport.write(b"".join((_head(size), beginning, middle, end)))
        return True


def write_of(scope: Scope) -> Write | None:
    """Return what writes to the socket of a scope; None where another server runs the application."""
    write: Write | None = (scope.get("extensions") or {}).get(_NAME)
    return write


def _head(size: int) -> bytes:
    """Return how the frame of a whole text begins."""
    if size <= _SHORT_MAX:
        return _SMALL_HEADS[size]
    if size <= _MEDIUM_MAX:
        return _TEXT + bytes((_MEDIUM, size >> 8, size & 0xFF))
    return _TEXT + bytes([_LONG]) + size.to_bytes(8)
