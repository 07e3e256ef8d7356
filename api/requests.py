"""What clients ask, as it was sent, and the refusal of what is no request."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from schema.base.errors import TopLevelCode

Answer: TypeAlias = dict[str, Any]
"""What goes out: `data`, `errors`, `extensions`. Without `data` nothing was executed: the request is at fault."""


class RequestRefused(Exception):  # noqa: N818  reads as what it is
    """The request is not one that is taken, whatever document it brings."""

    def __init__(self, status: int, code: TopLevelCode, message: str, headers: dict[str, str] | None = None) -> None:
        """Carry the HTTP status, what is said and what is said beside it."""
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def answer(self, request_id: str) -> Answer:
        """Return the refusal as clients see it."""
        return {"errors": [{"message": self.message, "extensions": {"code": self.code.value, "requestId": request_id}}]}


@dataclass(frozen=True, slots=True)
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
