"""Which columns of each type's rows a document needs, so that no others are read."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    visit,
)

from schema.base.batched import READS
from schema.base.execution.plans import DEFINITION
from schema.base.views import READ, Read

Wanted: TypeAlias = Mapping[str, frozenset[str] | None]
"""By type: the columns, None for all of them."""


def wanted_columns(schema: GraphQLSchema, document: DocumentNode) -> tuple[Wanted, bool]:
    """Return what of the rows behind each type the fields of a document need, wherever in it they stand.

    And whether one field at most is more than an attribute of an object: then nothing else is read.
    """
    types = TypeInfo(schema)
    found = _Columns(schema, types)
    visit(document, TypeInfoVisitor(types, found))
    return found.wanted, found.functions <= 1


class _Columns(Visitor):
    def __init__(self, schema: GraphQLSchema, types: TypeInfo) -> None:
        super().__init__()
        self.wanted: dict[str, frozenset[str] | None] = {}
        self.functions = 0
        self._schema = schema
        self._types = types

    def enter_field(self, node: FieldNode, *_: Any) -> None:  # noqa: ANN401
        parent = self._types.get_parent_type()
        if is_abstract_type(parent):
            for each in self._schema.get_possible_types(parent):
                self._note(each, node.name.value)
        elif isinstance(parent, GraphQLObjectType):
            self._note(parent, node.name.value)

    def _note(self, parent: GraphQLObjectType, name: str) -> None:
        found = parent.fields.get(name)
        if found is None:  # __typename
            return
        self.functions += not getattr((found.extensions or {}).get(DEFINITION), "is_basic_field", False)
        known = self.wanted.get(parent.name, frozenset())
        needed = needs(found)
        self.wanted[parent.name] = None if known is None or needed is None else known | needed


def needs(field: GraphQLField) -> frozenset[str] | None:
    """Return the columns that a field needs of its object's row; None: nobody said, so all."""
    definition = (field.extensions or {}).get(DEFINITION)
    metadata = getattr(definition, "metadata", {})
    read: Read | None = metadata.get(READ)
    if read is not None and definition is not None:
        return read.needs(definition.python_name)
    reads: frozenset[str] | None = metadata.get(READS)
    return reads
