"""The endpoint: from an HTTP request to an operation, and from its answer to bytes.

One ASGI callable, without the objects of a framework on the way: body → document → execution → bytes.
"""

import asyncio
import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Message, Receive, Scope, Send

from api.access import InvalidToken, client_address, note_unreachable
from api.operations import RETRY_AFTER, Prepared, Rejected
from api.requests import (
    REQUEST_ID,
    Answer,
    Operation,
    RequestRefused,
    headers_of,
    malformed,
    read_operation,
    request_id_of,
    written,
)
from api.streams.bodies import Body
from api.streams.forms import TRANSPORTS, Form, choose_form, takes_streams
from api.streams.shared import Streams
from domain.base.actors import Actor
from schema.base.context import Context
from schema.base.errors import TopLevelCode

_JSON = "application/json"
_GRAPHQL_JSON = "application/graphql-response+json"
_ANY = ("*/*", "application/*")
_METHODS = "GET, POST"

_COMPRESSION_LEVEL = 5
_COMPRESS_ASIDE_BYTES = 65_536
"""Answers from this size on are compressed in a thread: others go on meanwhile."""

_ACCEPTS_MAX = 256
"""Ways to say what is accepted that are not read again."""

_VARY = (b"vary", b"Accept, Accept-Encoding")
_VARY_BY_ORIGIN = (b"vary", b"Accept, Accept-Encoding, Origin")
_NOT_STORED = (b"cache-control", b"no-store")

_PARAMETERS_MAX = 20
"""Parameters of a GET; GraphQL knows five."""

_log = structlog.get_logger("api.graphql")


