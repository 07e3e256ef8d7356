"""Plans: what a selection asks of objects of one type, decided once for a document and a role.

The plain attributes of a selection become one generated function that shapes a whole level; what leads to other
objects becomes a relation, which is followed for the whole level at once. Who may see a field is decided here, not for
each object. What no plan covers raises `Unplannable`: graphql-core runs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    ValueNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from domain.base.actors import Actor
from domain.base.kept import Kept
from schema.base.batched import BATCH_FUNCTION
from schema.base.execution.projections import OBJECT, Source, leaf, read_of, unfit
from schema.base.execution.variables import Variables
from schema.base.gatherer import Batch
from schema.base.policies import POLICY, Otherwise, Policy
from schema.base.views import READ

DEFINITION = "strawberry-definition"
"""The key under which Strawberry keeps its own view of a field or type of graphql-core."""

Selection: TypeAlias = dict[str, FieldDetailsList]
"""The fields of a selection by their keys in the answer, fragments unfolded."""


class Unplannable(Exception):  # noqa: N818  reads as what it is
    """No plan covers what was asked for; nothing is wrong with it."""


@dataclass(slots=True)
class Relation:
    """A field that leads to other objects or lists, or that a function answers."""

    key: str
    """Under which name it stands in the answer."""
    field: GraphQLField
    details: FieldDetailsList
    parent_type: GraphQLObjectType
    definition: StrawberryField
    mask: Callable[[str], str] | None = None
    plans: dict[str, "Plan"] = dataclass_field(default_factory=dict)
    """By the name of the type that objects turn out to have; filled as they are met."""
    arguments: dict[str, Any] | None = None
    """What its function is given, where that does not depend on variables; filled when it is first called."""
    bindings: tuple[tuple[str, str], ...] | None = dataclass_field(init=False)
    """Its arguments that are variables of a leaf type, and those variables; None where others depend on variables."""

    def __post_init__(self) -> None:
        """Look at the arguments."""
        self.bindings = _bindings(self.field, self.definition, self.details[0].node)

    @classmethod
    def root(cls, info: GraphQLResolveInfo[Any], details: FieldDetailsList) -> "Relation":
        """Return a root field."""
        found = info.parent_type.fields[info.field_name]
        return cls(info.field_name, found, details, info.parent_type, (found.extensions or {})[DEFINITION])

    @property
    def batch(self) -> Batch | None:
        """Return the function that takes all parents of a level."""
        found: Batch | None = self.definition.metadata.get(BATCH_FUNCTION)
        return found


Planned: TypeAlias = tuple[tuple[str, Any], ...]
"""The root fields with all that was planned below them, by their keys in the answer; empty: no plan covers them."""

Roots: TypeAlias = Kept[Planned]
"""What was planned for all documents; what was not used for longest goes first."""


@dataclass(slots=True)
class Plans:
    """What was planned for one operation of a document, by role and what is skipped."""

    conditions: tuple[str, ...]
    """The variables of which it depends what is selected."""
    roots: Roots
    text: str
    executor: Any = None
    """What executes the operation, made once; what belongs to one request is put into a copy of it."""
    variables: Variables | None = None
    """What reads the operation's variables, made with it."""

    @classmethod
    def of(cls, document: DocumentNode, roots: Roots | None = None, *, text: str = "") -> "Plans":
        """Return the plans of a document among those of all, or for itself."""
        return cls(conditions_of(document), Kept(1) if roots is None else roots, text)

    def find(self, key: tuple[Any, ...]) -> Planned | None:
        """Return what was planned under a key; None where nobody asked for it yet, or not lately."""
        return self.roots.get((self.text, *key))

    def keep(self, key: tuple[Any, ...], planned: Planned) -> None:
        """Keep what is planned; it takes memory as its document does."""
        self.roots.drop((self.text, *key))
        self.roots.put((self.text, *key), planned, weight=len(self.text))


@dataclass(slots=True)
class Plan:
    """What a selection asks of objects of one type."""

    kind: GraphQLObjectType
    project: Callable[[Sequence[Any]], list[dict[str, Any]]]
    """Shapes a level: every key in the order in which it was asked for, relations still empty."""
    relations: list[Relation]
    is_personal: bool
    known_classes: set[type] = dataclass_field(default_factory=set)
    """Python's classes that objects of this type were found to have."""


