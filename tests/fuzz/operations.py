"""Generated operations that reach real objects: valid by the schema, and as odd as their values may be."""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import schemathesis
from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    GraphQLSchema,
    IntValueNode,
    Node,
    ObjectFieldNode,
    StringValueNode,
    Visitor,
    build_schema,
    is_scalar_type,
    is_specified_scalar_type,
    parse,
    print_ast,
    visit,
)
from hypothesis import strategies as st
from hypothesis_graphql import from_schema, nodes

from schema.root import make_schema

_TEXTS = ["", "x", "2026-01-01", "2026-01-01T00:00:00Z", "EUR", "IT", "it-IT", "Europe/Rome", "12.30", "-1", "9" * 41]
_TEXTS += ["ada@shop.example", "+390669812345", "P1D", "https://shop.example", "' OR 1=1 --", "%", "\r\n", "NaN", "1e9"]


def operations(known_ids: Sequence[str]) -> st.SearchStrategy[str]:
    """Return a strategy of documents. Half of the ids in them are of objects that are there."""
    schema = build_schema(make_schema().as_str())
    scalars: Any = dict.fromkeys(_own_scalars(schema), st.sampled_from(_TEXTS).map(nodes.String))
    found: st.SearchStrategy[str] = from_schema(schema, custom_scalars=scalars, print_ast=_printed(known_ids))
    return found


def operations_of_schemathesis(known_ids: Sequence[str]) -> st.SearchStrategy[str]:
    """Return the same from schemathesis, which draws operations of each root field by itself."""
    text = make_schema().as_str()
    for name in _own_scalars(build_schema(text)):
        schemathesis.graphql.scalar(name, st.sampled_from(_TEXTS).map(nodes.String))
    printed = _printed(known_ids)
    found: st.SearchStrategy[Any] = schemathesis.graphql.from_file(text).as_strategy()
    return found.map(lambda case: printed(parse(str(case.body))))


def _own_scalars(schema: GraphQLSchema) -> list[str]:
    return [
        name for name, each in schema.type_map.items() if is_scalar_type(each) and not is_specified_scalar_type(each)
    ]


def _printed(known_ids: Sequence[str]) -> Callable[[DocumentNode], str]:
    def printed(document: DocumentNode) -> str:
        return print_ast(visit(document, _Reaching(known_ids)))

    return printed


class _Reaching(Visitor):
    """Puts ids of real objects into a document, and sizes that a page can have."""

    def __init__(self, known_ids: Sequence[str]) -> None:
        """Take the ids."""
        super().__init__()
        self._known_ids = known_ids

    def enter_argument(self, node: ArgumentNode, *_arguments: object) -> Any:  # noqa: ANN401  as visitors do
        """Ask for pages from their start, most of the time."""
        name, chance = node.name.value, crc32(print_ast(node).encode())
        if name in ("last", "after", "before") and chance % 8:
            return REMOVE
        if name == "first" and chance % 8:
            return ArgumentNode(name=node.name, value=IntValueNode(value=str(1 + chance % 5)))
        return self._with_id(node, name, chance)

    def enter_object_field(self, node: ObjectFieldNode, *_arguments: object) -> Any:  # noqa: ANN401
        """Name real objects in inputs too."""
        return self._with_id(node, node.name.value, crc32(print_ast(node).encode()))

    def _with_id(self, node: ArgumentNode | ObjectFieldNode, name: str, chance: int) -> Node | None:
        is_id = name == "id" or (name.endswith("Id") and not name.lower().endswith("externalid"))
        if not is_id or chance % 2:
            return None
        value = StringValueNode(value=self._known_ids[chance // 2 % len(self._known_ids)])
        return type(node)(name=node.name, value=value)
