"""How much one document may ask: measured in one pass, before it is validated.

Every part of the document is visited once, a fragment too however often it is spread: what it adds up to is
remembered. So the time is bounded by the words of the document, whatever it would unfold to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    NameNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

COMMENTS_MAX = 1_000
"""Comments in a document; the parser keeps each."""

ERRORS_MAX = 10
"""Errors of one document that are told: who has more reads the first ones first."""

# Comparing fields of the same name grows with the square of their number. A client's document spends some thousands.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000

SIGN_IN_FIELDS = frozenset(
    {
        "sessionCreate",
        "sessionRefresh",
        "customerRegister",
        "customerRegisterConfirm",
        "passwordResetRequest",
        "passwordReset",
    }
)
"""Mutations by which somebody without a token comes in: one for each request, so that guessing takes requests."""

_INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})
"""What is below them ends by itself: GraphQL's own rule stops lists in lists, and types are wrapped only so often."""

_REPEATS_MAX = 100
"""Fields that stand again beside themselves: merging them is work, and no client writes them."""

_NESTING_PER_DEPTH = 3
"""Selection sets in one another for each level of fields: fragments may stand between two levels."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may have at most."""

    depth: int = 15
    aliases: int = 30
    directives: int = 50
    tokens: int = 4_000
    characters: int = 65_536
    root_fields: int = 10
    list_items: int = 250


@dataclass(slots=True)
class Measure:
    """What a selection set unfolds to."""

    depth: int = 0
    spreads: int = 0
    """Fragments in one another."""
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    """On its own level."""
    sign_ins: int = 0

    def take(self, other: "Measure") -> None:
        """Add what stands on the same level: a fragment."""
        self.depth = max(self.depth, other.depth)
        self.spreads = max(self.spreads, other.spreads)
        self.aliases += other.aliases
        self.directives += other.directives
        self.fields += other.fields
        self.sign_ins += other.sign_ins

    def take_below(self, other: "Measure") -> None:
        """Add what stands below a field."""
        self.depth = max(self.depth, other.depth + 1)
        self.spreads = max(self.spreads, other.spreads)
        self.aliases += other.aliases
        self.directives += other.directives


class LimitExceeded(GraphQLError):  # noqa: N818  reads as what it is
    """The document asks for more than is allowed."""