@dataclass(frozen=True, slots=True)
class Planner:
    """What plans are made with, for one operation and one actor."""

    actor: Actor
    """Who asks, and everyone whom the policies treat alike."""
    find: Callable[[GraphQLObjectType, str], GraphQLField | None]
    select: Callable[[GraphQLObjectType, FieldDetailsList], Selection]
    """Return what is selected of objects of a type behind a field."""

    def plan(self, parent_type: GraphQLObjectType, selected: Selection) -> Plan:
        """Plan a selection. Raises `Unplannable`."""
        source = Source()
        shape = self._shape(source, parent_type, selected)
        return Plan(parent_type, source.compiled(shape.text), shape.relations, shape.is_personal)

    def _shape(
        self, source: Source, parent_type: GraphQLObjectType, selected: Selection, name: str = OBJECT
    ) -> "_Shape":
        """Return how an object is shown that has a name in the source."""
        shape = _Shape()
        for key, details in selected.items():
            field_name = details[0].node.name.value
            if field_name == "__typename":
                shape.put(key, repr(parent_type.name))
                continue
            found, definition, policy = self._known(parent_type, details)
            if not policy.allows(self.actor):
                shape.put(key, _instead(policy, found.type))
                continue
            is_masked = self.actor.is_masked and (policy.mask or policy.part) is not None
            shape.is_personal = shape.is_personal or (policy.is_personal and not is_masked)
            if definition.is_basic_field and is_leaf_type(get_nullable_type(found.type)):
                shape.put(key, leaf(source, found.type, definition, policy if is_masked else None, name=name))
                continue
            if is_masked and policy.part is not None:
                raise Unplannable
            inline = None if is_masked else self._inline(source, found, definition, details, name)
            if inline is not None:
                shape.put(key, inline)
                continue
            shape.put(key, "None")
            mask = policy.mask if is_masked else None
            shape.relations.append(Relation(key, found, details, parent_type, definition, mask))
        return shape

    def _known(
        self, parent_type: GraphQLObjectType, details: FieldDetailsList
    ) -> tuple[GraphQLField, StrawberryField, Policy]:
        found = self.find(parent_type, details[0].node.name.value)
        extensions = {} if found is None else found.extensions or {}
        definition, policy = extensions.get(DEFINITION), extensions.get(POLICY)
        if found is None or policy is None or not isinstance(definition, StrawberryField):
            raise Unplannable
        if details[0].fragment_variable_values:
            raise Unplannable
        return found, definition, policy

    def _inline(
        self, source: Source, found: GraphQLField, definition: StrawberryField, details: FieldDetailsList, name: str
    ) -> str | None:
        """Return the expression for an object that is computed from its parent's row and leads nowhere else."""
        kind = get_nullable_type(found.type)
        if READ not in definition.metadata or not isinstance(kind, GraphQLObjectType):
            return None
        own = source.local()
        shape = self._shape(source, kind, self.select(kind, details), own)
        if shape.relations or shape.is_personal:
            return None
        instead = source.name(unfit) + "()" if is_non_null_type(found.type) else "None"
        return f"{instead} if ({own} := {read_of(source, definition, name)}) is None else {shape.text}"

    def root(self, parent_type: GraphQLObjectType, key: str, details: FieldDetailsList) -> Relation:
        """Return a root field that the actor may read, with nothing to be masked. Raises `Unplannable`."""
        found, definition, policy = self._known(parent_type, details)
        is_masked = self.actor.is_masked and (policy.mask or policy.part) is not None
        if not policy.allows(self.actor) or is_masked or policy.is_personal:
            raise Unplannable
        if definition.base_resolver is None or definition.extensions:
            raise Unplannable
        return Relation(key, found, details, parent_type, definition)


@dataclass(slots=True)
class _Shape:
    """How an object is shown: the keys of the answer, and what is filled in level by level."""

    parts: list[str] = dataclass_field(default_factory=list)
    relations: list[Relation] = dataclass_field(default_factory=list)
    is_personal: bool = False

    def put(self, key: str, expression: str) -> None:
        """Add a key of the answer: names of GraphQL hold nothing that would end the text."""
        self.parts.append(f"{key!r}: {expression}")

    @property
    def text(self) -> str:
        """Return the expression."""
        return "{" + ", ".join(self.parts) + "}"


def _bindings(found: GraphQLField, definition: StrawberryField, node: FieldNode) -> tuple[tuple[str, str], ...] | None:
    """Return the arguments that take a variable as it is; None where another one depends on variables too."""
    names = {each.graphql_name or to_camel_case(each.python_name): each.python_name for each in definition.arguments}
    bound = []
    for argument in node.arguments or ():
        name, value = argument.name.value, argument.value
        if isinstance(value, VariableNode) and isinstance(get_nullable_type(found.args[name].type), GraphQLScalarType):
            bound.append((names[name], value.name.value))
        elif _names_variable(value):
            return None
    return tuple(bound)


def _names_variable(value: ValueNode) -> bool:
    found = _Names()
    visit(value, found)
    return found.is_any


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.is_any = False

    def enter_variable(self, *_: Any) -> None:  # noqa: ANN401
        self.is_any = True


def _instead(policy: Policy, kind: GraphQLOutputType) -> str:
    """Return what is shown to who may not see a field."""
    if policy.otherwise is Otherwise.EMPTY:
        return "[]"
    if policy.otherwise is Otherwise.NULL and not is_non_null_type(kind):
        return "None"
    raise Unplannable


def conditions_of(document: DocumentNode) -> tuple[str, ...]:
    """Return the variables of which it depends what a document selects."""
    found = _Conditions()
    visit(document, found)
    return tuple(sorted(found.names))


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:  # noqa: ANN401
        if node.name.value in {"skip", "include"}:
            self.names |= {
                each.value.name.value for each in node.arguments or () if isinstance(each.value, VariableNode)
            }
