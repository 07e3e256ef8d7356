"""What equal subscriptions have in common: whether everybody who may do the same is answered the same."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    is_abstract_type,
    visit,
)

from schema.base.policies import POLICY, Policy

_CURSOR = "after"
"""The argument that says where a stream begins: whoever has caught up is where all the others are."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """By what the subscribers of one document differ."""

    cursor: str | None
    """The variable that says only where the stream begins; None: there is none."""
    is_own: bool
    """Whether the answer depends on who asks, beyond what they may see."""


def sharing_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Sharing:
    """Return by what the subscribers of a document differ."""
    types = TypeInfo(schema)
    found = _Fields(schema, types)
    visit(document, TypeInfoVisitor(types, found))
    cursor = _cursor_of(operation)
    return Sharing(cursor if cursor is not None and found.uses.count(cursor) == 1 else None, found.is_own)


def _cursor_of(operation: OperationDefinitionNode) -> str | None:
    """Return the variable behind the root field's cursor."""
    for root in operation.selection_set.selections:
        for argument in (root.arguments or ()) if isinstance(root, FieldNode) else ():
            if argument.name.value == _CURSOR and isinstance(argument.value, VariableNode):
                return argument.value.name.value
    return None


class _Fields(Visitor):
    """Looks at every field that a document names."""

    def __init__(self, schema: GraphQLSchema, types: TypeInfo) -> None:
        super().__init__()
        self.is_own = False
        self.uses: list[str] = []
        self._schema = schema
        self._types = types

    def enter_field(self, node: FieldNode, *_: Any) -> None:  # noqa: ANN401
        parent = self._types.get_parent_type()
        kinds = self._schema.get_possible_types(parent) if is_abstract_type(parent) else [parent]
        for kind in kinds:
            field = kind.fields.get(node.name.value) if isinstance(kind, GraphQLObjectType) else None
            policy: Policy | None = None if field is None else (field.extensions or {}).get(POLICY)
            self.is_own = self.is_own or (policy is not None and policy.is_own)

    def enter_variable(self, node: VariableNode, _key: object, parent: object, *_: Any) -> None:  # noqa: ANN401
        if not isinstance(parent, VariableDefinitionNode):
            self.uses.append(node.name.value)
