"""The limit: uvicorn as the product runs it, and an app that knows what to send, and to whom, as bytes.

No GraphQL, no database, no permissions; nobody is waited for. It is what can be had from this web server.
"""

import asyncio
import time
from collections import defaultdict
from typing import Any

import orjson

from api.streams.begun import begun
from benchmarks.peers.asgi import Receive, Send, answer, answer_lifespan, read_body
from benchmarks.streams.talk import publish

_EPOCH = "0123456789abcdef"
_ID = "TWVzc2FnZToBogfF1VtxtxtqrP3FAgkdGX"
_KEYS = 1_000_000

_sockets: defaultdict[str, list[Send]] = defaultdict(list)
_rests: set[asyncio.Task[None]] = set()


async def app(scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401  ASGI
    """Take a socket, or what the measurement asks for."""
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _converse(receive, send)
    elif scope["path"] == "/begin":
        await answer(send, {"ids": [str(key) for key in range(_KEYS // 1_000)], "token": ""})
    elif scope["path"] == "/following":
        await answer(send, sum(map(len, _sockets.values())))
    else:
        await answer(send, await publish(orjson.loads(await read_body(receive)), _say))


async def _converse(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
    await receive()
    await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
    subscribed = orjson.loads((await receive())["text"])
    followers = _sockets[subscribed["payload"]["variables"]["id"]]
    followers.append(send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    followers.remove(send)


async def _say(messages: list[tuple[int, str]]) -> int:
    begun_at = time.monotonic_ns()
    for place, text in messages:
        item = {
            "__typename": "InteractionAdded",
            "cursor": f"{_EPOCH}-{place}",
            "interaction": {"id": _ID, "seq": place, "text": text},
        }
        told = orjson.dumps({"type": "next", "id": "1", "payload": {"data": {"conversationEvents": item}}}).decode()
        for send in _sockets[str(place)]:
            rest = begun(send({"type": "websocket.send", "text": told}))
            if rest is not None:  # the client does not read as quickly
                task = asyncio.ensure_future(rest)
                _rests.add(task)
                task.add_done_callback(_rests.discard)
    await asyncio.sleep(0)
    return begun_at
