"""Writing to a WebSocket without a detour: frames as the protocol wants them, and none where nobody reads."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from api.streams.frames import WritingProtocol, write_of

HEAD = b"".join(
    line + b"\r\n"
    for line in (
        b"GET /graphql HTTP/1.1",
        b"Host: test",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        b"",
    )
)


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        """Have nothing."""
        self.written = b""

    def write(self, data: bytes) -> None:
        """Take it."""
        self.written += data

    def get_extra_info(self, _name: str) -> None:
        """Know nothing of a network."""

    def is_closing(self) -> bool:
        """Stay."""
        return False

    def close(self) -> None:
        """Stay all the same."""


@pytest.fixture
async def protocol() -> WritingProtocol:
    """Return the protocol of a socket that an application has taken, without a network."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await receive()
        await send({"type": "websocket.accept"})
        taken.set()
        await receive()

    taken = asyncio.Event()
    config = uvicorn.Config(app, log_config=None)
    config.load()
    protocol = WritingProtocol(config, ServerState(), {})
    protocol.connection_made(Transport())  # type: ignore[arg-type]
    protocol.data_received(HEAD)
    assert not protocol.write(b"a", b"b", b"c")  # nobody has taken it yet
    await asyncio.wait_for(taken.wait(), 5)
    return protocol


@pytest.mark.parametrize("size", [2, 125, 126, 65_535, 65_536])
async def test_a_text_of_any_length_is_one_frame(protocol: WritingProtocol, size: int) -> None:
    """In the shortest form of its length, as a client of the library reads it."""
    written = protocol.transport
    assert isinstance(written, Transport)
    written.written = b""
    write = write_of(dict(protocol.scope))
    assert write is not None
    assert write(b"a", b"b" * (size - 2), b"c")
    client = ClientProtocol(parse_uri("ws://test/"), state=OPEN, max_size=None)
    client.receive_data(written.written)
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"a" + b"b" * (size - 2) + b"c")


async def test_nothing_is_written_to_who_does_not_read(protocol: WritingProtocol) -> None:
    """Nor to who is gone, or was told good-bye: whoever writes goes the way on which one waits."""
    protocol.pause_writing()
    assert not protocol.write(b"a", b"b", b"c")
    protocol.resume_writing()
    assert protocol.write(b"a", b"b", b"c")
    protocol.close_sent = True
    assert not protocol.write(b"a", b"b", b"c")
    protocol.close_sent = False
    protocol.connection_lost(None)
    assert not protocol.write(b"a", b"b", b"c")


def test_another_server_may_have_none() -> None:
    """Then answers go through ASGI."""
    assert write_of({"type": "websocket"}) is None
    assert write_of({"type": "websocket", "extensions": {}}) is None
