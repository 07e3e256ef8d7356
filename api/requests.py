"""What clients ask, as it was sent, and the refusal of what is no request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from starlette.types import Scope

from domain.base.identifiers import new_hex_id
from schema.base.errors import TopLevelCode

REQUEST_ID = "request_id"
"""Under which a request's id stands in its scope's state, where somebody sends it back already."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")

Answer: TypeAlias = dict[str, Any]
"""What goes out: `data`, `errors`, `extensions`. Without `data` nothing was executed: the request is at fault."""


def written(content: object) -> bytes:
    """Return what goes out as JSON. Instants of plans are written here, as RFC 3339 with `Z`."""
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)


class RequestRefused(Exception):  # noqa: N818  reads as what it is
    """The request is not one that is taken, whatever document it brings."""

    def __init__(self, status: int, code: TopLevelCode, message: str, headers: dict[str, str] | None = None) -> None:
        """Carry the HTTP status, what is said and what is said beside it."""
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def answer(self, request_id: str) -> Answer:
        """Return the refusal as clients see it."""
        return {"errors": [{"message": self.message, "extensions": {"code": self.code.value, "requestId": request_id}}]}


@dataclass(slots=True)
class Operation:
    """What the client asks, as it was sent."""

    query: str | None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


def read_operation(parameters: object) -> Operation:
    """Return what a decoded JSON value asks; raises `RequestRefused` where it is no operation."""
    if not isinstance(parameters, dict):
        message = "Send one JSON object with query, variables and operationName."
        raise malformed(message)
    for name in ("variables", "extensions"):
        if not isinstance(parameters.get(name), dict | None):
            message = f"The field {name} must be a JSON object."
            raise malformed(message)
    for name in ("query", "operationName", "documentId"):
        if not isinstance(parameters.get(name), str | None):
            message = f"The field {name} must be text."
            raise malformed(message)
    return Operation(
        query=parameters.get("query"),
        variables=parameters.get("variables"),
        operation_name=parameters.get("operationName") or None,
        extensions=parameters.get("extensions"),
        document_id=parameters.get("documentId"),
    )


def malformed(message: str) -> RequestRefused:
    """Return the refusal of a request that is not of its form."""
    return RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Return a request's headers by their names; one that comes more than once is one list, as HTTP says."""
    sent = scope["headers"]
    found: dict[bytes, bytes] = dict(sent)
    if len(found) == len(sent):
        return found
    found = {}
    for name, value in sent:
        found[name] = b"%s, %s" % (found[name], value) if name in found else value
    return found


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the id that a request came with, or a new one: an id that is not plain would end up in logs as it is."""
    sent = headers.get(b"x-request-id")
    if sent is not None and _REQUEST_ID.fullmatch(text := sent.decode("latin-1")):
        return text
    return new_hex_id()
