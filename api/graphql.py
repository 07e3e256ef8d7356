"""The endpoint: from an HTTP request to an operation, and from its answer to bytes.

One ASGI callable, without the objects of a framework on the way: body → document → execution → bytes.
"""

import asyncio
import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from api.access import InvalidToken, client_address
from api.operations import RETRY_AFTER, Prepared, Rejected
from api.requests import Answer, Operation, RequestRefused, malformed, read_operation
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

_PARAMETERS_MAX = 20
"""Parameters of a GET; GraphQL knows five."""

_log = structlog.get_logger("api.graphql")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it came in, and where its answer goes."""

    method: str
    headers: Mapping[str, str]
    query_string: bytes
    client_address: str | None
    request_id: str
    receive: Receive
    send: Send

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> "Exchange":
        """Take a request apart. Headers that come more than once are one list, as HTTP says."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            word, text = name.decode("latin-1"), value.decode("latin-1")
            headers[word] = f"{headers[word]}, {text}" if word in headers else text
        client = scope.get("client")
        return cls(
            method=scope["method"],
            headers=headers,
            query_string=scope["query_string"],
            client_address=client[0] if client else None,
            request_id=scope["state"]["request_id"],
            receive=receive,
            send=send,
        )


@dataclass(frozen=True, slots=True)
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        exchange = Exchange.of(scope, receive, send)
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
        elapsed_ms = round((time.perf_counter() - started) * 1_000, 1)
        codes = [error["extensions"]["code"] for error in reply.answer.get("errors", ())]
        _log.info(
            "request",
            method=exchange.method,
            status=reply.status,
            elapsed_ms=elapsed_ms,
            **({"codes": sorted(set(codes))} if codes else {}),
        )

    async def _reply(self, exchange: Exchange) -> Reply:
        media_type = _JSON
        try:
            media_type = negotiate(exchange.headers.get("accept"))
            async with asyncio.timeout(self._settings.request_timeout_s):
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
            return await self._access.actor(exchange.headers.get("authorization"))
        except InvalidToken:
            message = (
                "This token is unknown, expired or revoked: refresh the session, sign in again, or use another key."
            )
            headers = {"WWW-Authenticate": "Bearer"}
            raise RequestRefused(401, TopLevelCode.UNAUTHENTICATED, message, headers) from None
        except (SQLAlchemyError, OSError) as error:
            _log.exception("the database does not answer")
            message = "The server cannot reach its database; try again in a moment."
            raise RequestRefused(503, TopLevelCode.INTERNAL, message) from error

    async def _read(self, exchange: Exchange) -> Operation:
        if exchange.method == "GET":
            return read_operation(_parameters(exchange.query_string))
        if exchange.method != "POST":
            message = "GraphQL comes by POST, queries also by GET."
            raise RequestRefused(405, TopLevelCode.BAD_USER_INPUT, message, {"Allow": _METHODS})
        if exchange.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            message = f"Send the body as {_JSON}."
            raise RequestRefused(415, TopLevelCode.BAD_USER_INPUT, message)
        if exchange.headers.get("content-encoding", "identity").strip().lower() != "identity":
            message = "Send the body as it is, without Content-Encoding."
            raise RequestRefused(415, TopLevelCode.BAD_USER_INPUT, message, {"Accept-Encoding": "identity"})
        return read_operation(_decode(await self._body(exchange)))

    async def _body(self, exchange: Exchange) -> bytes:
        """Read the body, and no more of it than is allowed."""
        length = exchange.headers.get("content-length", "")
        if length.isdecimal() and len(length) < _PARAMETERS_MAX and int(length) > self._settings.body_bytes_max:
            raise self._too_long()
        body = bytearray()
        while True:
            message = await exchange.receive()
            if message["type"] == "http.disconnect":
                text = "The client went away."
                raise malformed(text)
            body += message.get("body", b"")
            if len(body) > self._settings.body_bytes_max:
                raise self._too_long()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_long(self) -> RequestRefused:
        message = f"The body is longer than {self._settings.body_bytes_max:,} bytes; split the request."
        # The rest of the body is not waited for.
        return RequestRefused(413, TopLevelCode.BAD_USER_INPUT, message, {"Connection": "close"})

    async def _run(self, exchange: Exchange, operation: Operation, actor: Actor, media_type: str) -> Reply:
        accept = exchange.headers.get("accept") if exchange.method == "POST" else None
        address = client_address(
            exchange.client_address,
            exchange.headers.get("x-forwarded-for"),
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
                return await self._stream(exchange, form, prepared, context)
            answer = await self._operations.execute(prepared, context)
            return replace(_reply_of(answer, media_type), context=context)
        finally:
            await context.close()

    async def _stream(self, exchange: Exchange, form: Form, prepared: Prepared, context: Context) -> Reply:
        """Send the answers one after another."""
        authorization = exchange.headers.get("authorization")
        body = Body(self._streams, form, exchange.receive, exchange.send, context=context, authorization=authorization)
        await body.run(prepared)
        return Reply(200, {}, is_sent=True, context=context)

    async def _send(self, exchange: Exchange, reply: Reply) -> None:
        form = reply.form
        body = orjson.dumps(reply.answer) if form is None else form.beginning + form.part(reply.answer) + form.end
        headers = {
            "Content-Type": f"{reply.media_type}; charset=utf-8" if form is None else form.media_type,
            # What depends on the origin says so itself; a cache is to know it also of answers that do not.
            "Vary": "Accept, Accept-Encoding" if "origin" in exchange.headers else "Accept, Accept-Encoding, Origin",
            "Cache-Control": "no-store",
            **(reply.headers or {}),
        }
        if len(body) >= self._settings.compress_bytes_min and takes_gzip(exchange.headers.get("accept-encoding", "")):
            body = await _compressed(body)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await exchange.send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        await exchange.send({"type": "http.response.body", "body": body})


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
