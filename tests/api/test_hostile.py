"""Attack 1: documents that would stall the others are refused before anything runs."""

from contextlib import suppress
from typing import NoReturn

import pytest
import structlog
from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse
from graphql.language import Lexer, Source, TokenKind

from schema.base.limits import Limits, Pass, check_document
from tests.api.conftest import Serve
from tests.conftest import Client
from tests.hostile import DOCUMENTS, chain, nested

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
LOG_BYTES_MAX = 1_000
CODES = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_COSTLY"}


def token_count(text: str) -> int:
    """Return how many words and signs a document has."""
    lexer = Lexer(Source(text))
    count = 0
    while lexer.advance().kind is not TokenKind.EOF:
        count += 1
    return count


@SQLITE_ONLY
@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_hostile_document_is_refused(bounded: Client, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No resolver runs, the answer says why in few words, and the log has a line of less than a kilobyte."""

    def run(**_arguments: object) -> NoReturn:
        pytest.fail("the document was executed")

    monkeypatch.setattr("api.operations.execute", run)
    headers = {"Authorization": f"Bearer {bounded.key}", "Accept": "application/graphql-response+json"}
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        response = await bounded.http.post("/graphql", json={"query": DOCUMENTS[name][0]}, headers=headers)
    assert response.status_code == 400
    answer = response.json()
    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} <= CODES
    assert len(response.content) < 10_000
    assert len(logged) == 1
    assert len(str(logged)) < LOG_BYTES_MAX


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_work_is_bounded_by_the_words(name: str) -> None:
    """Each node is visited once, whatever the document unfolds to: never more than it has words."""
    try:
        document = parse(DOCUMENTS[name][0], max_lexical_tokens=4_000, max_source_length=65_536)
    except GraphQLError:
        return  # the parser has refused it
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    generous = Pass(fragments, Limits(depth=200, aliases=10**9, directives=10**9, list_items=10**9))
    with suppress(GraphQLError):  # rings and repeats are refused whatever is allowed
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                generous.measure(definition.selection_set)
    assert 0 < generous.visited_count <= token_count(DOCUMENTS[name][0])


def test_a_chain_is_counted_without_unfolding_it() -> None:
    """Sixty fragments that each spread the next one twice are more aliases than there are atoms; it takes 240 steps."""
    document = parse(chain(60, body="a{0}: kind"))
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    counting = Pass(fragments, Limits(depth=200, aliases=2**70))
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert counting.measure(operation.selection_set).aliases == 2**60 - 1
    assert counting.visited_count < 250


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        (nested(15), False),
        (nested(12), True),
        ("{ viewer { " + " ".join(f"a{n}: kind" for n in range(30)) + " } }", True),
        ("{ " + "__typename " * 10 + "}", True),
        ("{ viewer { kind " + "@include(if: true) " * 50 + "} }", True),
        ("query @skip(if: true) { viewer { kind " + "@include(if: true) " * 50 + "} }", False),
        ("query($a: Int " + "@a " * 51 + ") { viewer { kind } }", False),
        ("{ viewer { kind } } fragment F on Viewer { a: kind " + "b: kind " * 30 + "}", False),
        ("{ nodes(ids: [" + "1 " * 250 + "]) { id } }", True),
        ("{ customers(filter: {tag: [" + '"a" ' * 251 + "]}, first: 1) { totalCount } }", False),
        ("{ viewer { kind @include(if: [" + "1 " * 251 + "]) } }", False),
        ("mutation { sessionCreate(input: {}) { a } }", True),
        ("mutation { sessionCreate(input: {}) { a } b: sessionCreate(input: {}) { a } }", False),
        ("mutation { sessionCreate(input: {}) { a } passwordReset(input: {}) { a } }", False),
        ("mutation { ...A ...A } fragment A on Mutation { sessionRefresh(input: {}) { a } }", False),
        ("mutation { ... { customerRegister(input: {}) { a } } ... { b: customerRegister(input: {}) { a } } }", False),
        ("query A { a } mutation B { x: sessionCreate { a } y: sessionCreate { a } }", False),
        ("{ ...Missing }", True),
    ],
)
def test_limits_hold_to_the_piece(text: str, *, is_allowed: bool) -> None:
    """At the limit a document passes, one more is refused; one request signs in once, by whatever name."""
    document = parse(text)
    if is_allowed:
        assert check_document(document, Limits()) > 0
    else:
        with pytest.raises(GraphQLError):
            check_document(document, Limits())


@SQLITE_ONLY
async def test_long_lists_in_variables_are_refused(bounded: Client) -> None:
    """A list of 250 is read, one of 251 is not, however deep it stands."""
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await bounded.ask(query, {"ids": ["x"] * 250})).status == 200
    for variables in ({"ids": ["x"] * 251}, {"a": {"b": [[{"c": [0] * 251}]]}}):
        answer = await bounded.ask(query, variables)
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
        assert "250" in answer.body["errors"][0]["message"]


@SQLITE_ONLY
async def test_the_limits_are_settings(serve: Serve, client: Client) -> None:
    """An operator allows less or more."""
    http = await serve(document_depth_max=2, root_fields_max=1, cost_max=100)
    headers = {"Authorization": f"Bearer {client.key}", "Accept": "application/graphql-response+json"}
    for query, status in (
        ("{ viewer { kind } }", 200),
        ("{ customers(first: 1) { nodes { id } } }", 400),
        ("{ a: viewer { kind } b: viewer { kind } }", 400),
    ):
        assert (await http.post("/graphql", json={"query": query}, headers=headers)).status_code == status
