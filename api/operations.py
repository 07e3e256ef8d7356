"""What clients ask, whatever brought it here: documents are prepared once, operations are run.

A transport reads an `Operation` from what came in, prepares it and runs it; it gets answers that are ready to be
written as JSON. Status codes, frames and heartbeats are the transports' business.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
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
from sqlalchemy.exc import SQLAlchemyError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.deadlines import Deadlines
from api.documents import Texts
from api.requests import Answer as Answer
from api.requests import Operation as Operation
from api.requests import RequestRefused as RequestRefused
from api.requests import malformed
from api.requests import read_operation as read_operation
from api.settings import Settings
from domain.base.actors import Actor
from domain.base.clock import Clock
from domain.base.errors import StorageFull
from domain.base.kept import Kept
from schema.base.budgets import Budgets, ThrottleStatus, caller_of
from schema.base.context import Context
from schema.base.cost import Costs
from schema.base.errors import TopLevelCode, shown_error, top_level_code
from schema.base.execution.columns import Wanted, wanted_columns
from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans, Roots
from schema.base.execution.running import execute_by_plans
from schema.base.execution.sharing import Sharing, sharing_of
from schema.base.limits import COMMENTS_MAX, ERRORS_MAX, LimitExceeded, check_document, check_variables

Kind: TypeAlias = Literal["query", "mutation", "subscription"]

RETRY_AFTER = "retryAfter"
"""Where an error of the code THROTTLED says how many seconds to wait."""

_DOCUMENTS_CHARACTERS_MAX = 250_000
"""Characters of documents that are kept ready to run; read, one takes up to three hundred times its length."""

_FREE_CHARACTERS = 2_000
_CHARACTERS_FOR_ONE = 10
"""A new document costs its caller one for so many characters: one that can be run only beyond the free ones."""

_SUGGESTION = re.compile(r" Did you mean .*", re.DOTALL)

_UNREAD = (SQLAlchemyError, OSError, StorageFull)
"""What says that something could not be read now, and may be read in a moment."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Document:
    """A document that was read and found sound, with the operation that is meant."""

    tree: DocumentNode
    operation: OperationDefinitionNode
    costs: Costs
    plans: Plans
    sharing: Sharing
    wanted: Wanted
    is_lone: bool


