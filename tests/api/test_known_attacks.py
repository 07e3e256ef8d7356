"""The checks that graphql-cop makes of a server, and what no answer may hold in production."""

import re
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from tests.api.conftest import Serve
from tests.conftest import Client

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
pytestmark = SQLITE_ONLY

PRODUCTION: dict[str, Any] = {"introspection": False, "explorer": False}
ACCEPT = {"Accept": "application/graphql-response+json"}
LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|/site-packages|/usr/|/home/|SELECT |INSERT |sqlalchemy|asyncpg|sqlite", re.IGNORECASE
)


@pytest.fixture
async def production(serve: Serve) -> httpx.AsyncClient:
    """Return a client without a key of a server that shows its schema to nobody."""
    http: httpx.AsyncClient = await serve(**PRODUCTION)
    return http


async def post(http: httpx.AsyncClient, query: str, **more: object) -> httpx.Response:
    """Send an operation."""
    return await http.post("/graphql", json={"query": query, **more}, headers=ACCEPT)


async def test_alias_overloading(production: httpx.AsyncClient) -> None:
    """101 aliases of one field are refused."""
    query = "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"
    assert (await post(production, query)).status_code == 400


async def test_batching(production: httpx.AsyncClient) -> None:
    """A list of operations is no request: ten attempts in one would count as one."""
    response = await production.post("/graphql", json=[{"query": "query cop { __typename }"}] * 10, headers=ACCEPT)
    assert response.status_code == 400


async def test_directive_overloading(production: httpx.AsyncClient) -> None:
    """Directives, known or not, are not repeated without end."""
    for directive in ("@aa", "@include(if: true) "):
        assert (await post(production, "query cop { __typename " + directive * 60 + " }")).status_code == 400


async def test_circular_introspection(serve: Serve) -> None:
    """Types of fields of types of fields end somewhere, also where the schema may be asked for."""
    query = "query cop { __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }"
    assert (await post(await serve(), query)).status_code == 400


async def test_circular_fragments(production: httpx.AsyncClient) -> None:
    """A fragment within itself is refused."""
    assert (await post(production, "query cop { ...A } fragment A on Query { ...A __typename }")).status_code == 400


async def test_field_duplication(production: httpx.AsyncClient) -> None:
    """A field that is repeated 500 times is refused."""
    assert (await post(production, "query cop { " + "__typename " * 500 + "}")).status_code == 400


async def test_mutations_by_get(production: httpx.AsyncClient) -> None:
    """A link changes nothing."""
    response = await production.get("/graphql", params={"query": "mutation cop { __typename }"}, headers=ACCEPT)
    assert response.status_code == 405


async def test_posts_of_forms(production: httpx.AsyncClient) -> None:
    """What another site's form can send is refused: urlencoded, plain text, multipart, and without a type."""
    form = b"query=query+cop+%7B__typename%7D"
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""):
        response = await production.post("/graphql", content=form, headers={"Content-Type": kind})
        assert response.status_code == 415


async def test_queries_by_get_know_no_cookie(serve: Serve, client: Client) -> None:
    """A page of another site asks as nobody: only a header opens a door, and a browser adds none by itself."""
    http = await serve(**PRODUCTION)
    query = {"query": "{ viewer { kind } }"}
    for name in ("Authorization", "token", "session", "access_token"):
        cookie = {"Cookie": f"{name}={client.key}"}
        response = await http.get("/graphql", params=query, headers=cookie)
        assert response.json()["data"] == {"viewer": {"kind": "ANONYMOUS"}}
    parameters = {**query, "access_token": str(client.key), "Authorization": f"Bearer {client.key}"}
    assert (await http.get("/graphql", params=parameters)).json()["data"] == {"viewer": {"kind": "ANONYMOUS"}}


async def test_explorers(production: httpx.AsyncClient, serve: Serve) -> None:
    """Where the explorer is off, no page of one is served anywhere; the endpoint never serves one."""
    html = {"Accept": "text/html"}
    for path in ("/", "/explorer/", "/explorer/config.json", "/graphiql", "/playground", "/console", "/altair"):
        response = await production.get(path, headers=html)
        assert response.status_code == 404
        assert "graphiql" not in response.text.lower()
    for http in (production, await serve()):
        assert (await http.get("/graphql", headers=html)).status_code == 406


