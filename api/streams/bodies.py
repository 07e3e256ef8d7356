"""An answer over HTTP that goes on: server-sent events, and Apollo's multipart protocol."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta

from starlette.types import Receive, Send

from api.operations import Prepared
from api.requests import RequestRefused
from api.streams.forms import Form
from api.streams.shared import (
    FAILED,
    GONE,
    RESTARTING,
    SEND_WITHIN,
    STUCK,
    TOKEN_INVALID,
    Ending,
    StreamRefused,
    Streams,
    is_passing,
    list_answers,
)
from domain.base.actors import Actor
from schema.base.context import Context
from schema.base.errors import TopLevelCode

HEARTBEAT_EVERY = timedelta(seconds=15)
"""Proxies close what is silent for longer than a minute, some after 30 seconds."""


class Body:
    """The answers of one operation, as they come, in one response."""

    def __init__(
        self,
        streams: Streams,
        form: Form,
        receive: Receive,
        send: Send,
        *,
        context: Context,
        authorization: str | None,
    ) -> None:
        """Take a request whose body was read."""
        self.address = context.client_address
        self.authorization = authorization
        self._streams = streams
        self._form = form
        self._receive = receive
        self._send = send
        self._context = context
        self._life = asyncio.timeout(None)
        self._ending: Ending | None = None
        self._is_write = False
        self._turn = asyncio.Lock()
        self._sending_since: datetime | None = None
        self._said_at = streams.now()
        self._beats: set[asyncio.Task[None]] = set()

    async def run(self, prepared: Prepared) -> None:
        """Send every answer until the end; raises `RequestRefused` before anything was sent."""
        self._is_write = prepared.kind == "mutation"
        try:
            with self._streams.admit(self):
                await self._run(prepared)
        except StreamRefused as refused:
            status = 503 if refused.is_stopping else 429
            raise RequestRefused(status, TopLevelCode.THROTTLED, refused.message) from None

    def look(self, now: datetime) -> None:
        """Give a sign of life where it is due, and end where the client does not read."""
        if self._sending_since is not None and now - self._sending_since >= SEND_WITHIN:
            self.end(STUCK)
        elif now - self._said_at >= HEARTBEAT_EVERY and not self._beats and self._ending is None:
            beat = asyncio.create_task(self._write(self._form.heartbeat))
            self._beats.add(beat)
            beat.add_done_callback(self._beats.discard)

    def recognise(self, actor: Actor) -> None:
        """Learn what the client may do now: it counts from the next event on."""
        self._context.actor = actor
        self._streams.groups.recognise(self._context)

    def end(self, ending: Ending) -> None:
        """End, unless it has ended; a write that has begun is done."""
        if self._ending is None and not (self._is_write and ending is not STUCK):
            self._ending = ending
            self._life.reschedule(asyncio.get_running_loop().time())

    async def _run(self, prepared: Prepared) -> None:
        watcher = asyncio.create_task(self._watch())
        try:
            async with self._life:
                await self._begin()
                await self._send_answers(prepared)
        except TimeoutError:
            if self._ending is None:  # pragma: no cover  nothing inside lets one through
                raise
        finally:
            self._ending = self._ending or Ending(1000, "Complete")
            for task in (watcher, *self._beats):
                task.cancel()
            await asyncio.gather(watcher, *self._beats, return_exceptions=True)
        await self._finish(self._ending)

    async def _send_answers(self, prepared: Prepared) -> None:
        is_cut_short = False
        async with aclosing(list_answers(self._streams, prepared, self._context)) as answers:
            async for answer in answers:
                reached = self._context.reached
                is_cut_short = is_passing(answer)
                await self._write(self._form.part(answer, cursor=None if reached is None else reached.cursor))
        if is_cut_short:
            self._ending = self._ending or FAILED

    async def _watch(self) -> None:
        """Notice that the client went away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end(GONE)

    async def _begin(self) -> None:
        headers = {
            "content-type": self._form.media_type,
            "cache-control": "no-store",
            "vary": "Accept",
            "x-accel-buffering": "no",  # a proxy that collects the answers first would hold them back
        }
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": encoded})
        await self._write(self._form.beginning)

    async def _write(self, chunk: bytes) -> None:
        async with self._turn:
            self._sending_since = self._said_at = self._streams.now()
            try:
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:
                self._sending_since = None

    async def _finish(self, ending: Ending) -> None:
        """Say how it ended; a restart or a failure is no end that clients should take for one, so they come back."""
        if ending in (GONE, STUCK):
            return
        last = b"" if ending in (RESTARTING, FAILED) else self._form.end
        if ending is TOKEN_INVALID:
            message = "Your token has expired or was revoked. Subscribe again with a new one, after your last cursor."
            refused = RequestRefused(401, TopLevelCode.UNAUTHENTICATED, message)
            last = self._form.failure(refused.answer(self._context.request_id)) + last
        await self._send({"type": "http.response.body", "body": last, "more_body": False})