@dataclass(slots=True)
class Prepared:
    """An operation that can be run."""

    document: Document
    operation: Operation
    cost: int
    """Of the largest answer that is expected; what came out is settled afterwards."""

    @property
    def kind(self) -> Kind:
        """Return what sort of operation it is."""
        return self.document.operation.operation.value


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that cannot be run, and why."""

    errors: list[GraphQLError]
    code: TopLevelCode = TopLevelCode.GRAPHQL_VALIDATION_FAILED
    wait_s: int = 0
    """Seconds after which it may be sent again, where that is all that is wrong."""

    def answer(self, request_id: str) -> Answer:
        """Return the reasons as clients see them."""
        shown = [shown_error(error, code=self._code(error), request_id=request_id) for error in self.errors]
        for each in shown if self.wait_s else ():
            each["extensions"][RETRY_AFTER] = self.wait_s
        return {"errors": shown}

    def _code(self, error: GraphQLError) -> TopLevelCode:
        return top_level_code(error, is_document_at_fault=True) if self.code is _INVALID else self.code


_INVALID = TopLevelCode.GRAPHQL_VALIDATION_FAILED


class Operations:
    """Prepares and runs operations; how they are executed is the business of nobody else."""

    def __init__(self, schema: strawberry.Schema, *, settings: Settings, clock: Clock) -> None:
        """Take what is executed, and how far. Raises `DocumentsUnfit`."""
        self._schema = schema
        self._settings = settings
        self._clock = clock
        self._limits = settings.limits
        self._texts = Texts(settings)
        self._budgets = Budgets(maximum=settings.cost_budget, restore_rate=settings.cost_restore_rate)
        self.deadlines = Deadlines(settings.request_timeout_s)
        self._documents: Kept[Document] = Kept(_DOCUMENTS_CHARACTERS_MAX)
        self._plans: Roots = Kept(_DOCUMENTS_CHARACTERS_MAX)
        self._rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
        if not settings.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)

    def prepare(self, operation: Operation, *, actor: Actor, client_address: str | None = None) -> Prepared | Rejected:
        """Return the operation ready to run, or why its document cannot be; raises `RequestRefused`."""
        text = self._texts.find(operation)
        try:
            check_variables(operation.variables, self._limits)
        except LimitExceeded as exceeded:
            raise malformed(exceeded.message) from None
        known = self._documents.get((text, operation.operation_name))
        document = known or self._read(text, operation.operation_name, caller_of(actor, client_address))
        if isinstance(document, Rejected):
            return document
        self._texts.keep(operation, text)
        cost = document.costs.requested(operation.variables)
        if cost > self._settings.cost_max:
            message = (
                f"This operation may cost {cost:,}; at most {self._settings.cost_max:,} is allowed. "
                "Ask for smaller pages, or in parts."
            )
            return Rejected([GraphQLError(message)], TopLevelCode.QUERY_TOO_COSTLY)
        return Prepared(document, operation, cost)

    def _read(self, text: str, name: str | None, caller: str) -> Document | Rejected:
        """Read a document that is new here. The work is the caller's: who sends nothing that can be run soon waits."""
        wait_s = self._budgets.take(caller, 0, now=self._clock.now())
        if wait_s:
            return Rejected([GraphQLError(_waiting(wait_s))], TopLevelCode.THROTTLED, wait_s)
        document = self._document(text, name)
        work = len(text) - (_FREE_CHARACTERS if isinstance(document, Document) else 0)
        self._budgets.give_back(caller, -max(0, work // _CHARACTERS_FOR_ONE), now=self._clock.now())
        return document

    def _document(self, text: str, name: str | None) -> Document | Rejected:
        """Read a document: within its limits before it is validated."""
        limits = self._limits
        schema = self._schema._schema  # noqa: SLF001  what Strawberry executes itself
        try:
            tree = parse(
                text,
                max_lexical_tokens=limits.tokens,
                max_comments=COMMENTS_MAX,
                max_source_length=limits.characters,
            )
            check_document(tree, limits)
        except GraphQLError as error:
            return Rejected([error])
        meant = _meant(tree, name)
        if isinstance(meant, Rejected):
            return meant
        errors = validate(schema, tree, self._rules, max_errors=ERRORS_MAX, hide_suggestions=self._hides)
        if errors:
            if self._hides:
                for each in errors:  # one rule of the library suggests in any case
                    each.message = _SUGGESTION.sub("", each.message)
            return Rejected(errors)
        document = Document(
            tree,
            meant,
            Costs(schema, tree, meant),
            Plans.of(tree, self._plans, text=text),
            sharing_of(schema, tree, meant),
            *wanted_columns(schema, tree),
        )
        self._documents.put((text, name), document, weight=len(text))
        return document

    async def execute(self, prepared: Prepared, context: Context) -> Answer:
        """Run a query or mutation and return its answer. The context is the caller's to close."""
        throttled = self._charge(prepared, context)
        if throttled is not None:
            return throttled
        try:
            with self.deadlines.begin():
                result = await self._execute(prepared, context)
        except TimeoutError as error:
            result = ExecutionResult(data=None, errors=[GraphQLError("timeout", original_error=error)])
        answer = _answer(result, context)
        answer["extensions"] = {"cost": self._settle(prepared, result, context)}
        return answer

    async def _execute(self, prepared: Prepared, context: Context) -> ExecutionResult:
        """Run an operation by its plans; what these cannot do begins with graphql-core."""
        arguments = self._arguments(prepared, context)
        if (result := await execute_by_plans(**arguments)) is not None:
            return result
        found = execute(**arguments, executor_class=BreadthFirst)
        return found if isinstance(found, ExecutionResult) else await found

    async def subscribe(
        self, prepared: Prepared, context: Context, *, is_again: bool = False
    ) -> AsyncGenerator[Answer] | Answer:
        """Begin a subscription and return its answers as they come, or the one answer that it could not begin.

        Close the iterator (`aclose`) when the client is gone. What is read for one answer is given back after it.
        Where the database fails while an event is read, the last answer says so, and has no data.
        `is_again`: it goes on for somebody who has begun it already, and was charged then.
        """
        throttled = None if is_again else self._charge(prepared, context)
        if throttled is not None:
            return throttled
        arguments = self._arguments(prepared, context)
        found = subscribe(**arguments, executor_class=BreadthFirst)
        result = found if isinstance(found, ExecutionResult | AsyncIterator) else await found
        if isinstance(result, ExecutionResult):
            return _answer(result, context)
        return _answers(result, context)

    def _charge(self, prepared: Prepared, context: Context) -> Answer | None:
        """Take the operation's cost from the caller's budget, or return how long they wait."""
        caller = caller_of(context.actor, context.client_address)
        now = self._clock.now()
        wait_s = self._budgets.take(caller, prepared.cost, now=now)
        context.throttle_status = partial(self._budgets.status, caller, now=now)
        if not wait_s:
            return None
        extensions = {"code": TopLevelCode.THROTTLED.value, "requestId": context.request_id, RETRY_AFTER: wait_s}
        return {
            "errors": [{"message": _waiting(wait_s), "extensions": extensions}],
            "extensions": {"cost": _cost_shown(prepared.cost, None, context.throttle_status())},
        }

    def _settle(self, prepared: Prepared, result: ExecutionResult, context: Context) -> dict[str, Any]:
        """Give back what was not needed, or take what came on top, and return the cost as clients see it."""
        caller = caller_of(context.actor, context.client_address)
        now = self._clock.now()
        actual = prepared.document.costs.actual(result.data)
        status = self._budgets.give_back(caller, prepared.cost - actual, now=now)
        return _cost_shown(prepared.cost, actual, status)

    @property
    def _hides(self) -> bool:
        """Tell whether the names of the schema are kept to oneself."""
        return not self._settings.introspection

    def _arguments(self, prepared: Prepared, context: Context) -> dict[str, Any]:
        schema, document = self._schema, prepared.document
        context.wanted, context.is_lone = document.wanted, document.is_lone
        return {
            "schema": schema._schema,  # noqa: SLF001  what Strawberry executes itself
            "document": document.tree,
            "context_value": context,
            "variable_values": prepared.operation.variables,
            "operation_name": prepared.operation.operation_name,
            "hide_suggestions": self._hides,
            "is_awaitable": optimized_is_awaitable,
            "operation_extensions": prepared.operation.extensions,
            "plans": document.plans,
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


def _waiting(wait_s: int) -> str:
    return f"Your budget of cost is used up. Wait {wait_s} seconds, then send this again."


def _cost_shown(requested: int, actual: int | None, status: ThrottleStatus) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": status.maximum_available,
            "currentlyAvailable": status.currently_available,
            "restoreRate": status.restore_rate,
        },
    }


async def _answers(results: AsyncIterator[ExecutionResult], context: Context) -> AsyncGenerator[Answer]:
    async with aclosing(cast("Any", results)):
        async for result in results:
            answer = _answer(result, context)
            await context.close_reading()  # nothing is held while the next event is waited for
            is_unread = any(isinstance(error.original_error, _UNREAD) for error in result.errors or ())
            if is_unread and context.is_following:
                answer.pop("data", None)  # the stream ends before this event: who comes back is told it whole
                yield answer
                return
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