async def test_introspection(production: httpx.AsyncClient, serve: Serve) -> None:
    """The whole schema is had where the setting says so, by the query that explorers send, and only there."""
    query = get_introspection_query(descriptions=True, specified_by_url=True, input_value_deprecation=True)
    assert len((await post(await serve(), query)).json()["data"]["__schema"]["types"]) > 50
    for hidden in (query, '{ __type(name: "Customer") { fields { name } } }', "{ a: __schema { queryType { name } } }"):
        refused = await post(production, hidden)
        assert refused.status_code == 400
        assert "data" not in refused.json()
    assert (await post(production, "{ __typename }")).status_code == 200


MISTYPED = [
    ("{ viewr { kind } }", None, "viewer"),
    ("{ viewer { knd } }", None, "kind"),
    ("{ customers(frst: 1) { totalCount } }", None, "first"),
    ("{ customers(first: 1, orderBy: {field: CREATED_A, direction: DESC}) { totalCount } }", None, "CREATED_AT"),
    ('{ customers(first: 1, filter: {serch: "a"}) { totalCount } }', None, "search"),
    ("query($f: CustomerFiltr) { customers(first: 1, filter: $f) { totalCount } }", None, "CustomerFilter"),
    ("{ node(id: 1) { ... on Custmer { id } } }", None, "Customer"),
    ("{ viewer { kind @skp(if: true) } }", None, "skip"),
    ("query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }", {"f": {"serch": "a"}}, "search"),
    (
        "query($o: CustomerSort) { customers(first: 1, orderBy: $o) { totalCount } }",
        {"o": {"field": "LIFETIME_VALU", "direction": "DESC"}},
        "LIFETIME_VALUE",
    ),
    ("{ customers(first: 1) { nodes } }", None, "totalCount"),
    ("{ viewer }", None, "kind"),
    ("query A { viewer { kind } }", {"unused": 1}, "xyzzy"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "variables", "hidden"), MISTYPED)
async def test_suggestions(production: httpx.AsyncClient, query: str, variables: object, hidden: str) -> None:
    """Where the schema is hidden, no message names what was not sent."""
    response = await post(production, query, variables=variables)
    assert "Did you mean" not in response.text
    assert hidden not in response.text.replace(query, "")


async def test_tracing(production: httpx.AsyncClient, client: Client) -> None:
    """No header or extension brings timings or plans into the answer."""
    asked = {"query": "{ viewer { kind } }", "extensions": {"tracing": True}}
    headers = {"apollo-federation-include-trace": "ftv1", "X-Apollo-Tracing": "1", "X-Debug": "1"}
    for http in (production, client.http):
        response = await http.post("/graphql", json=asked, headers=headers)
        assert set(response.json()["extensions"]) == {"cost"}


PROVOKING: list[dict[str, Any]] = [
    {"query": "{"},
    {"query": "query cop { __typename @deprecated }"},
    {"query": "{ node(id: \"' OR 1=1 --\") { id } }"},
    {"query": "{ customers(first: 0) { totalCount } }"},
    {"query": '{ customers(first: 1, after: "\'; DROP TABLE customers; --") { totalCount } }'},
    {"query": "query($n: Int!) { customers(first: $n) { totalCount } }", "variables": {"n": {"a": []}}},
    {"query": '{ orderByExternalId(externalId: "\\u0000") { id } }'},
    {"query": "subscription { a }"},
    {"query": "{ stores { code } }"},
    {"query": 'mutation { customerMerge(input: {survivorId: "x", absorbedId: "y"}) { userErrors { message } } }'},
]  # fmt: skip


@pytest.mark.parametrize("parameters", PROVOKING)
async def test_nothing_of_the_inside_shows(production: httpx.AsyncClient, client: Client, parameters: Any) -> None:  # noqa: ANN401
    """No stack trace, statement or path of a file, with a key or without, whatever is wrong."""
    for headers in (ACCEPT, ACCEPT | {"Authorization": f"Bearer {client.key}"}):
        response = await production.post("/graphql", json=parameters, headers=headers)
        assert response.status_code < 500
        shown = response.text
        for text in (parameters["query"], "DROP TABLE"):
            shown = shown.replace(text, "")
        assert not LEAKS.search(shown), shown


async def test_a_fault_of_the_endpoint_itself_is_masked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks outside of any resolver, the client gets a GraphQL error with an id."""

    def fail(*_arguments: object, **_words: object) -> None:
        message = "the password is hunter2"
        raise RuntimeError(message)

    monkeypatch.setattr("api.operations.Operations.prepare", fail)
    response = await client.http.post("/graphql", json={"query": "{ __typename }"})
    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": response.headers["x-request-id"]}
    assert "hunter2" not in response.text