class Exchange:
    """A request as it came in, and where its answer goes."""

    __slots__ = ("_headers", "client_address", "is_stamped", "method", "query_string", "receive", "request_id", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request apart."""
        self._headers = headers_of(scope)
        client = scope.get("client")
        self.method: str = scope["method"]
        self.query_string: bytes = scope["query_string"]
        self.client_address: str | None = client[0] if client else None
        stamp = scope["state"].get(REQUEST_ID) if "state" in scope else None
        self.is_stamped = stamp is not None
        """Whether whoever handed it on sends its id back."""
        self.request_id: str = stamp or request_id_of(self._headers)
        self.receive = receive
        self.send = send

    def header(self, name: bytes) -> str | None:
        """Return what was sent under a name in small letters."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def stamp(self) -> list[tuple[bytes, bytes]]:
        """Return the header that sends the id back; none where somebody else does."""
        return [] if self.is_stamped else [(b"x-request-id", self.request_id.encode())]

    async def stamped(self, message: Message) -> None:
        """Send a message, the first one with the id."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self.stamp]
        await self.send(message)

    def has(self, name: bytes) -> bool:
        """Tell whether anything was sent under a name in small letters."""
        return name in self._headers


@dataclass(slots=True)
class Reply:
    """What goes back: an answer with its status."""

    status: int
    answer: Answer
    media_type: str = _JSON
    headers: Mapping[str, str] | None = None
    form: Form | None = None
    """In which form of a stream it is written; None: as JSON."""
    is_sent: bool = False
    """Whether it went out already, part by part."""
    context: Context | None = None
    """What was executed in; None where nothing was."""


class GraphQLEndpoint:
    """Answers GraphQL over HTTP; how it does is the business of nobody else."""

    def __init__(self, streams: Streams) -> None:
        """Take what every request needs, and what answers that go on share."""
        self._streams = streams
        self._operations = streams.operations
        self._works = streams.works
        self._access = streams.access
        self._settings = streams.settings
        self._deadlines = streams.operations.deadlines
        self._log = _log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)  # each request is a task of its own
        try:
            reply = await self._reply(exchange)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer that it can read
            _log.exception("request failed")
            message = "Something went wrong here. Quote the requestId when you report it."
            refused = RequestRefused(500, TopLevelCode.INTERNAL, message)
            reply = Reply(500, refused.answer(exchange.request_id))
        if not reply.is_sent:
            await self._send(exchange, reply)
        if reply.context is not None:
            await reply.context.tell_reading()
        codes = {error["extensions"]["code"] for error in reply.answer.get("errors", ())}
        self._log.info(
            "request",
            method=exchange.method,
            status=reply.status,
            elapsed_ms=round((time.perf_counter() - started) * 1_000, 1),
            **({"codes": sorted(codes)} if codes else {}),
        )

    async def _reply(self, exchange: Exchange) -> Reply:
        media_type = _JSON
        try:
            media_type = negotiate(exchange.header(b"accept"))
            with self._deadlines.begin():
                operation = await self._read(exchange)
                actor = await self._actor(exchange)
            return await self._run(exchange, operation, actor, media_type)
        except RequestRefused as refused:
            return Reply(refused.status, refused.answer(exchange.request_id), media_type, refused.headers)
        except TimeoutError:
            message = "The request took too long to arrive; send it again."
            timed_out = RequestRefused(408, TopLevelCode.TIMEOUT, message)
            return Reply(408, timed_out.answer(exchange.request_id), media_type, {"Connection": "close"})

    async def _actor(self, exchange: Exchange) -> Actor:
        try:
            return await self._access.actor(exchange.header(b"authorization"))
        except InvalidToken:
            message = (
                "This token is unknown, expired or revoked: refresh the session, sign in again, or use another key."
            )
            headers = {"WWW-Authenticate": "Bearer"}
            raise RequestRefused(401, TopLevelCode.UNAUTHENTICATED, message, headers) from None
        except (SQLAlchemyError, OSError) as error:
            note_unreachable(error)
            message = "The server cannot reach its database; try again in a moment."
            raise RequestRefused(503, TopLevelCode.INTERNAL, message) from error

    async def _read(self, exchange: Exchange) -> Operation:
        if exchange.method == "GET":
            return read_operation(_parameters(exchange.query_string))
        if exchange.method != "POST":
            message = "GraphQL comes by POST, queries also by GET."
            raise RequestRefused(405, TopLevelCode.BAD_USER_INPUT, message, {"Allow": _METHODS})
        kind = exchange.header(b"content-type")
        if kind != _JSON and (kind or "").partition(";")[0].strip().lower() != _JSON:
            message = f"Send the body as {_JSON}."
            raise RequestRefused(415, TopLevelCode.BAD_USER_INPUT, message)
        if (exchange.header(b"content-encoding") or "identity").strip().lower() != "identity":
            message = "Send the body as it is, without Content-Encoding."
            raise RequestRefused(415, TopLevelCode.BAD_USER_INPUT, message, {"Accept-Encoding": "identity"})
        return read_operation(_decode(await self._body(exchange)))

    async def _body(self, exchange: Exchange) -> bytes:
        """Read the body, and no more of it than is allowed."""
        length = exchange.header(b"content-length") or ""
        if length.isdecimal() and len(length) < _PARAMETERS_MAX and int(length) > self._settings.body_bytes_max:
            raise self._too_long()
        parts: list[bytes] = []
        size = 0
        while True:
            message = await exchange.receive()
            if message["type"] == "http.disconnect":
                text = "The client went away."
                raise malformed(text)
            body = message.get("body", b"")
            parts.append(body)
            size += len(body)
            if size > self._settings.body_bytes_max:
                raise self._too_long()
            if not message.get("more_body", False):
                return body if len(parts) == 1 else b"".join(parts)

    def _too_long(self) -> RequestRefused:
        message = f"The body is longer than {self._settings.body_bytes_max:,} bytes; split the request."
        # The rest of the body is not waited for.
        return RequestRefused(413, TopLevelCode.BAD_USER_INPUT, message, {"Connection": "close"})

    async def _run(self, exchange: Exchange, operation: Operation, actor: Actor, media_type: str) -> Reply:
        accept = exchange.header(b"accept") if exchange.method == "POST" else None
        address = client_address(
            exchange.client_address,
            exchange.header(b"x-forwarded-for"),
            trusted_proxies=self._settings.trusted_proxies,
        )
        try:
            prepared = self._operations.prepare(operation, actor=actor, client_address=address)
        except RequestRefused as refused:
            if (form := choose_form(accept, kind="query")) is not None:
                return Reply(200, refused.answer(exchange.request_id), form=form)
            raise
        if isinstance(prepared, Rejected):
            form = choose_form(accept, kind="query")
            answer = prepared.answer(exchange.request_id)
            return _reply_of(answer, media_type) if form is None else Reply(200, answer, form=form)
        form = choose_form(accept, kind=prepared.kind)
        if prepared.kind == "subscription" and form is None:
            raise malformed(TRANSPORTS)
        if prepared.kind == "mutation" and exchange.method == "GET":
            message = "Only queries can be sent by GET; send mutations by POST."
            raise RequestRefused(405, TopLevelCode.BAD_USER_INPUT, message, {"Allow": "POST"})
        context = Context(self._works, actor=actor, request_id=exchange.request_id, client_address=address)
        try:
            if form is not None:
                context.resumes_after = exchange.header(b"last-event-id") or None
                return await self._stream(exchange, form, prepared, context)
            answer = await self._operations.execute(prepared, context)
            reply = _reply_of(answer, media_type)
            reply.context = context
            return reply
        finally:
            await context.close()

    async def _stream(self, exchange: Exchange, form: Form, prepared: Prepared, context: Context) -> Reply:
        """Send the answers one after another."""
        authorization = exchange.header(b"authorization")
        body = Body(
            self._streams, form, exchange.receive, exchange.stamped, context=context, authorization=authorization
        )
        await body.run(prepared)
        return Reply(200, {}, is_sent=True, context=context)

    async def _send(self, exchange: Exchange, reply: Reply) -> None:
        form = reply.form
        body = written(reply.answer) if form is None else form.beginning + form.part(reply.answer) + form.end
        headers = [
            _content_type(reply.media_type) if form is None else (b"content-type", form.media_type.encode()),
            # What depends on the origin says so itself; a cache is to know it also of answers that do not.
            _VARY if exchange.has(b"origin") else _VARY_BY_ORIGIN,
            _NOT_STORED,
            *exchange.stamp,
        ]
        for name, value in (reply.headers or {}).items():
            headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        if len(body) >= self._settings.compress_bytes_min and takes_gzip(exchange.header(b"accept-encoding") or ""):
            body = await _compressed(body)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", b"%d" % len(body)))
        await exchange.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": body})


@cache
def _content_type(media_type: str) -> tuple[bytes, bytes]:
    return b"content-type", f"{media_type}; charset=utf-8".encode()


@lru_cache(maxsize=_ACCEPTS_MAX)
def negotiate(accept: str | None) -> str:
    """Return the first media type that the client accepts and the endpoint speaks; raises `RequestRefused`."""
    for item in (accept or _JSON).split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if any(part.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters):
            continue
        if name in (_JSON, _GRAPHQL_JSON):
            return name
        if name in _ANY:
            return _JSON
    if takes_streams(accept):
        return _JSON  # of a refusal: it comes before the stream
    message = f"This endpoint answers with {_GRAPHQL_JSON}, {_JSON} or text/event-stream."
    raise RequestRefused(406, TopLevelCode.BAD_USER_INPUT, message)


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether the client reads gzip."""
    for item in accept_encoding.lower().split(","):
        name, _, quality = item.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def _reply_of(answer: Answer, media_type: str) -> Reply:
    """Return an answer with its status: what was executed came through, whatever its fields say."""
    if "data" in answer:
        return Reply(200, answer, media_type)
    wait_s = answer["errors"][0]["extensions"].get(RETRY_AFTER)
    refused_status = 400 if wait_s is None else 429
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    # By the specification a request error has a 4xx in the new media type; clients of the old one read a 200 only.
    return Reply(200 if media_type == _JSON else refused_status, answer, media_type, headers)


async def _compressed(body: bytes) -> bytes:
    if len(body) < _COMPRESS_ASIDE_BYTES:
        return gzip.compress(body, _COMPRESSION_LEVEL)
    return await asyncio.to_thread(gzip.compress, body, _COMPRESSION_LEVEL)


def _parameters(query_string: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX
        )
    except ValueError:  # not ASCII, not UTF-8 once unquoted, or too many
        message = "The parameters of this address cannot be read: send them as UTF-8, each quoted for an address."
        raise malformed(message) from None
    found: dict[str, Any] = dict(pairs)
    return found | {name: _decode(found[name]) for name in ("variables", "extensions") if found.get(name)}


def _decode(text: bytes | str) -> Any:  # noqa: ANN401  whatever the client sent
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        message = "This is no valid JSON in UTF-8."
        raise malformed(message) from None
