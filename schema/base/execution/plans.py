"""Plans: what a selection asks of objects of one type, decided once for a document and a role.

The plain attributes of a selection become one generated function that shapes a whole level; what leads to other
objects becomes a relation, which is followed for the whole level at once. Who may see a field is decided here, not for
each object. What no plan covers raises `Unplannable`: graphql-core runs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    Undefined,
    ValueNode,
    VariableNode,
    Visitor,
    is_leaf_type,
    is_non_null_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField

from domain.base.actors import Actor
from domain.base.kept import Kept
from schema.base.batched import BATCH_FUNCTION
from schema.base.gatherer import Batch
from schema.base.policies import POLICY, Otherwise, Policy, masked
from schema.base.views import READ, Read

DEFINITION = "strawberry-definition"
"""The key under which Strawberry keeps its own view of a field or type of graphql-core."""

_INT_MAX = 2**31


class Unplannable(Exception):  # noqa: N818  reads as what it is
    """No plan covers what was asked for; nothing is wrong with it."""


class Unfit(Exception):  # noqa: N818
    """A plan met values that it was not made for."""


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
    has_variables: bool = dataclass_field(init=False)
    """Whether its arguments depend on variables."""

    def __post_init__(self) -> None:
        """Look at the arguments."""
        self.has_variables = any(_names_variable(each.value) for each in self.details[0].node.arguments or ())

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


class _Source:
    """The text of a projection, and the values that it names."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.names: dict[str, Any] = {}

    def name(self, value: Any) -> str:  # noqa: ANN401
        """Return a name for a value in the text."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def put(self, key: str, expression: str) -> None:
        """Add a key of the answer: names of GraphQL hold nothing that would end the text."""
        self.parts.append(f"{key!r}: {expression}")

    def compiled(self) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
        """Return the function."""
        text = "def project(objects):\n    return [{" + ", ".join(self.parts) + "} for o in objects]\n"
        exec(text, self.names)  # noqa: S102  made of names of the schema, and of aliases, which are names of GraphQL
        project: Callable[[Sequence[Any]], list[dict[str, Any]]] = self.names["project"]
        return project


def make_plan(
    parent_type: GraphQLObjectType,
    selected: dict[str, FieldDetailsList],
    *,
    actor: Actor,
    find: Callable[[GraphQLObjectType, str], GraphQLField | None],
) -> Plan:
    """Plan a selection for an actor, and for everyone whom the policies treat alike. Raises `Unplannable`."""
    source, relations, is_personal = _Source(), list[Relation](), False
    for key, details in selected.items():
        name = details[0].node.name.value
        if name == "__typename":
            source.put(key, repr(parent_type.name))
            continue
        found = find(parent_type, name)
        definition = found and (found.extensions or {}).get(DEFINITION)
        if found is None or not isinstance(definition, StrawberryField) or details[0].fragment_variable_values:
            raise Unplannable
        policy: Policy | None = (found.extensions or {}).get(POLICY)
        if policy is None:
            raise Unplannable
        if not policy.allows(actor):
            source.put(key, _instead(policy, found.type))
            continue
        is_masked = actor.is_masked and (policy.mask or policy.part) is not None
        is_personal = is_personal or (policy.is_personal and not is_masked)
        if definition.is_basic_field and is_leaf_type(_nullable(found.type)):
            source.put(key, _leaf(source, found.type, definition, policy if is_masked else None))
            continue
        if is_masked and policy.part is not None:
            raise Unplannable
        source.put(key, "None")
        relations.append(Relation(key, found, details, parent_type, definition, policy.mask if is_masked else None))
    return Plan(parent_type, source.compiled(), relations, is_personal)


def relation_of(
    parent_type: GraphQLObjectType,
    key: str,
    details: FieldDetailsList,
    *,
    actor: Actor,
    find: Callable[[GraphQLObjectType, str], GraphQLField | None],
) -> Relation:
    """Return a root field that the actor may read, with nothing to be masked. Raises `Unplannable`."""
    found = find(parent_type, details[0].node.name.value)
    definition = found and (found.extensions or {}).get(DEFINITION)
    policy: Policy | None = None if found is None else (found.extensions or {}).get(POLICY)
    if found is None or policy is None or not isinstance(definition, StrawberryField):
        raise Unplannable
    is_masked = actor.is_masked and (policy.mask or policy.part) is not None
    if not policy.allows(actor) or is_masked or policy.is_personal or details[0].fragment_variable_values:
        raise Unplannable
    if definition.base_resolver is None or len(definition.extensions) > 0:
        raise Unplannable
    return Relation(key, found, details, parent_type, definition)


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


def _leaf(source: _Source, kind: GraphQLOutputType, definition: StrawberryField, policy: Policy | None) -> str:
    """Return the expression for a plain attribute."""
    read: Read | None = definition.metadata.get(READ)
    value = f"o.{definition.python_name}"
    if read is not None:
        value = f"o.row.{definition.python_name}" if read.of is None else f"{source.name(read.of)}(o)"
    if policy is not None and policy.part is not None:
        value = f"{source.name(policy.part)}(o)"
    elif policy is not None:
        value = f"{source.name(masked)}({value}, {source.name(policy.mask)})"
    shape = source.name(coercion(_nullable(kind)))
    if is_non_null_type(kind):
        return f"{shape}({value})"
    return f"None if (v := {value}) is None else {shape}(v)"


def _nullable(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


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


@cache
def coercion(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401  a leaf type
    """Return the function that makes what stands in the answer of a value that is not null; it raises for null."""
    coerce = kind.coerce_output_value

    def checked(value: Any) -> Any:  # noqa: ANN401
        found = None if value is None else coerce(value)
        if found is None or found is Undefined:
            message = f"no value of {kind}"
            raise TypeError(message)
        return found

    if isinstance(kind, GraphQLEnumType):
        return _remembered(checked)
    if kind.name in {"String", "ID"}:
        return lambda value: value if value.__class__ is str else checked(value)
    if kind.name == "Int":
        return lambda value: value if value.__class__ is int and -_INT_MAX <= value < _INT_MAX else checked(value)
    return checked


def _remembered(coerce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the coercion of an enum: it has few values."""
    known: dict[Any, Any] = {}

    def look_up(value: Any) -> Any:  # noqa: ANN401
        key = (value.__class__, value)
        found = known.get(key)
        if found is None:
            found = known[key] = coerce(value)
        return found

    return look_up
