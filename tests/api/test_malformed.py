"""What no client should send: refused with a GraphQL error, never a fault of the server."""

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Client

QUERY = "{ viewer { kind } }"
DIGITS = "9" * 5_000
DEEP = 100_000

BODIES: dict[str, bytes] = {
    "empty": b"",
    "number": b"5",
    "null": b"null",
    "text": b'"x"',
    "list": b"[]",
    "batch": b'[{"query": "{ viewer { kind } }"}]',
    "true": b"true",
    "open object": b"{",
    "two objects": b"{}{}",
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "Latin-1": '{"query": "é"}'.encode("latin-1"),
    "UTF-16": '{"query": "{ viewer { kind } }"}'.encode("utf-16"),
    "NaN": b'{"query": "{ viewer { kind } }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ viewer { kind } }", "variables": {"a": -Infinity}}',
    "nested lists": b"[" * DEEP,
    "nested objects": b'{"a":' * 40_000,
    "nested variables": b'{"query": "{ viewer { kind } }", "variables": {"a": ' + b"[" * 90_000 + b"]" * 90_000 + b"}}",
    "lone surrogate": b'{"query": "{ viewer { kind } } # \\ud800"}',
    "no query": b'{"variables": {}}',
    "null query": b'{"query": null}',
    "query of a wrong type": b'{"query": ["{ viewer { kind } }"]}',
    "blank query": b'{"query": " \\n\\t "}',
    "variables as a list": b'{"query": "{ viewer { kind } }", "variables": []}',
    "variables as text": b'{"query": "{ viewer { kind } }", "variables": "{}"}',
    "name of a wrong type": b'{"query": "{ viewer { kind } }", "operationName": 5}',
    "extensions of a wrong type": b'{"query": "{ viewer { kind } }", "extensions": "x"}',
    "control character": b'{"query": "{ viewer { kind } }\n"}',
}

DOCUMENTS: dict[str, dict[str, Any]] = {
    "only a comment": {"query": "# nothing"},
    "only a fragment": {"query": "fragment F on Viewer { kind }"},
    "several without a name": {"query": "query A { viewer { kind } } query B { viewer { kind } }"},
    "unknown name": {"query": "query A { viewer { kind } }", "operationName": "B"},
    "subscription": {"query": "subscription { viewer { kind } }"},
    "type definition": {"query": "type A { b: Int }"},
    "NUL": {"query": "{ viewer { kind } }\0"},
    "long integer in a document": {"query": "{ customers(first: " + DIGITS + ") { totalCount } }"},
    "long decimal in a document": {"query": '{ node(id: "x", first: 1e' + DIGITS + ") { id } }"},
    "long integer in variables": {
        "query": "query($n: Int) { customers(first: $n) { totalCount } }",
        "variables": {"n": 2**63},
    },
    "number beyond 32 bits": {
        "query": "query($n: Int) { customers(first: $n) { totalCount } }",
        "variables": {"n": 2**31},
    },
    "text for a number": {"query": "query($n: Int) { customers(first: $n) { totalCount } }", "variables": {"n": "1"}},
    "list for an object": {
        "query": "query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }",
        "variables": {"f": [1]},
    },
    "unknown input field": {
        "query": "query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }",
        "variables": {"f": {"nothing": 1}},
    },
    "deep selection": {"query": "{ node" * 600 + "}" * 600},
    "deep list": {"query": "{ nodes(ids: " + "[" * 1_900 + "]" * 1_900 + ") { id } }"},
    "many tokens": {"query": "{ " + "viewer { kind } " * 2_000 + "}"},
    "fragment ring": {"query": "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"},
    "unknown fragment": {"query": "{ viewer { ...A } }"},
}


def check(response: httpx.Response) -> None:
    """Assert that the answer is a refusal with GraphQL errors that a client can act on."""
    assert 400 <= response.status_code < 500
    answer = response.json()
    assert "data" not in answer
    assert answer["errors"]
    for error in answer["errors"]:
        assert error["message"]
        assert len(error["message"]) < 1_000
        assert error["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
        assert error["extensions"]["requestId"] == response.headers["x-request-id"]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_malformed_body_is_refused(http: httpx.AsyncClient, name: str) -> None:
    """Whatever the bytes are, the answer is a 4xx with a GraphQL error."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    check(await http.post("/graphql", content=BODIES[name], headers=headers))


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_malformed_document_is_refused(client: Client, name: str) -> None:
    """Whatever the document or its variables are, the answer is a 4xx with a GraphQL error."""
    headers = {"Accept": "application/graphql-response+json", "Authorization": f"Bearer {client.key}"}
    check(await client.http.post("/graphql", json=DOCUMENTS[name], headers=headers))


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_malformed_parameters_are_refused(http: httpx.AsyncClient) -> None:
    """A GET is checked as a POST is."""
    for parameters in ({}, {"query": ""}, {"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "[]"}):
        check(await http.get("/graphql", params=parameters, headers={"Accept": "application/graphql-response+json"}))


async def test_text_with_nul_reaches_no_database(client: Client) -> None:
    """A look-up by such a text finds nothing or is refused; the other fields of the request are answered."""
    query = (
        "query($text: String!) { a: orderByExternalId(externalId: $text) { id } viewer { kind } "
        "customers(first: 1, filter: {tag: [$text]}) { totalCount } b: orderByExternalId(externalId: $text) { id } "
        "stores { code } }"
    )
    answer = await client.ask(query, {"text": "a\0b"})
    assert answer.status == 200
    assert set(answer.codes) <= {"BAD_USER_INPUT"}
    assert answer.body["data"]["viewer"] == {"kind": "APP"}
    assert answer.body["data"]["stores"] == [{"code": "it"}]


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        "{",
        "}",
        "(",
        ")",
        "viewer",
        "kind",
        "query",
        "mutation",
        "$a",
        ":",
        "...",
        "on",
        "@skip(if: true)",
        '"',
        "[",
        "1",
    ]
)


@pytest.mark.parametrize("kind", ["sqlite"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        JUNK,
        st.fixed_dictionaries(
            {"query": st.one_of(st.lists(WORDS).map(" ".join), st.text(max_size=50), st.just(QUERY))},
            optional={"variables": JUNK, "operationName": JUNK, "extensions": JUNK},
        ),
    )
)
async def test_no_body_is_a_fault_of_the_server(http: httpx.AsyncClient, body: Any) -> None:  # noqa: ANN401
    """Generated bodies get an answer or a refusal, and never a 500."""
    headers = {"Content-Type": "application/json", "Accept": "application/graphql-response+json"}
    response = await http.post("/graphql", content=orjson.dumps(body), headers=headers)
    assert response.status_code < 500
    assert "INTERNAL" not in {error["extensions"]["code"] for error in response.json().get("errors", ())}
