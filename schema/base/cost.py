"""What an operation costs: the objects that it may read.

A scalar costs nothing, an object 1, a page its size times what stands in it, a mutation 10. What wraps the items
of a page (`edges`, `pageInfo`) costs nothing, so that both ways of reading a page cost the same. A short list that
is no page is taken for five objects; what it really held is counted afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
)

from domain.base.pages import PAGE_SIZE_MAX

MUTATION_COST = 10
OPERATION_COST_MIN = 1
"""Nothing is free: whoever asks without end is slowed down, whatever they ask."""

INTROSPECTION_COSTS = {"__schema": 1_000, "__type": 100}
"""The whole schema takes the server as long as many objects; a client asks for it once."""

LIST_SIZE = 5
"""Taken for the size of a list without pages: lists in lists would else be had for nothing."""

_PAGE_ARGUMENTS = ("first", "last")
_IDS_ARGUMENT = "ids"
_PAGES = ("Connection", "Page")
"""Ends of the names of types that are pages: how many items they hold was asked for."""

_FREE = ("Edge", "PageInfo", "UserError")
"""Ends of the names of types that only wrap what was read, or say why nothing was."""

Variables: TypeAlias = Mapping[str, Any]
_Value: TypeAlias = ValueNode | None


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """A field with objects: `own` once, then `item` and what stands below for each of its items."""

    name: str
    """Under which it stands in the answer."""
    own: int
    item: int
    below: "Selected"
    sizes: tuple[ValueNode, ...] = ()
    """What says how many items there are at most."""
    size: int = 1
    """How many there are where nothing says it."""


@dataclass(slots=True, eq=False)
class Selected:
    """A selection set, its fragments unfolded: the fields that count, each with the one type that has it."""

    fields: dict[Counted, str | None] = field(default_factory=dict)
    """A field on a type of its own is weighed against those of other types: an object has one type."""


class Costs:
    """What the operation of one document costs. The document is valid and within its limits."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        """Look through the document once; a fragment too, however often it is spread."""
        self._schema = schema
        self._definitions = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._fragments: dict[str, Selected] = {}
        self._defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
        self._is_mutation = operation.operation is OperationType.MUTATION
        self._root = schema.get_root_type(operation.operation)
        self._depends_on_variables = False
        self._selected = self._select(operation.selection_set, self._root)
        self._always = self._requested({})
        """Of every answer, where no variable says how many there are of anything."""

    def requested(self, variables: Variables | None) -> int:
        """Return the cost of the largest answer with these variables."""
        return self._requested(variables or {}) if self._depends_on_variables else self._always

    def _requested(self, variables: Variables) -> int:
        return max(OPERATION_COST_MIN, self._sum(self._selected, variables, {}))

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """Return the cost of an answer as it came out."""
        return max(OPERATION_COST_MIN, _count(self._selected, [data or {}]))

    def _select(self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Selected:
        found = Selected()
        for selection in selection_set.selections if selection_set is not None else ():
            if isinstance(selection, FieldNode):
                counted = self._counted(selection, parent)
                if counted is not None:
                    found.fields[counted] = None
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                self._take(found, self._fragment(name), self._definitions[name].type_condition.name.value)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = parent if condition is None else self._schema.get_type(condition.name.value)
                name = condition.name.value if condition is not None else ""
                self._take(found, self._select(selection.selection_set, inner), name)
        return found

    def _fragment(self, name: str) -> Selected:
        if name not in self._fragments:
            definition = self._definitions[name]
            parent = self._schema.get_type(definition.type_condition.name.value)
            self._fragments[name] = self._select(definition.selection_set, parent)
        return self._fragments[name]

    def _take(self, found: Selected, fragment: Selected, condition: str) -> None:
        type_name = condition if isinstance(self._schema.get_type(condition), GraphQLObjectType) else None
        for counted, known_type in fragment.fields.items():
            found.fields[counted] = known_type or type_name

    def _counted(self, node: FieldNode, parent: GraphQLNamedType | None) -> Counted | None:
        name = (node.alias or node.name).value
        if node.name.value in INTROSPECTION_COSTS:
            return Counted(name, INTROSPECTION_COSTS[node.name.value], 0, Selected())
        definition = parent.fields.get(node.name.value) if isinstance(parent, _HasFields) else None
        named = get_named_type(definition.type) if definition is not None else None
        if definition is None or named is None or not is_composite_type(named):
            return None
        below = self._select(node.selection_set, named)
        arguments = {each.name.value: each.value for each in node.arguments or ()}
        if self._is_mutation and parent is self._root:
            return Counted(name, MUTATION_COST, 0, below)
        if set(_PAGE_ARGUMENTS) <= set(definition.args):
            return Counted(name, 1, 0, below, tuple(arguments[word] for word in _PAGE_ARGUMENTS if word in arguments))
        is_free = named.name.endswith(_FREE)
        if is_free and not below.fields:
            return None
        is_in_page = isinstance(parent, GraphQLObjectType) and parent.name.endswith(_PAGES)
        is_list = isinstance(get_nullable_type(definition.type), GraphQLList) and not is_in_page
        ids = (arguments[_IDS_ARGUMENT],) if is_list and _IDS_ARGUMENT in arguments else ()
        size = 1 if is_free or not is_list else LIST_SIZE
        return Counted(name, 0, 0 if is_free else 1, below, ids, size)

    def _sum(self, selected: Selected, variables: Variables, known: dict[Selected, int]) -> int:
        if selected in known:
            return known[selected]
        total = 0
        by_type: dict[str, int] = {}
        for counted, type_name in selected.fields.items():
            below = counted.item + self._sum(counted.below, variables, known)
            cost = counted.own + self._size(counted, variables) * below
            if type_name is None:
                total += cost
            else:
                by_type[type_name] = by_type.get(type_name, 0) + cost
        known[selected] = total + max(by_type.values(), default=0)
        return known[selected]

    def _size(self, counted: Counted, variables: Variables) -> int:
        """Return how many items there are at most; a page without a size, or with a wrong one, is refused later."""
        return max((self._read(each, variables) for each in counted.sizes), default=counted.size)

    def _read(self, value: _Value, variables: Variables) -> int:
        if isinstance(value, VariableNode):
            self._depends_on_variables = True
            name = value.name.value
            return _size_of(variables[name]) if name in variables else self._read(self._defaults.get(name), {})
        if isinstance(value, IntValueNode):
            return _size_of(int(value.value) if len(value.value) <= len(str(PAGE_SIZE_MAX)) else PAGE_SIZE_MAX)
        return len(value.values) if isinstance(value, ListValueNode) else 1


_ONLY_OBJECTS = {dict}
_HasFields = GraphQLObjectType | GraphQLInterfaceType


def _size_of(value: object) -> int:
    if isinstance(value, list):
        return len(value)
    return min(max(value, 0), PAGE_SIZE_MAX) if isinstance(value, int) else 1


def _count(selected: Selected, objects: Sequence[Mapping[str, Any]]) -> int:
    """Count what stands in objects of an answer, a level at a time; holes in a list are none."""
    total = 0
    for counted in selected.fields:
        name = counted.name
        values: list[Any] = [value for each in objects if (value := each.get(name)) is not None]
        if not values:
            continue
        items = list(chain.from_iterable(values)) if values[0].__class__ is list else values
        if not _ONLY_OBJECTS.issuperset(map(type, items)):
            items = [item for item in items if isinstance(item, dict)]
        total += counted.own * len(values) + counted.item * len(items)
        if items and counted.below.fields:
            total += _count(counted.below, items)
    return total
