"""Refusals as data, and errors as clients may see them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.base.actors import ANONYMOUS, Actor, ActorKind
from domain.base.errors import (
    ErrorCode,
    Forbidden,
    RateLimited,
    Refusal,
    Refusals,
    StorageFull,
    VersionConflict,
)
from schema.base.descriptions import described_enum, shown
from schema.base.error_codes import DESCRIPTIONS

described_enum(
    ErrorCode,
    name="UserErrorCode",
    description="Why a write was refused. A client switches on these words; they keep their meaning for good.",
    values=DESCRIPTIONS,
)

_CODE = "What sort of refusal it is: switch on this."
_MESSAGE = "What was wrong and what to do about it, for people."
_FIELD = "Where in the input the value at fault stands, outermost first; null where it is no single value."


@strawberry.interface(
    name="UserError",
    description="One reason why a write was refused. A refused write has at least one and changes nothing.",
)
class UserError:
    """See the description."""

    code: ErrorCode = shown(_CODE)
    message: str = shown(_MESSAGE)
    field: list[str] | None = shown(_FIELD)


@strawberry.type(description="A value of the input was refused.")
class InputError(UserError):
    """See the description."""


@strawberry.type(name="VersionConflict", description="Somebody changed the object first.")
class VersionConflictError(UserError):
    """See the description."""

    current_version: int = shown("The version to read again before deciding anew.")


@strawberry.type(name="RateLimited", description="This was tried too often.")
class RateLimitedError(UserError):
    """See the description."""

    retry_at: datetime = shown("When it may be tried again.")


class TopLevelCode(StrEnum):
    """`extensions.code` of an error that is not a refusal: the client's code is wrong, or the server could not."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COSTLY = "QUERY_TOO_COSTLY"
    THROTTLED = "THROTTLED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """Apollo's word: its client sends the document again, with its hash."""
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    TIMEOUT = "TIMEOUT"
    STORAGE_FULL = "STORAGE_FULL"
    INTERNAL = "INTERNAL"


TIMEOUT_SQLSTATES = {"57014", "55P03"}
"""PostgreSQL: query cancelled by its time limit, lock not to be had in time."""


MESSAGE_LENGTH_MAX = 500


def user_errors(refused: Refusal | Refusals) -> list[UserError]:
    """Return the refusals as the payload shows them."""
    refusals: Sequence[Refusal] = refused.refusals if isinstance(refused, Refusals) else (refused,)
    return [_user_error(refusal) for refusal in refusals]


def _user_error(refusal: Refusal) -> UserError:
    shared: dict[str, Any] = {
        "code": refusal.code,
        "message": refusal.message,
        "field": [in_api_spelling(step) for step in refusal.field] or None,
    }
    if isinstance(refusal, VersionConflict):
        return VersionConflictError(**shared, current_version=refusal.current_version)
    if isinstance(refusal, RateLimited):
        return RateLimitedError(**shared, retry_at=refusal.retry_at)
    return InputError(**shared)


def in_api_spelling(step: str | int) -> str:
    """Return a step of a path as clients spell it: `unit_price` is `unitPrice`."""
    head, *tail = str(step).split("_")
    return head + "".join(part.capitalize() for part in tail)


def top_level_code(
    error: GraphQLError, *, actor: Actor = ANONYMOUS, is_document_at_fault: bool = False
) -> TopLevelCode:
    """Return what `extensions.code` says of an error."""
    if isinstance(error, GraphQLSyntaxError):
        return TopLevelCode.GRAPHQL_PARSE_FAILED
    if is_document_at_fault:
        return TopLevelCode.GRAPHQL_VALIDATION_FAILED
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return TopLevelCode.BAD_USER_INPUT
    return _code_of(original, actor)


def _code_of(original: Exception, actor: Actor) -> TopLevelCode:
    """Return the code of what a resolver raised."""
    if isinstance(original, Forbidden):
        is_nobody = actor.kind is ActorKind.ANONYMOUS
        return TopLevelCode.UNAUTHENTICATED if is_nobody else TopLevelCode.FORBIDDEN
    if isinstance(original, Refusal | Refusals):
        return TopLevelCode.BAD_USER_INPUT
    if isinstance(original, StorageFull):
        return TopLevelCode.STORAGE_FULL
    sqlstate = getattr(getattr(original, "orig", None), "sqlstate", None)
    is_timeout = isinstance(original, TimeoutError | PoolTimeoutError) or sqlstate in TIMEOUT_SQLSTATES
    return TopLevelCode.TIMEOUT if is_timeout else TopLevelCode.INTERNAL


_MASKED = {
    TopLevelCode.INTERNAL: "Something went wrong here. Quote the requestId when you report it.",
    TopLevelCode.TIMEOUT: "This took too long. Ask for less at once. A write may have been done: repeat it as it was.",
    TopLevelCode.UNAUTHENTICATED: "This needs a token: send the header Authorization: Bearer <token or API key>.",
}


def shown_error(error: GraphQLError, *, code: TopLevelCode, request_id: str) -> dict[str, Any]:
    """Return the error as the client sees it; what went wrong inside stays inside."""
    formatted: dict[str, Any] = dict(error.formatted)
    message = _MASKED.get(code, formatted["message"])
    # What the client sent is quoted, and may be as long as a request.
    formatted["message"] = message if len(message) <= MESSAGE_LENGTH_MAX else f"{message[:MESSAGE_LENGTH_MAX]}…"
    formatted["extensions"] = {"code": code.value, "requestId": request_id}
    return formatted
