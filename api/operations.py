"""What clients ask, whatever brought it here: documents are prepared once, operations are run.

A transport reads an `Operation` from what came in, prepares it and runs it; it gets answers that are ready to be
written as JSON. Status codes, frames and heartbeats are the transports' business.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute,
    parse,
    specified_rules,
    subscribe,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.settings import Settings
from domain.base.actors import Actor
from schema.base.context import Context
from schema.base.errors import TopLevelCode, shown_error, top_level_code
from schema.root import TOKENS_MAX

Answer: TypeAlias = dict[str, Any]
"""What goes out: `data`, `errors`, `extensions`. Without `data` nothing was executed: the request is at fault."""

Kind: TypeAlias = Literal["query", "mutation", "subscription"]

_log = structlog.get_logger(__name__)


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


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read and found sound, with the operation that is meant."""

    tree: DocumentNode
    operation: OperationDefinitionNode


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that can be run."""

    document: Document
    operation: Operation

    @property
    def kind(self) -> Kind:
        """Return what sort of operation it is."""
        return self.document.operation.operation.value


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that cannot be run, and why."""

    errors: list[GraphQLError]
    code: TopLevelCode = TopLevelCode.GRAPHQL_VALIDATION_FAILED

    def answer(self, request_id: str) -> Answer:
        """Return the reasons as clients see them."""
        return {"errors": [shown_error(error, code=self._code(error), request_id=request_id) for error in self.errors]}

    def _code(self, error: GraphQLError) -> TopLevelCode:
        return top_level_code(error, is_document_at_fault=True) if self.code is _INVALID else self.code


_INVALID = TopLevelCode.GRAPHQL_VALIDATION_FAILED


def read_operation(parameters: object) -> Operation:
    """Return what a decoded JSON value asks; raises `RequestRefused` where it is no operation."""
    if not isinstance(parameters, dict):
        message = "Send one JSON object with query, variables and operationName."
        raise _malformed(message)
    for name in ("variables", "extensions"):
        if not isinstance(parameters.get(name), dict | None):
            message = f"The field {name} must be a JSON object."
            raise _malformed(message)
    for name in ("query", "operationName", "documentId"):
        if not isinstance(parameters.get(name), str | None):
            message = f"The field {name} must be text."
            raise _malformed(message)
    return Operation(
        query=parameters.get("query"),
        variables=parameters.get("variables"),
        operation_name=parameters.get("operationName") or None,
        extensions=parameters.get("extensions"),
        document_id=parameters.get("documentId"),
    )


def _malformed(message: str) -> RequestRefused:
    return RequestRefused(400, TopLevelCode.BAD_USER_INPUT, message)


class Operations:
    """Prepares and runs operations; how they are executed is the business of nobody else."""

    def __init__(self, schema: strawberry.Schema, *, settings: Settings) -> None:
        """Take what is executed, and how far."""
        self._schema = schema
        self._settings = settings
        self._rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
        if not settings.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)

    def prepare(self, operation: Operation, *, actor: Actor) -> Prepared | Rejected:  # noqa: ARG002  for limits
        """Return the operation ready to run, or why its document cannot be; raises `RequestRefused`."""
        text = operation.query
        if text is None or not text.strip():
            message = "The field query must hold the GraphQL document."
            raise _malformed(message)
        try:
            tree = parse(text, max_lexical_tokens=TOKENS_MAX)
        except GraphQLError as error:
            return Rejected([error])
        meant = _meant(tree, operation.operation_name)
        if isinstance(meant, Rejected):
            return meant
        errors = validate(self._schema._schema, tree, self._rules, hide_suggestions=self._hides)  # noqa: SLF001
        return Rejected(errors) if errors else Prepared(Document(tree, meant), operation)

    async def execute(self, prepared: Prepared, context: Context) -> Answer:
        """Run a query or mutation and return its answer. The context is the caller's to close."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                found = execute(**self._arguments(prepared, context))
                result = found if isinstance(found, ExecutionResult) else await found
        except TimeoutError as error:
            result = ExecutionResult(data=None, errors=[GraphQLError("timeout", original_error=error)])
        return _answer(result, context)

    async def subscribe(self, prepared: Prepared, context: Context) -> AsyncIterator[Answer] | Answer:
        """Begin a subscription and return its answers as they come, or the one answer that it could not begin.

        Close the iterator (`aclose`) when the client is gone. What is read for one answer is given back after it.
        """
        arguments = self._arguments(prepared, context)
        found = subscribe(**arguments)
        result = found if isinstance(found, ExecutionResult | AsyncIterator) else await found
        if isinstance(result, ExecutionResult):
            return _answer(result, context)
        return _answers(result, context)

    @property
    def _hides(self) -> bool:
        """Tell whether the names of the schema are kept to oneself."""
        return not self._settings.introspection

    def _arguments(self, prepared: Prepared, context: Context) -> dict[str, Any]:
        schema = self._schema
        return {
            "schema": schema._schema,  # noqa: SLF001  what Strawberry executes itself
            "document": prepared.document.tree,
            "context_value": context,
            "variable_values": prepared.operation.variables,
            "operation_name": prepared.operation.operation_name,
            "executor_class": schema.execution_context_class,
            "hide_suggestions": self._hides,
            "is_awaitable": optimized_is_awaitable,
            "operation_extensions": prepared.operation.extensions,
        }


def _meant(tree: DocumentNode, name: str | None) -> OperationDefinitionNode | Rejected:
    """Return the operation of this name, or the only one."""
    known = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    if name is None and len(known) > 1:
        message = "The document has several operations; say by operationName which one."
        return Rejected([GraphQLError(message)])
    meant = [each for each in known if name is None or (each.name is not None and each.name.value == name)]
    if not meant:
        return Rejected([GraphQLError("The document has no operation of this name.")])
    return meant[0]


async def _answers(results: AsyncIterator[ExecutionResult], context: Context) -> AsyncIterator[Answer]:
    async with aclosing(cast("Any", results)):
        async for result in results:
            answer = _answer(result, context)
            await context.close_reading()  # nothing is held while the next event is waited for
            yield answer


def _answer(result: ExecutionResult, context: Context) -> Answer:
    answer: Answer = {}
    for error in result.errors or ():
        code = top_level_code(error, actor=context.actor)
        if code is TopLevelCode.INTERNAL:
            _log.error("request failed", exc_info=error.original_error, path=error.path)
        answer.setdefault("errors", []).append(shown_error(error, code=code, request_id=context.request_id))
    if result.data is not None or not _is_pathless(result):
        answer["data"] = result.data
    return answer


def _is_pathless(result: ExecutionResult) -> bool:
    """Tell whether the operation never began: its variables or its name are at fault."""
    return bool(result.errors) and all(
        error.path is None and isinstance(error.original_error, GraphQLError | None) for error in result.errors or ()
    )
