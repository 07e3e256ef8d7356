"""One operation run twice: by plans, and by graphql-core alone."""

from collections.abc import Mapping
from typing import Any

import orjson
import strawberry
from graphql import DocumentNode, ExecutionResult, execute, parse
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.requests import written
from domain.base.actors import Actor
from domain.base.work import Works
from schema.base.context import Context
from schema.base.execution.columns import wanted_columns
from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans
from schema.base.execution.running import execute_by_plans
from schema.root import make_schema

Executor = type[StrawberryGraphQLCoreExecutionContext]


async def answer(
    works: Works, actor: Actor, text: str, variables: Mapping[str, Any] | None = None, *, plans: Plans | None = None
) -> bytes:
    """Return the whole answer, by plans."""
    return await answer_to(works, actor, parse(text), variables, plans=plans)


async def answer_to(
    works: Works,
    actor: Actor,
    document: DocumentNode,
    variables: Mapping[str, Any] | None = None,
    *,
    executor: Executor = BreadthFirst,
    plans: Plans | None = None,
) -> bytes:
    """Return the whole answer of one of the two."""
    context = Context(works, actor=actor, request_id="r")
    if executor is BreadthFirst:
        context.wanted, context.is_lone = wanted_columns(make_schema()._schema, document)
    try:
        return await run(make_schema(), document, context, variables, executor=executor, plans=plans)
    finally:
        await context.close()


async def run(
    schema: strawberry.Schema,
    document: DocumentNode,
    context: Context,
    variables: Mapping[str, Any] | None,
    *,
    executor: Executor,
    plans: Plans | None,
    operation_name: str | None = None,
) -> bytes:
    """Execute an operation; return the whole answer, errors with their paths and places included."""
    arguments: dict[str, Any] = {
        "context_value": context,
        "variable_values": dict(variables or {}),
        "operation_name": operation_name,
        "executor_class": executor,
        "is_awaitable": optimized_is_awaitable,
    }
    result: ExecutionResult | None = None
    if executor is BreadthFirst:
        arguments["plans"] = plans or Plans.of(document)
        asked = {name: value for name, value in arguments.items() if name != "executor_class"}
        result = await execute_by_plans(schema=schema._schema, document=document, **asked)
    if result is None:
        found = execute(schema._schema, document, **arguments)
        result = found if isinstance(found, ExecutionResult) else await found
    # In the order of their places: of errors in one level nobody promises which comes first.
    errors = sorted((error.formatted for error in result.errors or ()), key=orjson.dumps)
    return written({"data": result.data, "errors": errors})


async def reference(works: Works, actor: Actor, text: str, variables: Mapping[str, Any] | None = None) -> bytes:
    """Return the answer of graphql-core."""
    return await answer_to(works, actor, parse(text), variables, executor=StrawberryGraphQLCoreExecutionContext)
