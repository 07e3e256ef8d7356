"""Every list that a schema has, and for each the document that reads it from a list at the root."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_required_argument,
)

PAGE = "first: 100"


@dataclass(frozen=True)
class ListField:
    """A list or a connection, and the steps that lead to it from the root."""

    owner: str
    name: str
    steps: tuple[str, ...]
    document: str

    @property
    def key(self) -> str:
        """Return what the field is called in tables."""
        return f"{self.owner}.{self.name}"

    @property
    def names(self) -> list[str]:
        """Return the names of the fields on the way."""
        return [step.partition("(")[0] for step in self.steps]


class Lists:
    """The lists of one schema. `arguments`: by field, what no schema tells, such as the ids of somebody."""

    def __init__(self, schema: GraphQLSchema, arguments: Mapping[str, str]) -> None:
        """Find the way to each type."""
        self._schema = schema
        self._arguments = arguments
        assert schema.query_type is not None
        self._paths: dict[str, tuple[str, ...]] = {schema.query_type.name: ()}
        # From the lists at the root first, so that all below is read of many objects at once.
        roots = list(self._edges(schema.query_type))
        for is_many in (True, False):
            begun = [(name, given) for name, given in roots if is_list(given) == is_many]
            self._walk([((self._step(schema.query_type, *each),), get_named_type(each[1].type)) for each in begun])

    def __iter__(self) -> Iterator[ListField]:
        """Yield every list with the document that reads it and what is below it."""
        for owner, steps in self._paths.items():
            kind = self._schema.type_map[owner]
            for name, given in _fields(kind).items():
                if is_list(given) and self._is_askable(kind, name, given):
                    way = (*steps, self._step(kind, name, given))
                    inside = self.selection(get_named_type(given.type), depth=1)
                    yield ListField(owner, name, way, nested(way, inside))

    def path_to(self, type_name: str) -> tuple[str, ...] | None:
        """Return the steps that lead to objects of a type."""
        return self._paths.get(type_name)

    def step(self, kind: GraphQLNamedType, name: str) -> str | None:
        """Return how a field is asked for; None: nobody knows with what."""
        given = _fields(kind)[name]
        if not self._is_askable(kind, name, given):
            return None
        is_leaf = not is_composite_type(get_named_type(given.type))
        return self._step(kind, name, given) + ("" if is_leaf else " { __typename }")

    def selection(self, kind: GraphQLNamedType, *, depth: int) -> str:
        """Return all leaves of a type, and what is below it so many levels deep; nothing for a leaf."""
        if not is_composite_type(kind):
            return ""
        found = ["__typename"]
        for name, given in _fields(kind).items():
            below = get_named_type(given.type)
            if not self._is_askable(kind, name, given):
                continue
            if not is_composite_type(below):
                found.append(name)
            elif depth > 0 or _is_wrapper(kind):
                inside = self.selection(below, depth=depth if _is_wrapper(kind) else depth - 1)
                found.append(f"{self._step(kind, name, given)} {inside}")
        # The fields of an interface are asked of it; what its types have beside them, of each.
        for each in self._possible(kind):
            own = [name for name in _leaves(each) if name not in _fields(kind)]
            if own:
                found.append(f"... on {each.name} {{ {' '.join(own)} }}")
        return f"{{ {' '.join(found)} }}"

    def _walk(self, begun: list[tuple[tuple[str, ...], GraphQLNamedType]]) -> None:
        waiting = deque(begun)
        while waiting:
            steps, kind = waiting.popleft()
            if kind.name in self._paths:
                continue
            self._paths[kind.name] = steps
            waiting += [((*steps, self._step(kind, *each)), get_named_type(each[1].type)) for each in self._edges(kind)]
            for each in self._possible(kind):
                waiting.append(((*steps, f"... on {each.name}"), each))

    def _edges(self, kind: GraphQLNamedType) -> Iterator[tuple[str, GraphQLField]]:
        for name, given in _fields(kind).items():
            if is_composite_type(get_named_type(given.type)) and self._is_askable(kind, name, given):
                yield name, given

    def _is_askable(self, kind: GraphQLNamedType, name: str, given: GraphQLField) -> bool:
        """Tell whether it is known what to ask the field with."""
        is_plain = not any(is_required_argument(argument) for argument in given.args.values())
        return is_plain or f"{kind.name}.{name}" in self._arguments

    def _step(self, kind: GraphQLNamedType, name: str, given: GraphQLField) -> str:
        said = [self._arguments[f"{kind.name}.{name}"]] if f"{kind.name}.{name}" in self._arguments else []
        if "first" in given.args:
            said.append(PAGE)
        return f"{name}({', '.join(said)})" if said else name

    def _possible(self, kind: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._schema.get_possible_types(kind))
        return []


def is_list(given: GraphQLField) -> bool:
    """Tell whether a field is a list or a connection."""
    return isinstance(get_nullable_type(given.type), GraphQLList) or get_named_type(given.type).name.endswith(
        "Connection"
    )


def nested(steps: tuple[str, ...], inside: str) -> str:
    """Return the document that selects something at the end of a path."""
    for place, step in enumerate(reversed(steps)):
        inside = f"{step} {inside}" if place == 0 else f"{step} {{ {inside} }}"
    return f"{{ {inside} }}"


def widest(value: Any, names: list[str]) -> int:  # noqa: ANN401  any answer
    """Return how many items the longest list has that stands at a path in an answer."""
    if isinstance(value, list) and names:
        return max((widest(each, names) for each in value), default=0)
    if names and names[0].startswith("..."):
        return widest(value, names[1:])
    if names:
        return widest(value.get(names[0]) if isinstance(value, dict) else None, names[1:])
    if isinstance(value, dict):
        value = value.get("nodes", value.get("edges"))
    return len(value or ())


def longest(value: Any) -> int:  # noqa: ANN401  any answer
    """Return how many items the longest list of an answer has, wherever it stands."""
    if isinstance(value, dict):
        return max(map(longest, value.values()), default=0)
    if isinstance(value, list):
        return max(len(value), *map(longest, value)) if value else 0
    return 0


def _fields(kind: GraphQLNamedType) -> dict[str, GraphQLField]:
    found: dict[str, GraphQLField] = getattr(kind, "fields", {})
    return found


def _leaves(kind: GraphQLNamedType) -> list[str]:
    return [name for name, given in _fields(kind).items() if not is_composite_type(get_named_type(given.type))]


def _is_wrapper(kind: GraphQLNamedType) -> bool:
    """Tell whether a type only wraps the items of a page."""
    return kind.name.endswith(("Connection", "Edge"))


def list_keys(schema: GraphQLSchema) -> set[str]:
    """Return every list that objects have which a query may answer with, however they are asked for."""
    assert schema.query_type is not None
    seen: set[str] = set()
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [schema.query_type]
    while waiting:
        kind = waiting.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        found |= {f"{kind.name}.{name}" for name, given in _fields(kind).items() if is_list(given)}
        waiting += [get_named_type(given.type) for given in _fields(kind).values()]
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            waiting += schema.get_possible_types(kind)
    return found
