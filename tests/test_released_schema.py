"""What clients were promised stays: the schema of the last release is a part of today's."""

from pathlib import Path

from graphql import build_schema
from graphql.utilities import find_breaking_changes

from schema.root import make_schema

RELEASED = Path(__file__).parent.parent / "schema" / "released.graphql"


def test_nothing_that_was_released_is_broken() -> None:
    """Every type, field, argument and value of `schema/released.graphql` keeps its name, type and nullability."""
    released = build_schema(RELEASED.read_text(encoding="utf-8"))
    today = build_schema(make_schema().as_str())
    assert [change.description for change in find_breaking_changes(released, today)] == []


def test_a_broken_promise_is_noticed() -> None:
    """The comparison sees a field that was promised and is not there."""
    printed = RELEASED.read_text(encoding="utf-8")
    promised = build_schema(printed.replace("type Viewer {", "type Viewer {\n  promised: Int\n"))
    today = build_schema(make_schema().as_str())
    assert [change.description for change in find_breaking_changes(promised, today)] == [
        "Field Viewer.promised was removed."
    ]
