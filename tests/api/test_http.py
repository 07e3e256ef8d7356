"""GraphQL over HTTP: methods, media types, limits."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import Client

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])

QUERY = "{ viewer { kind } }"
DATA = {"viewer": {"kind": "ANONYMOUS"}}
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


async def test_post_and_get_answer_queries(http: httpx.AsyncClient) -> None:
    """A query is answered by both, and no cache may keep it for somebody else."""
    for response in (
        await http.post("/graphql", json={"query": QUERY}),
        await http.get("/graphql", params={"query": QUERY}),
    ):
        assert response.status_code == 200
        assert response.json()["data"] == DATA
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert {"Accept", "Accept-Encoding", "Origin"} == {name.strip() for name in response.headers["vary"].split(",")}
        assert response.headers["cache-control"] == "no-store"


async def test_get_takes_variables_and_a_name(client: Client) -> None:
    """The parameters of a GET are those of a POST, the structured ones as JSON."""
    parameters = {
        "query": "query A { viewer { kind } } query B($id: ID!) { order(id: $id) { id } }",
        "operationName": "B",
        "variables": '{"id": "T3JkZXI6AAAAAAAAAAAAAAAAAAAAAA"}',
        "extensions": "{}",
    }
    headers = {"Authorization": f"Bearer {client.key}"}
    response = await client.http.get("/graphql", params=parameters, headers=headers)
    assert response.json()["data"] == {"order": None}


async def test_a_mutation_by_get_is_refused(client: Client) -> None:
    """A link that somebody follows changes nothing; the answer says what is allowed."""
    mutation = 'mutation { customerCreate(input: {givenName: "Ada"}) { customer { id } } }'
    headers = {"Authorization": f"Bearer {client.key}"}
    response = await client.http.get("/graphql", params={"query": mutation}, headers=headers)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
    found = await client.ask("{ customers(first: 1) { totalCount } }")
    assert found.data["customers"]["totalCount"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(http: httpx.AsyncClient, method: str) -> None:
    """405 says which methods there are."""
    response = await http.request(method, "/graphql", json={"query": QUERY})
    assert response.status_code == 405
    assert {"GET", "POST"} <= {name.strip() for name in response.headers["allow"].split(",")}


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", JSON),
        (f"text/html, {GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        ("image/png, */*;q=0.1", JSON),
        ("APPLICATION/JSON", JSON),
    ],
)
async def test_the_first_type_that_fits_is_taken(http: httpx.AsyncClient, accept: str | None, wanted: str) -> None:
    """The client's list decides; without one it is plain JSON."""
    headers = {} if accept is None else {"Accept": accept}
    response = await http.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{wanted}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", "application/xml"])
async def test_a_type_that_nobody_speaks_is_refused(http: httpx.AsyncClient, accept: str) -> None:
    """406 names the two types that there are."""
    response = await http.post("/graphql", json={"query": QUERY}, headers={"Accept": accept})
    assert response.status_code == 406
    (error,) = response.json()["errors"]
    assert GRAPHQL_JSON in error["message"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "requestId": response.headers["x-request-id"]}


REQUEST_ERRORS = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "query($id: ID!) { node(id: $id) { id } }"}, "BAD_USER_INPUT"),
    ({"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": []}}, "BAD_USER_INPUT"),
    (
        {
            "query": "query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }",
            "variables": {"f": {"createdAfter": "yesterday"}},
        },
        "BAD_USER_INPUT",
    ),
]


@pytest.mark.parametrize(("body", "code"), REQUEST_ERRORS)
@pytest.mark.parametrize(("media_type", "status"), [(GRAPHQL_JSON, 400), (JSON, 200)])
async def test_request_errors_have_the_status_of_the_type(
    client: Client, body: dict[str, object], code: str, media_type: str, status: int
) -> None:
    """By the specification the new type says 400, the old one 200; there is no data in either."""
    headers = {"Accept": media_type, "Authorization": f"Bearer {client.key}"}
    response = await client.http.post("/graphql", json=body, headers=headers)
    assert response.status_code == status
    answer = response.json()
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert answer["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]


@pytest.mark.parametrize("media_type", [GRAPHQL_JSON, JSON])
async def test_errors_of_fields_are_200_with_data(client: Client, media_type: str) -> None:
    """Where the operation was executed, what could be answered is."""
    query = '{ viewer { kind } node(id: "nonsense") { id } }'
    headers = {"Accept": media_type, "Authorization": f"Bearer {client.key}"}
    response = await client.http.post("/graphql", json={"query": query}, headers=headers)
    assert response.status_code == 200
    answer = response.json()
    assert answer["data"] == {"viewer": {"kind": "APP"}, "node": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["node"], "BAD_USER_INPUT")
    ]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/graphql"],
)
async def test_other_content_types_are_refused(http: httpx.AsyncClient, content_type: str) -> None:
    """415: a form of another site cannot send what a browser would send without asking."""
    body = b'{"query": "{ viewer { kind } }"}'
    response = await http.post("/graphql", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_json_may_name_its_charset(http: httpx.AsyncClient) -> None:
    """Parameters of the media type do not matter."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    response = await http.post("/graphql", content=b'{"query": "{ viewer { kind } }"}', headers=headers)
    assert response.json()["data"] == DATA


async def test_a_body_has_a_limit(http: httpx.AsyncClient) -> None:
    """At the limit a body is read, one byte more is refused with the limit in the message."""
    envelope = b'{"query": "{ viewer { kind } }", "variables": {"unused": ""}}'
    fitting = envelope.replace(b'""', b'"' + b"x" * (262_144 - len(envelope)) + b'"')
    headers = {"Content-Type": JSON}
    assert (await http.post("/graphql", content=fitting, headers=headers)).json()["data"] == DATA
    response = await http.post("/graphql", content=fitting + b" ", headers=headers)
    assert response.status_code == 413
    assert "262,144 bytes" in response.json()["errors"][0]["message"]


async def test_the_limit_counts_what_arrives(http: httpx.AsyncClient) -> None:
    """A body in pieces and without a length is cut off at the limit: the rest is never asked for."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 60_000_000:
            sent += 65_536
            yield b" " * 65_536

    response = await http.post("/graphql", content=endless(), headers={"Content-Type": JSON})
    assert response.status_code == 413
    assert sent <= 262_144 + 2 * 65_536
