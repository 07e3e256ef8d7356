"""One WebSocket that speaks graphql-transport-ws, from its first message to its last."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Send

from api.access import InvalidToken, note_unreachable
from api.operations import Rejected
from api.requests import RequestRefused, read_operation, written
from api.streams.begun import begun
from api.streams.frames import Write
from api.streams.groups import Send as SendAnswer
from api.streams.messages import Message, MessageMalformed, MessageType, authorization_in, read_message
from api.streams.shared import (
    FAILED,
    GONE,
    SEND_WITHIN,
    STUCK,
    TOKEN_INVALID,
    Ending,
    Streams,
    failure_answer,
    list_answers,
)
from domain.base.actors import Actor
from domain.base.identifiers import new_id
from schema.base.context import Context
from schema.base.errors import TopLevelCode

INIT_WITHIN = timedelta(seconds=3)
_MESSAGES_AT_ONCE_S = 2
"""A client may save up so many seconds of its messages, and send them at once."""

_CLOSE_WITHIN_S = 1.0

_log = structlog.get_logger("api.streams")


@dataclass(eq=False, slots=True)
class Running:
    """An operation that runs, with what is known of it so far."""

    task: asyncio.Task[None] | None = None
    context: Context | None = None
    is_write: bool = False
    """A write that has begun is done, also where nobody waits for its answer any more."""


class Connection:
    """One socket and the operations on it."""

    def __init__(
        self,
        streams: Streams,
        receive: Receive,
        send: Send,
        *,
        address: str | None,
        authorization: str | None,
        write: Write | None = None,
    ) -> None:
        """Take an accepted socket.

        `authorization`: what came with the handshake, if anything did. `write`: what writes without a detour, if the
        server has it.
        """
        self.address = address
        self.authorization: str | None = None
        self._streams = streams
        self._receive = receive
        self._send = send
        self._write = write
        self._handshake_authorization = authorization
        self._actor: Actor | None = None
        self._is_init_received = False
        self._operations: dict[str, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._life = asyncio.timeout(None)
        self._ending: Ending | None = None
        self._turn = asyncio.Lock()
        self._rests: set[asyncio.Task[None]] = set()
        """What was begun to be sent, to a client that does not read."""
        self._unsent = 0
        """How much waits to be sent."""
        self._sending_since: datetime | None = None
        self._began_at = self._counted_at = streams.now()
        self._credit = float(self._burst)

    async def run(self) -> Ending:
        """Converse until the end, and leave nothing behind; return why it ended."""
        ending = FAILED
        try:
            async with self._life:
                ending = await self._converse()
        except TimeoutError:
            if self._ending is None:  # pragma: no cover  nothing inside lets one through
                raise
        finally:
            self._ending = self._ending or ending
            await self._stop_operations()
        await self._close(self._ending)
        return self._ending

    def look(self, now: datetime) -> None:
        """End where the client does not say who it is, or does not read."""
        if self._actor is None and now - self._began_at >= INIT_WITHIN:
            self.end(Ending(4408, "Connection initialisation timeout"))
        if self._sending_since is not None and now - self._sending_since >= SEND_WITHIN:
            self.end(STUCK)

    def recognise(self, actor: Actor) -> None:
        """Learn what the client may do now: it counts from the next event of each operation on."""
        self._actor = actor
        for running in self._operations.values():
            if running.context is not None:
                running.context.actor = actor
                self._streams.groups.recognise(running.context)

    def end(self, ending: Ending) -> None:
        """End, unless it has ended."""
        if self._ending is None:
            self._ending = ending
            self._life.reschedule(asyncio.get_running_loop().time())

    async def _converse(self) -> Ending:
        while True:
            received = await self._receive()
            if received["type"] == "websocket.disconnect":
                return GONE
            if received.get("text") is None:
                return Ending(4400, "Send text, not bytes")
            text = received["text"].encode()
            if len(text) > self._streams.settings.socket_message_bytes_max:
                return Ending(1009, "The message is too big")
            if not self._has_credit():
                return Ending(4429, "Too many messages")
            try:
                ending = await self._take(read_message(text))
            except MessageMalformed as malformed:
                return Ending(4400, str(malformed))
            if ending is not None:
                return ending
            await asyncio.sleep(0)  # many messages may have come at once: the others have their turn

    async def _take(self, message: Message) -> Ending | None:
        """Do what a message asks; return why the socket must be closed, if it must."""
        match message.type:
            case MessageType.CONNECTION_INIT:
                return await self._initialise(message.payload)
            case MessageType.PING:
                await self._say({"type": "pong"} | ({"payload": message.payload} if message.payload else {}))
            case MessageType.SUBSCRIBE:
                return await self._subscribe(message.id, message.payload)
            case MessageType.COMPLETE:
                self._forget(message.id)
            case MessageType.PONG:
                pass
        return None

    async def _initialise(self, payload: Mapping[str, Any] | None) -> Ending | None:
        if self._is_init_received:
            return Ending(4429, "Too many initialisation requests")
        self._is_init_received = True
        authorization = authorization_in(payload) or self._handshake_authorization
        try:
            self._actor = await self._streams.access.actor(authorization)
        except InvalidToken:
            return TOKEN_INVALID
        except (SQLAlchemyError, OSError) as error:
            note_unreachable(error)
            return Ending(1013, "Try again in a moment")
        self.authorization = authorization
        await self._say({"type": "connection_ack"})
        return None

    async def _subscribe(self, key: str, payload: Mapping[str, Any]) -> Ending | None:
        if self._actor is None:
            return Ending(4401, "Unauthorized")
        if key in self._operations:
            return Ending(4409, f"Subscriber for {key} already exists"[:100])
        operations_max = self._streams.settings.socket_operations_max
        if len(self._tasks) >= operations_max:
            message = f"At most {operations_max} operations run at once on one socket; complete one first."
            refused = RequestRefused(429, TopLevelCode.THROTTLED, message)
            await self._say({"type": "error", "id": key, "payload": refused.answer(new_id().hex)["errors"]})
            return None
        running = self._operations[key] = Running()
        running.task = asyncio.create_task(self._operate(key, payload, running, self._actor))
        self._tasks.add(running.task)
        running.task.add_done_callback(self._tasks.discard)
        return None

    def _forget(self, key: str) -> None:
        """End an operation whose answers nobody wants any more."""
        running = self._operations.pop(key, None)
        if running is not None and running.task is not None and not running.is_write:
            running.task.cancel()

    async def _operate(self, key: str, payload: Mapping[str, Any], running: Running, actor: Actor) -> None:
        context = running.context = self._streams.new_context(actor, client_address=self.address)
        with structlog.contextvars.bound_contextvars(request_id=context.request_id):
            try:
                last = await self._finished(key, payload, running, context)
                if self._operations.get(key) is running:
                    del self._operations[key]  # from now on the client may use the id again
                    await self._say(last | {"id": key})
            finally:
                running.is_write = True  # who takes the answer and vanishes is in the audit log all the same
                await context.tell_reading()

    async def _finished(
        self, key: str, payload: Mapping[str, Any], running: Running, context: Context
    ) -> dict[str, Any]:
        """Say every answer of an operation, and give back what it holds; return the message that ends it."""
        try:
            return await self._answer(key, payload, running, context)
        except Exception:  # noqa: BLE001  the client gets an answer that it can read
            _log.exception("operation failed")
            return {"type": "error", "payload": failure_answer(context.request_id)["errors"]}
        finally:
            await context.close()

    async def _answer(self, key: str, payload: Mapping[str, Any], running: Running, context: Context) -> dict[str, Any]:
        """Say every answer of an operation; return the message that ends it."""
        operations = self._streams.operations
        try:
            prepared = operations.prepare(
                read_operation(payload), actor=context.actor, client_address=context.client_address
            )
        except RequestRefused as refused:
            return {"type": "error", "payload": refused.answer(context.request_id)["errors"]}
        if isinstance(prepared, Rejected):
            return {"type": "error", "payload": prepared.answer(context.request_id)["errors"]}
        running.is_write = prepared.kind == "mutation"
        answers = list_answers(self._streams, prepared, context, send=self._sender(key, running))
        async with aclosing(answers):  # who is stopped while something is said is followed by nobody any more
            async for answer in answers:
                if isinstance(answer, dict) and "data" not in answer:
                    return {"type": "error", "payload": answer["errors"]}
                if self._operations.get(key) is running:
                    await self._say({"type": "next", "id": key, "payload": answer})
        return {"type": "complete"}

    async def _say(self, message: Mapping[str, Any]) -> None:
        """Send a message when it is its turn; nothing is said on a socket that has ended."""
        text = written(message).decode()
        await self._in_turn(lambda: self._send({"type": "websocket.send", "text": text}))

    async def _in_turn(self, sending: Callable[[], Awaitable[None]]) -> None:
        """Send when it is its turn; nothing is sent on a socket that has ended."""
        self._unsent += 1
        try:
            async with self._turn:
                if self._ending is None:
                    self._sending_since = self._streams.now()
                    await sending()
        except OSError:  # the client went away; receiving says so too
            self.end(GONE)
        finally:
            self._sending_since = None
            self._unsent -= 1

    def _sender(self, key: str, running: Running) -> SendAnswer:
        """Return what sends an answer of an operation that is written already, if nothing else waits to be sent."""
        beginning = written({"type": "next", "id": key})[:-1] + b',"payload":'

        def send(text: bytes) -> bool:
            if self._ending is not None or self._operations.get(key) is not running:
                return True  # nobody wants it any more
            if self._unsent:
                return False
            if self._write is not None:
                return self._write(beginning, text, b"}")
            self._send_at_once((beginning + text + b"}").decode())
            return True

        return send

    def _send_at_once(self, text: str) -> None:
        """Send without waiting; where the client does not read, a task waits, and what comes next waits behind it."""
        try:
            rest = begun(self._send({"type": "websocket.send", "text": text}))
        except OSError:
            self.end(GONE)
            return
        if rest is not None:
            self._unsent += 1
            task = asyncio.create_task(self._in_turn(lambda: rest))
            self._rests.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._unsent -= 1
        self._rests.discard(task)

    async def _stop_operations(self) -> None:
        """End what runs, at once but for writes that have begun."""
        self._operations, forgotten = {}, self._operations
        for running in forgotten.values():
            if running.task is not None and not running.is_write:
                running.task.cancel()
        for rest in self._rests:
            rest.cancel()
        await asyncio.gather(*self._tasks, *self._rests, return_exceptions=True)

    async def _close(self, ending: Ending) -> None:
        if ending in (GONE, STUCK):
            return
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})

    @property
    def _burst(self) -> int:
        return self._streams.settings.socket_messages_per_second * _MESSAGES_AT_ONCE_S

    def _has_credit(self) -> bool:
        """Count a message; tell whether the client may send it already."""
        now = self._streams.now()
        elapsed_s = max((now - self._counted_at).total_seconds(), 0)
        self._counted_at = now
        restored = elapsed_s * self._streams.settings.socket_messages_per_second
        self._credit = min(self._credit + restored, self._burst) - 1
        return self._credit >= 0
