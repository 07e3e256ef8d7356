"""The endpoint: from an HTTP request to the schema, and back."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
import structlog
from graphql import GraphQLError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import (
    CannotGetOperationTypeError,
    InvalidOperationTypeError,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from api.access import Access, InvalidToken, client_address
from api.settings import Settings
from domain.base.actors import Actor
from domain.base.work import Works
from schema.base.context import Context
from schema.base.errors import TopLevelCode, shown_error, top_level_code

_JSON = "application/json"
_GRAPHQL_JSON = "application/graphql-response+json"
_log = structlog.get_logger("api.graphql")


class RequestRefused(Exception):  # noqa: N818  reads as what it is
    """The request is not one that this endpoint takes."""

    def __init__(self, status: int, code: TopLevelCode, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Carry the HTTP status, what is said and what is said beside it."""
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


@dataclass(frozen=True, slots=True)
class Operation:
    """What the client asks."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    is_get: bool


class GraphQLEndpoint:
    """Answers GraphQL over HTTP; how it does is the business of nobody else."""

    def __init__(self, schema: strawberry.Schema, *, works: Works, access: Access, settings: Settings) -> None:
        """Take what every request needs."""
        self._schema = schema
        self._works = works
        self._access = access
        self._settings = settings

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        started = time.perf_counter()
        response = await self._answer_request(request)
        elapsed_ms = round((time.perf_counter() - started) * 1_000, 1)
        _log.info("request", method=request.method, status=response.status_code, elapsed_ms=elapsed_ms)
        return response

    async def _answer_request(self, request: Request) -> Response:
        request_id: str = request.state.request_id
        media_type = _JSON
        try:
            media_type = _negotiate(request.headers.get("accept"))
            async with asyncio.timeout(self._settings.request_timeout_s):
                operation = await self._read(request)
                actor = await self._actor(request)
        except RequestRefused as refused:
            return _refuse(refused, request_id, media_type)
        except TimeoutError:
            message = "The request took too long to arrive; send it again."
            return _refuse(RequestRefused(408, TopLevelCode.TIMEOUT, message), request_id, media_type)
        address = client_address(
            request.client.host if request.client else None,
            request.headers.get("x-forwarded-for"),
            trusted_proxies=self._settings.trusted_proxies,
        )
        context = Context(self._works, actor=actor, request_id=request_id, client_address=address)
        return await self._execute(operation, context, media_type)

    async def _actor(self, request: Request) -> Actor:
        try:
            return await self._access.actor(request.headers.get("authorization"))
        except InvalidToken:
            message = "This token is unknown, expired or revoked. Send the header Authorization: Bearer <your API key>."
            headers = {"WWW-Authenticate": "Bearer"}
            raise RequestRefused(401, TopLevelCode.UNAUTHENTICATED, message, headers) from None
        except (SQLAlchemyError, OSError) as error:
            _log.exception("the database does not answer")
            message = "The server cannot reach its database; try again in a moment."
            raise RequestRefused(503, TopLevelCode.INTERNAL, message) from error

    async def _read(self, request: Request) -> Operation:
        if request.method == "GET":
            parameters: Mapping[str, Any] = request.query_params
            decoded = {name: _decode(parameters[name]) for name in ("variables", "extensions") if parameters.get(name)}
            return _operation({**parameters, **decoded}, is_get=True)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != _JSON:
            message = f"Send the body as {_JSON}."
            raise RequestRefused(415, TopLevelCode.BAD_USER_INPUT, message)
        return _operation(_decode(await self._body(request)), is_get=False)

    async def _body(self, request: Request) -> bytes:
        """Read the body, and no more of it than is allowed."""
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._settings.body_bytes_max:
                    message = f"The body is longer than {self._settings.body_bytes_max:,} bytes; split the request."
                    raise RequestRefused(413, TopLevelCode.BAD_USER_INPUT, message)
        except ClientDisconnect:
            raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, "The client went away.") from None
        return bytes(body)

    async def _execute(self, operation: Operation, context: Context, media_type: str) -> Response:
        actor, request_id = context.actor, context.request_id
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                result = await self._schema.execute(
                    operation.query,
                    variable_values=operation.variables,
                    operation_name=operation.operation_name,
                    context_value=context,
                    allowed_operation_types=(
                        (OperationType.QUERY,) if operation.is_get else (OperationType.QUERY, OperationType.MUTATION)
                    ),
                )
        except (MissingQueryError, CannotGetOperationTypeError):
            result = _document_error("The document has no operation of this name.")
        except InvalidOperationTypeError:
            if operation.is_get:
                result = _document_error("Only queries can be sent by GET; send mutations by POST.")
                return self._answer(result, actor, request_id, media_type, status=405, headers={"Allow": "POST"})
            result = _document_error("This schema has no subscriptions yet.")
        except TimeoutError as error:
            result = ExecutionResult(data=None, errors=[GraphQLError("timeout", original_error=error)])
        finally:
            await context.close()
        return self._answer(result, actor, request_id, media_type)

    def _answer(
        self,
        result: ExecutionResult,
        actor: Actor,
        request_id: str,
        media_type: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        is_document_at_fault = isinstance(result, PreExecutionError)
        answer: dict[str, Any] = {}
        for error in result.errors or ():
            code = top_level_code(error, actor=actor, is_document_at_fault=is_document_at_fault)
            if code is TopLevelCode.INTERNAL:
                _log.error("request failed", exc_info=error.original_error, path=error.path)
            answer.setdefault("errors", []).append(shown_error(error, code=code, request_id=request_id))
        was_executed = not is_document_at_fault and not (result.data is None and _is_pathless(result))
        if was_executed:
            answer["data"] = result.data
        if status is None:
            # By the specification a request error has a 4xx in the new media type, and 200 in the old one.
            status = 200 if was_executed or media_type == _JSON else 400
        return _respond(answer, status, media_type, headers or {})


def _refuse(refused: RequestRefused, request_id: str, media_type: str) -> Response:
    error = {"message": refused.message, "extensions": {"code": refused.code.value, "requestId": request_id}}
    return _respond({"errors": [error]}, refused.status, media_type, refused.headers)


def _is_pathless(result: ExecutionResult) -> bool:
    """Tell whether the operation never began: its variables or its name are at fault."""
    return bool(result.errors) and all(
        error.path is None and isinstance(error.original_error, GraphQLError | None) for error in result.errors or ()
    )


def _document_error(message: str) -> PreExecutionError:
    return PreExecutionError(data=None, errors=[GraphQLError(message)])


def _respond(answer: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    return Response(
        orjson.dumps(answer),
        status_code=status,
        headers={"Vary": "Accept", "Cache-Control": "no-store", **headers},
        media_type=f"{media_type}; charset=utf-8",
    )


def _negotiate(accept: str | None) -> str:
    """Return the first media type that the client accepts and the endpoint speaks."""
    for item in (accept or "*/*").split(","):
        name = item.partition(";")[0].strip().lower()
        if name in (_JSON, _GRAPHQL_JSON):
            return name
        if name in ("*/*", "application/*"):
            return _JSON
    message = f"This endpoint answers with {_GRAPHQL_JSON} or {_JSON}."
    raise RequestRefused(406, TopLevelCode.BAD_USER_INPUT, message)


def _decode(text: bytes | str) -> Any:  # noqa: ANN401  whatever the client sent
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        message = "This is no valid JSON in UTF-8."
        raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message) from None


def _operation(parameters: object, *, is_get: bool) -> Operation:
    if not isinstance(parameters, dict):
        message = "Send one JSON object with query, variables and operationName."
        raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)
    query, variables, name = (parameters.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        message = "The field query must hold the GraphQL document."
        raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)
    if not isinstance(variables, dict | None) or not isinstance(parameters.get("extensions"), dict | None):
        message = "The fields variables and extensions must be JSON objects."
        raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)
    if not isinstance(name, str | None):
        message = "The field operationName must be text."
        raise RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)
    return Operation(query=query, variables=variables, operation_name=name or None, is_get=is_get)
