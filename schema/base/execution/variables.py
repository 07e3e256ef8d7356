"""Variables of an operation, read as its types say: what is plain needs no look at its type."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_nullable_type,
    get_variable_values,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

_PLAIN: Mapping[str, type] = {"ID": str, "String": str, "Boolean": bool}
"""Types whose values of such a class are what they are."""


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, *, hide_suggestions: bool) -> None:
        """Look at their types once."""
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._hide_suggestions = hide_suggestions
        self._plain: list[tuple[GraphQLVariableSignature, type | None, bool]] = []
        for node in self._nodes:
            signature = get_variable_signature(schema, node)
            if not isinstance(signature, GraphQLError):
                kind: Any = get_nullable_type(signature.type)
                self._plain.append((signature, _PLAIN.get(str(kind)), not is_non_null_type(signature.type)))

    def of(self, given: Mapping[str, Any]) -> VariableValues | None:
        """Return the values of a request; None where they are at fault: graphql-core says in which way."""
        found = self._all_plain(given)
        if found is not None:
            return found
        read = get_variable_values(self._schema, self._nodes, dict(given), hide_suggestions=self._hide_suggestions)
        return None if isinstance(read, list) else read

    def _all_plain(self, given: Mapping[str, Any]) -> VariableValues | None:
        """Return the values where each was sent, and is plain."""
        if len(self._plain) != len(self._nodes):
            return None
        sources: dict[str, VariableValueSource] = {}
        values: dict[str, Any] = {}
        for signature, kind, is_nullable in self._plain:
            name = signature.name
            value = given.get(name, self)
            if value.__class__ is not kind and (value is not None or not is_nullable):
                return None
            sources[name] = VariableValueSource(signature, value)
            values[name] = value
        return VariableValues(sources, values)
