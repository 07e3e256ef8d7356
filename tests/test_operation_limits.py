"""Every document that clients run stays well within the limits: they bind nobody who asks in good faith."""

import pytest
from graphql import (
    FragmentDefinitionNode,
    OperationDefinitionNode,
    build_schema,
    get_introspection_query,
    parse,
)

from api.settings import Settings
from schema.base.cost import Costs
from schema.base.limits import Pass, check_document
from schema.root import make_schema
from tests.documents import ROOT, list_examples

SCHEMA = build_schema(make_schema().as_str())
SETTINGS = Settings(_env_file=None)
ROOM = 2
"""How many times as much a document might ask."""

OPERATIONS = sorted((ROOT / "contract" / "operations").glob("*.graphql"))
SAVED = sorted((ROOT / "api" / "saved_examples").glob("*.graphql"))
TEXTS = {
    **{path.stem: path.read_text(encoding="utf-8") for path in (*OPERATIONS, *SAVED)},
    # Those that the guides show refused are left out.
    **{each.place: each.query for each in list_examples() if each.answer is None or "data" in each.answer},
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_document_passes_with_room(name: str) -> None:
    """Each operation asks for half of what is allowed at most, with pages as large as it takes them."""
    document = parse(TEXTS[name])
    check_document(document, SETTINGS.limits)
    limits = SETTINGS.limits
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        found = Pass(fragments, limits).measure(operation.selection_set)
        assert found.depth * ROOM <= limits.depth
        assert found.aliases * ROOM <= limits.aliases
        assert found.directives * ROOM <= limits.directives
        assert found.fields + ROOM <= limits.root_fields
        largest = {each.variable.name.value: 100 for each in operation.variable_definitions or ()}
        cost = Costs(SCHEMA, document, operation).requested(largest)
        assert cost * ROOM <= SETTINGS.cost_max, cost


def test_the_explorer_may_ask_for_the_schema() -> None:
    """The query with which explorers begin is deep by nature, and passes."""
    query = get_introspection_query(descriptions=True, specified_by_url=True, input_value_deprecation=True)
    assert check_document(parse(query), SETTINGS.limits) > 0
