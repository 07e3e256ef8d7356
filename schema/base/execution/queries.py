"""Running a query by plans alone; what that cannot do is graphql-core's."""

from typing import Any

from graphql import ExecutionResult, OperationType, get_variable_values

from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans, Unplannable


async def execute_by_plans(**arguments: Any) -> ExecutionResult | None:  # noqa: ANN401  those of graphql-core's `execute`, and `plans`
    """Return the answer of a query; None for anything else, and for a query that graphql-core has to run.

    Whatever goes wrong here is met by graphql-core again, and said as it should be: a query changes nothing.
    """
    try:
        executor: BreadthFirst = arguments["plans"].executor or _prepared(arguments)
        if executor.operation.operation is not OperationType.QUERY:
            return None
        variables = get_variable_values(
            executor.schema,
            executor.operation.variable_definitions or (),
            arguments.get("variable_values") or {},
            hide_suggestions=executor.hide_suggestions,
        )
        if isinstance(variables, list):
            return None
        return ExecutionResult(data=await executor.again(arguments["context_value"], variables).query())
    except Exception:  # noqa: BLE001  see above
        return None


def _prepared(arguments: dict[str, Any]) -> BreadthFirst:
    """Return what executes an operation, made once and kept with its plans. Raises `Unplannable`."""
    given = arguments | {"context_value": None}
    plans: Plans = given["plans"]
    made = BreadthFirst.build(raw_variable_values=given.pop("variable_values", None), **given)
    if not isinstance(made, BreadthFirst):
        raise Unplannable
    plans.executor = made
    return made
