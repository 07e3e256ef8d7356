"""Running a query by plans alone; what that cannot do is graphql-core's."""

from typing import Any

from graphql import ExecutionResult, OperationType

from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans, Unplannable
from schema.base.execution.variables import Variables


async def execute_by_plans(**arguments: Any) -> ExecutionResult | None:  # noqa: ANN401  those of graphql-core's `execute`, and `plans`
    """Return the answer of a query; None for anything else, and for a query that graphql-core has to run.

    Whatever goes wrong here is met by graphql-core again, and said as it should be: a query changes nothing.
    """
    try:
        executor: BreadthFirst = arguments["plans"].executor or _prepared(arguments)
        if executor.operation.operation is not OperationType.QUERY:
            return None
        plans: Plans = arguments["plans"]
        given = arguments.get("variable_values") or {}
        variables = None if plans.variables is None else plans.variables.of(given)
        if variables is None:
            return None
        return ExecutionResult(data=await executor.query(arguments["context_value"], variables))
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
    plans.variables = Variables(made.schema, made.operation, hide_suggestions=made.hide_suggestions)
    return made
