"""Documents that are named instead of sent: trusted ones from a folder, and those sent once with their hash."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import typer

from api.documents import DocumentsUnfit, Texts, hash_of, read_trusted_documents
from api.settings import Settings
from api.terminal import told
from domain.base.kept import Kept
from tests.api.conftest import Serve

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
QUERY = "query A { viewer { kind } }"
OTHER = "query B { __typename }"
ACCEPT = {"Accept": "application/graphql-response+json"}


def persisted(text: str) -> dict[str, Any]:
    """Return the extensions with which Apollo's clients name a document."""
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


async def send(http: httpx.AsyncClient, **parameters: object) -> tuple[int, dict[str, Any]]:
    """Send an operation and return status and answer."""
    response = await http.post("/graphql", json=parameters, headers=ACCEPT)
    answer: dict[str, Any] = response.json()
    return response.status_code, answer


def code_of(answer: dict[str, Any]) -> str:
    """Return the code of the only error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one trusted document in a file of its own, and one in a manifest."""
    (tmp_path / "a.graphql").write_text(QUERY)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "persisted.json").write_bytes(orjson.dumps({hash_of(OTHER): OTHER}))
    return tmp_path


@SQLITE_ONLY
async def test_a_trusted_document_is_run_by_its_id(serve: Serve, folder: Path) -> None:
    """Its text need not be sent, by POST or GET; another id is refused with how ids are made."""
    http = await serve(documents=str(folder))
    for text, data in ((QUERY, {"viewer": {"kind": "ANONYMOUS"}}), (OTHER, {"__typename": "Query"})):
        document_id = f"sha256:{hash_of(text)}"
        assert (await send(http, documentId=document_id))[1]["data"] == data
        assert (await http.get("/graphql", params={"documentId": document_id})).json()["data"] == data
    status, answer = await send(http, documentId="sha256:" + "0" * 64)
    assert (status, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "sha256:" in answer["errors"][0]["message"]
    assert (await send(http, query="{ __typename }"))[1]["data"] == {"__typename": "Query"}


@SQLITE_ONLY
async def test_only_trusted_documents_can_be_allowed(serve: Serve, folder: Path) -> None:
    """Another document is refused however it comes; a trusted one may still be sent as text."""
    http = await serve(documents=str(folder), documents_only=True)
    assert (await send(http, documentId=f"sha256:{hash_of(QUERY)}"))[0] == 200
    assert (await send(http, query=QUERY))[0] == 200
    assert "data" in (await send(http, extensions=persisted(QUERY)))[1]
    for parameters in ({"query": "{ __typename }"}, {"query": "{ __schema { types { name } } }"}):
        status, answer = await send(http, **parameters)
        assert (status, code_of(answer)) == (403, "FORBIDDEN")
    status, answer = await send(http, query="{ __typename }", extensions=persisted("{ __typename }"))
    assert code_of(answer) == "FORBIDDEN"
    status, answer = await send(http, extensions=persisted("{ __typename }"))
    assert (answer["errors"][0]["message"], code_of(answer)) == (
        "PersistedQueryNotSupported",
        "PERSISTED_QUERY_NOT_SUPPORTED",
    )


@SQLITE_ONLY
async def test_a_document_is_sent_once_with_its_hash(http: httpx.AsyncClient) -> None:
    """As Apollo's clients do it: the hash alone, then hash and text, from then on the hash."""
    status, answer = await send(http, extensions=persisted(QUERY))
    assert (status, answer["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
    assert code_of(answer) == "PERSISTED_QUERY_NOT_FOUND"
    assert "data" in (await send(http, query=QUERY, extensions=persisted(QUERY)))[1]
    for _ in range(2):
        assert (await send(http, extensions=persisted(QUERY)))[1]["data"] == {"viewer": {"kind": "ANONYMOUS"}}
    parameters = {"extensions": orjson.dumps(persisted(QUERY)).decode()}
    assert (await http.get("/graphql", params=parameters)).json()["data"] == {"viewer": {"kind": "ANONYMOUS"}}


@SQLITE_ONLY
async def test_nobody_puts_another_document_under_a_hash(http: httpx.AsyncClient) -> None:
    """A hash that is not the text's is refused, and nothing is kept; nor is what cannot be run."""
    status, answer = await send(http, query="{ viewer { kind } }", extensions=persisted(OTHER))
    assert (status, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert code_of((await send(http, extensions=persisted(OTHER)))[1]) == "PERSISTED_QUERY_NOT_FOUND"
    assert (await send(http, query="{ nothing }", extensions=persisted("{ nothing }")))[0] == 400
    assert code_of((await send(http, extensions=persisted("{ nothing }")))[1]) == "PERSISTED_QUERY_NOT_FOUND"


@SQLITE_ONLY
@pytest.mark.parametrize(
    "sent",
    [
        5,
        [],
        "x",
        {},
        {"version": 1},
        {"version": 2, "sha256Hash": "0" * 64},
        {"version": 1, "sha256Hash": "0" * 63},
        {"version": 1, "sha256Hash": "../../etc/passwd"},
        {"version": 1, "sha256Hash": 5},
    ],
)
async def test_a_malformed_hash_is_refused(http: httpx.AsyncClient, sent: object) -> None:
    """The message shows the form."""
    status, answer = await send(http, query=QUERY, extensions={"persistedQuery": sent})
    assert (status, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "sha256Hash" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.json", b"[]", "no JSON object"),
        ("a.json", b"{", "no JSON object"),
        ("a.json", b'{"x": 5}', "no JSON object"),
        ("a.json", b'{"sha256:00": "{ a }"}', "is not the SHA-256"),
        ("a.graphql", b"\xff\xfe", "cannot be read"),
    ],
)
def test_an_unfit_folder_is_told(tmp_path: Path, name: str, content: bytes, wanted: str) -> None:
    """The server does not start with documents that nobody could name; the message says which file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DocumentsUnfit, match=wanted):
        read_trusted_documents(tmp_path)
    with pytest.raises(DocumentsUnfit, match="no folder"):
        read_trusted_documents(tmp_path / "missing")
    assert read_trusted_documents(None) == {}
    with pytest.raises(typer.Exit), told():
        Texts(Settings(_env_file=None, documents=str(tmp_path)))


def test_what_is_kept_is_bounded() -> None:
    """By weight; what was used last stays; what is too heavy for the whole does not drive the rest out."""
    kept: Kept[str] = Kept(100)
    for name in "abc":
        kept.put(name, name, weight=40)
    assert (kept.get("a"), kept.get("b"), kept.weight) == (None, "b", 80)
    kept.put("d", "d", weight=40)
    assert (kept.get("c"), kept.get("b")) == (None, "b")
    kept.put("e", "e", weight=101)
    kept.put("b", "other", weight=1)
    assert (kept.get("e"), kept.get("b"), kept.weight) == (None, "b", 80)
