"""Running an operation that was seen before: a query by plans alone, a mutation from its root fields on.

What that cannot do is graphql-core's.
"""

from typing import Any

from graphql import ExecutionResult, OperationType
from graphql.execution.values import VariableValues

from schema.base.context import Context
from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans, Unplannable
from schema.base.execution.variables import Variables


async def execute_by_plans(**arguments: Any) -> ExecutionResult | None:  # noqa: ANN401  those of graphql-core's `execute`, and `plans`
    """Return the answer of an operation; None where graphql-core has to run it from its beginning.

    Nothing was done then that it would do a second time.
    """
    plans: Plans = arguments["plans"]
    try:
        executor: BreadthFirst = plans.executor or _prepared(plans, arguments)
    except Exception:  # noqa: BLE001  whatever it is, graphql-core meets it again and says it as it should be
        return None
    variables = None if plans.variables is None else plans.variables.of(arguments.get("variable_values") or {})
    if variables is None:
        return None
    if executor.operation.operation is OperationType.MUTATION:
        return await _mutate(executor, variables, arguments)
    if executor.operation.operation is OperationType.QUERY:
        return await _query(executor, variables, arguments["context_value"])
    return None


async def _query(executor: BreadthFirst, variables: VariableValues, context: Context) -> ExecutionResult | None:
    try:
        return ExecutionResult(data=await executor.query(context, variables))
    except Exception:  # noqa: BLE001  see above; a query changes nothing
        return None


async def _mutate(executor: BreadthFirst, variables: VariableValues, arguments: dict[str, Any]) -> ExecutionResult:
    """Run the root fields one after another, as graphql-core does, without looking at the document again."""
    fresh = executor.again(arguments["context_value"], variables)
    fresh.operation_extensions = arguments.get("operation_extensions")
    found = fresh.execute_operation()
    result = await found if fresh.is_awaitable(found) else found
    assert isinstance(result, ExecutionResult)  # noqa: S101  nothing here is sent in parts
    return result


def _prepared(plans: Plans, arguments: dict[str, Any]) -> BreadthFirst:
    """Return what executes an operation, made once and kept with its plans. Raises `Unplannable`."""
    given = arguments | {"context_value": None, "operation_extensions": None}
    made = BreadthFirst.build(raw_variable_values=given.pop("variable_values", None), **given)
    if not isinstance(made, BreadthFirst):
        raise Unplannable
    made.variable_values = VariableValues({}, {})  # nobody's: what belongs to a request is put into a copy
    plans.variables = Variables(made.schema, made.operation, hide_suggestions=made.hide_suggestions)
    plans.executor = made
    return made
