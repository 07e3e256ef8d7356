"""Variables are read as graphql-core reads them, or left to it."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, get_variable_values, parse

from schema.base.execution.variables import Variables

SCHEMA = build_schema("""
    input Box { size: Int!, name: String }
    enum Side { LEFT, RIGHT }
    type Query { found(id: ID!, text: String, many: [ID!], is: Boolean, side: Side, box: Box, size: Int): Int }
""")
TEXT = """query ($id: ID!, $text: String = "given", $many: [ID!], $is: Boolean, $side: Side, $box: Box, $size: Int) {
    found(id: $id, text: $text, many: $many, is: $is, side: $side, box: $box, size: $size) }"""
PLAIN: dict[str, Any] = {
    "id": "a", "text": "b", "many": None, "is": True, "side": None, "box": None, "size": None
}  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        PLAIN | {"unknown": 1},
        {name: value for name, value in PLAIN.items() if name != "text"},
        {"id": "a"},
        {"id": 7},
        {"id": None},
        {"id": True},
        {"id": 1.5},
        {},
        PLAIN | {"text": None},
        PLAIN | {"text": 5},
        PLAIN | {"is": 1},
        PLAIN | {"is": "true"},
        PLAIN | {"many": "one"},
        PLAIN | {"many": ["one", None]},
        PLAIN | {"side": "LEFT"},
        PLAIN | {"side": "UP"},
        PLAIN | {"box": {"size": 2}},
        PLAIN | {"box": {"size": "2"}},
        PLAIN | {"box": {"size": 2, "colour": "red"}},
        PLAIN | {"size": 2**31},
        PLAIN | {"size": 3},
    ],
)
def test_they_are_what_graphql_core_says(given: dict[str, Any]) -> None:
    """Read the same values both ways."""
    (operation,) = parse(TEXT).definitions
    assert isinstance(operation, OperationDefinitionNode)
    expected = get_variable_values(SCHEMA, operation.variable_definitions or (), given)
    found = Variables(SCHEMA, operation, hide_suggestions=False).of(given)
    if isinstance(expected, list):
        assert found is None
        return
    assert found is not None
    assert found.coerced == expected.coerced
    assert {name: source.value for name, source in found.sources.items()} == {
        name: source.value for name, source in expected.sources.items()
    }


def test_a_type_that_does_not_exist_is_left_to_graphql_core() -> None:
    """Validation refuses it before; whoever skips that is not let through."""
    (operation,) = parse("query ($id: Nothing) { found(id: $id) }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert Variables(SCHEMA, operation, hide_suggestions=False).of({"id": "a"}) is None