@dataclass(slots=True)
class Pass:
    """One pass over a document."""

    fragments: Mapping[str, FragmentDefinitionNode]
    limits: Limits
    repeat_count: int = 0
    visited_count: int = 0
    """Nodes that were looked at: never more than the document has words."""
    _known: dict[str, Measure] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def measure(self, selection_set: SelectionSetNode | None, *, nesting: int = 1) -> Measure:
        """Return what a selection set unfolds to."""
        found = Measure()
        if selection_set is None:
            return found
        if nesting > _NESTING_PER_DEPTH * self.limits.depth:
            raise self._too_deep(selection_set)
        self._check_repeats(selection_set)
        for selection in selection_set.selections:
            self.visited_count += 1
            found.directives += self._directives(selection)
            if isinstance(selection, FieldNode):
                self._take_field(found, selection, nesting)
            elif isinstance(selection, FragmentSpreadNode):
                found.take(self.fragment(selection.name, nesting=nesting))
            elif isinstance(selection, InlineFragmentNode):
                found.take(self.measure(selection.selection_set, nesting=nesting + 1))
            self.check(found, selection)
        return found

    def _check_repeats(self, selection_set: SelectionSetNode) -> None:
        """Refuse a document that says the same again and again."""
        names = [(each.alias or each.name).value for each in selection_set.selections if isinstance(each, FieldNode)]
        self.repeat_count += len(names) - len(set(names))
        if self.repeat_count > _REPEATS_MAX:
            message = f"More than {_REPEATS_MAX} fields are repeated beside themselves. Say each once."
            raise LimitExceeded(message, [selection_set])

    def _take_field(self, found: Measure, node: FieldNode, nesting: int) -> None:
        below = self.measure(node.selection_set, nesting=nesting + 1)
        found.fields += 1
        found.sign_ins += node.name.value in SIGN_IN_FIELDS
        if node.alias is not None:
            found.aliases += 1
        if node.name.value in _INTROSPECTION_FIELDS:
            below.depth = 0
        found.take_below(below)
        for argument in node.arguments or ():
            self._check_value(argument.value)

    def fragment(self, spread: NameNode, *, nesting: int = 0) -> Measure:
        """Return what the fragment of this name unfolds to."""
        name = spread.value
        known = self._known.get(name)
        if known is not None:
            return known
        definition = self.fragments.get(name)
        if definition is None:  # validation says so
            return Measure()
        if name in self._open:
            message = f"The fragment {name} contains itself. Take the ring of spreads apart."
            raise LimitExceeded(message, [spread])
        if len(self._open) > self.limits.depth:
            raise self._too_deep(definition)
        self._open.add(name)
        measured = self.measure(definition.selection_set, nesting=nesting + 1)
        self._open.discard(name)
        measured.spreads += 1
        self._known[name] = measured
        return measured

    def _directives(self, node: SelectionNode) -> int:
        for directive in node.directives or ():
            self.visited_count += 1
            for argument in directive.arguments or ():
                self._check_value(argument.value)
        return len(node.directives or ())

    def _check_value(self, value: ValueNode) -> None:
        """Refuse long lists in literals; these nest no deeper than the parser lets them."""
        waiting = [value]
        while waiting:
            each = waiting.pop()
            self.visited_count += 1
            if isinstance(each, ListValueNode):
                if len(each.values) > self.limits.list_items:
                    raise LimitExceeded(_too_many_items(self.limits), [each])
                waiting.extend(each.values)
            elif isinstance(each, ObjectValueNode):
                waiting.extend(entry.value for entry in each.fields)

    def check(self, found: Measure, node: Node) -> None:
        """Stop at the first limit that is passed: what follows would only add to it."""
        if max(found.depth, found.spreads) > self.limits.depth:
            raise self._too_deep(node)
        for count, most, what in (
            (found.aliases, self.limits.aliases, "aliases"),
            (found.directives, self.limits.directives, "directives"),
        ):
            if count > most:
                message = f"The document has more than {most} {what}, fragments unfolded. Send it in parts."
                raise LimitExceeded(message, [node])

    def _too_deep(self, node: Node) -> LimitExceeded:
        message = f"Fields or fragments stand more than {self.limits.depth} deep. Ask for what is below by its id."
        return LimitExceeded(message, [node])


def check_document(document: DocumentNode, limits: Limits) -> int:
    """Raise `LimitExceeded` where an operation or fragment asks for too much; return how many nodes were visited."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    measuring = Pass(fragments, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_operation(measuring, definition)
    for definition in fragments.values():  # those that nobody spreads are validated too
        measuring.fragment(definition.name)
    return measuring.visited_count


def _check_operation(measuring: Pass, operation: OperationDefinitionNode) -> None:
    limits = measuring.limits
    found = measuring.measure(operation.selection_set)
    found.directives += len(operation.directives or ())
    found.directives += sum(len(each.directives or ()) for each in operation.variable_definitions or ())
    measuring.check(found, operation)
    if found.fields > limits.root_fields:
        message = f"The operation has more than {limits.root_fields} root fields. Send it in parts."
        raise LimitExceeded(message, [operation])
    if found.sign_ins > 1:
        message = "One request signs in once: send each such mutation by itself."
        raise LimitExceeded(message, [operation])


def check_variables(variables: Mapping[str, object] | None, limits: Limits) -> None:
    """Raise `LimitExceeded` where a list in the variables is too long."""
    waiting: list[object] = list((variables or {}).values())
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            if len(each) > limits.list_items:
                raise LimitExceeded(_too_many_items(limits))
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())


def _too_many_items(limits: Limits) -> str:
    return f"A list has more than {limits.list_items} items. Send it in parts."
