"""The application as a whole: request ids, origins, health, and errors that keep their secrets."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import structlog
from sqlalchemy import text

from api import access
from api.app import create_app
from api.explorer import Demo
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.base.database import Database
from domain.base.errors import StorageFull
from domain.base.work import Work, Works
from domain.identity.actions.keys import create_api_key
from schema.root import make_schema
from tests.api.conftest import Serve
from tests.conftest import NOW, Client, Databases, StandingClock
from tests.postgres import PostgresServer

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
QUERY = {"query": "{ viewer { kind } }"}
STORES = "{ viewer { kind } stores { code } }"


@SQLITE_ONLY
@pytest.mark.parametrize("request_id", ["abc", "0197e4c2-7d1e-7bbb", "a" * 100, "A.b_C-1"])
async def test_a_plain_request_id_is_kept(http: httpx.AsyncClient, request_id: str) -> None:
    """Who sends an id finds it in the answer, in its errors and in the log."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        response = await http.post("/graphql", json={"query": "{"}, headers={"X-Request-Id": request_id})
    assert response.headers["x-request-id"] == request_id
    assert response.json()["errors"][0]["extensions"]["requestId"] == request_id
    assert [(line["event"], line["request_id"]) for line in logged] == [("request", request_id)]


@SQLITE_ONLY
@pytest.mark.parametrize("request_id", ["", "a b", "a" * 101, "é", "a\tb", "<script>", "a;b", "{}"])
async def test_any_other_request_id_is_replaced(http: httpx.AsyncClient, request_id: str) -> None:
    """What could forge a line or a header is not sent back."""
    sent = {b"X-Request-Id": request_id.encode("latin-1")}
    response = await http.post("/graphql", json=QUERY, headers=sent)
    again = await http.get("/healthz")
    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-request-id"] != again.headers["x-request-id"]


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@SQLITE_ONLY
async def test_pages_of_any_origin_may_call_the_api(http: httpx.AsyncClient) -> None:
    """The API knows no cookies: a page needs a token to do anything."""
    preflight = await http.options("/graphql", headers={"Origin": "https://shop.example", **PREFLIGHT})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in preflight.headers
    response = await http.post("/graphql", json=QUERY, headers={"Origin": "https://shop.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == "x-request-id, retry-after"


@SQLITE_ONLY
async def test_origins_can_be_named(serve: Serve) -> None:
    """Only pages of the origins in the settings may call then."""
    http = await serve(cors_origins="https://shop.example, https://desk.example")
    for origin in ("https://shop.example", "https://desk.example"):
        preflight = await http.options("/graphql", headers={"Origin": origin, **PREFLIGHT})
        assert preflight.headers["access-control-allow-origin"] == origin
    stranger = {"Origin": "https://evil.example"}
    assert (await http.options("/graphql", headers={**stranger, **PREFLIGHT})).status_code == 400
    response = await http.post("/graphql", json=QUERY, headers=stranger)
    assert "access-control-allow-origin" not in response.headers


@SQLITE_ONLY
async def test_pages_of_other_origins_read_nothing_but_the_api(serve: Serve) -> None:
    """The explorer's configuration may hold a key."""
    http = await serve(demo=Demo("sk_demo"))
    response = await http.get("/explorer/config.json", headers={"Origin": "https://evil.example"})
    assert response.json()["demo"] == Demo("sk_demo").shown()
    assert "access-control-allow-origin" not in response.headers


async def test_what_a_resolver_raises_stays_inside(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is told an id, the log has the rest; what could be answered is."""

    async def fail(_session: object) -> NoReturn:
        message = "the password is hunter2"
        raise RuntimeError(message)

    monkeypatch.setattr("schema.identity.queries.list_stores", fail)
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        answer = await client.ask(STORES)
    assert answer.status == 200
    assert answer.codes == ["INTERNAL"]
    (error,) = answer.body["errors"]
    assert error["path"] == ["stores"]
    assert "hunter2" not in str(answer.body)
    assert "RuntimeError" not in str(answer.body)
    assert answer.body["data"] == {"viewer": {"kind": "APP"}, "stores": None}
    (line,) = [line for line in logged if line["event"] == "request failed"]
    assert "hunter2" in str(line["exc_info"])
    assert line["request_id"] == error["extensions"]["requestId"] == answer.headers["x-request-id"]


async def test_a_fault_of_the_database_stays_inside(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither statement nor parameters reach the client, and the request's next field is answered."""

    async def fail(session: Any) -> None:  # noqa: ANN401
        await session.execute(text("SELECT secret_column FROM nowhere"))

    with monkeypatch.context() as patch, structlog.testing.capture_logs():
        patch.setattr("schema.identity.queries.list_stores", fail)
        answer = await client.ask('{ stores { code } order(id: "T3JkZXI6AAAAAAAAAAAAAAAAAAAAAA") { id } }')
    assert answer.codes == ["INTERNAL"]
    assert "secret_column" not in str(answer.body)
    assert answer.body["data"] == {"stores": None, "order": None}
    assert (await client.ask(STORES)).data["stores"] == [{"code": "it"}]


async def test_a_full_disk_has_its_own_code(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client can tell a full disk from a fault, and tries again later."""

    async def full(*_arguments: object, **_words: object) -> NoReturn:
        message = "The disk that holds the database is full; nothing was written. Free some space."
        raise StorageFull(message)

    monkeypatch.setattr("domain.base.repository.events.insert_rows", full)
    answer = await client.ask('mutation { customerCreate(input: {givenName: "A"}) { customer { id } } }')
    assert answer.codes == ["STORAGE_FULL"]
    assert answer.body["data"] == {"customerCreate": None}


async def test_a_request_has_its_time(serve: Serve, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long is stopped, answered with TIMEOUT, and holds no connection afterwards."""
    http = await serve(request_timeout_s=0.2)
    reached, stopped = asyncio.Event(), asyncio.Event()

    async def hang(session: Any) -> None:  # noqa: ANN401
        reached.set()
        try:
            await session.execute(text("SELECT 1"))
            await asyncio.Event().wait()
        finally:
            stopped.set()

    monkeypatch.setattr("schema.identity.queries.list_stores", hang)
    tasks = len(asyncio.all_tasks())
    response = await http.post(
        "/graphql", json={"query": STORES}, headers={"Authorization": f"Bearer {client.key}", "X-Request-Id": "slow"}
    )
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "TIMEOUT", "requestId": "slow"}
    assert "Ask for less" in error["message"]
    assert stopped.is_set() == reached.is_set()  # a busy machine may not have come so far
    assert len(asyncio.all_tasks()) <= tasks
    assert client.works.database.lanes.busy == 0


@SQLITE_ONLY
@pytest.mark.parametrize(
    "authorization",
    ["Bearer sk_unknown", "Bearer ", "Bearer", "Basic YTpi", "sk_unknown", "Bearer \x00", "Bearer " + "a" * 5_000, ""],
)
async def test_a_token_that_opens_no_door_is_refused(http: httpx.AsyncClient, authorization: str) -> None:
    """401 with a GraphQL error, also for what anybody could read: a wrong token is a mistake of the client."""
    response = await http.post("/graphql", json=QUERY, headers={b"Authorization": authorization.encode()})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_without_a_token_little_can_be_seen(client: Client) -> None:
    """UNAUTHENTICATED says that a token is missing, FORBIDDEN that this one does not do."""
    response = await client.http.post("/graphql", json={"query": STORES})
    assert response.json()["data"] == {"viewer": {"kind": "ANONYMOUS"}, "stores": None}
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    answer = await client.ask(STORES, key=await client.new_key())
    assert answer.codes == ["FORBIDDEN"]
    assert "stores:read" in answer.body["errors"][0]["message"]


async def test_a_revoked_key_works_two_seconds_at_most(client: Client, clock: StandingClock) -> None:
    """An actor is remembered for less than two seconds; then the database is asked again."""
    assert (await client.ask(STORES)).status == 200
    async with client.works.database.writing() as session:
        await session.execute(text("UPDATE api_keys SET revoked_at = created_at"))
        await session.commit()
    clock.advance(access.KNOWN_FOR - timedelta(microseconds=1))
    assert (await client.ask(STORES)).status == 200
    clock.advance(timedelta(microseconds=1))
    assert timedelta(seconds=2) >= access.KNOWN_FOR
    assert (await client.ask(STORES)).status == 401


async def test_an_expired_key_is_refused(client: Client, clock: StandingClock) -> None:
    """A key works until its last microsecond."""

    async def story(work: Work) -> str:
        expires_at = NOW + timedelta(hours=1)
        permissions = sorted(EVERY_PERMISSION)
        return (await create_api_key(work, name="Short", permissions=permissions, expires_at=expires_at))[1]

    key = await client.works.perform(story, actor=SYSTEM, action="apiKeyCreate")
    clock.advance(timedelta(hours=1) - timedelta(microseconds=1))
    assert (await client.ask(STORES, key=key)).status == 200
    clock.advance(access.KNOWN_FOR)
    assert (await client.ask(STORES, key=key)).status == 401


@SQLITE_ONLY
async def test_only_so_many_actors_are_remembered(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many keys do not fill the memory: the one that came first is forgotten first."""
    monkeypatch.setattr(access, "_KNOWN_MAX", 2)
    doors = access.Access(works)
    client = Client(httpx.AsyncClient(), works)
    for _ in range(4):
        await doors.actor(f"Bearer {await client.new_key()}")
    assert len(doors._known) == 2


async def test_health_and_readiness(client: Client) -> None:
    """The process is alive, and the database is there at the schema of the code."""
    assert (await client.http.get("/healthz")).json() == {"status": "ok"}
    ready = await client.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "reason": ""})


async def test_another_revision_is_not_ready(client: Client) -> None:
    """After an update of the code the database is migrated before requests come in."""
    async with client.works.database.writing() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        await session.commit()
    ready = await client.http.get("/readyz")
    assert ready.status_code == 503
    assert "revision 0000" in ready.json()["reason"]
    assert "sportello migrate" in ready.json()["reason"]
    assert (await client.http.get("/healthz")).status_code == 200


async def ready_at(url: str) -> httpx.Response:
    """Ask an application on this database whether it is ready."""
    app = create_app(Settings(_env_file=None, database_url=url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http,
    ):
        response = await http.get("/readyz")
    for thread in threading.enumerate():  # the driver's thread of a connection that failed ends a moment later
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 10)
    return response


@pytest.mark.parametrize("place", ["missing/folder/s.sqlite3", "empty.sqlite3", "broken.sqlite3"])
async def test_no_database_of_sqlite_is_not_ready(tmp_path: Path, place: str) -> None:
    """A file that is missing, empty or broken is told with what to do."""
    (tmp_path / "broken.sqlite3").write_bytes(b"This is no database. " * 100)
    response = await ready_at(f"sqlite:///{tmp_path / place}")
    assert response.status_code == 503
    assert "sportello migrate" in response.json()["reason"]


async def test_no_database_of_postgresql_is_not_ready(postgres: PostgresServer) -> None:
    """A database that is gone, or empty, is told with what to do."""
    for name in ("gone", "empty"):
        if name == "empty":
            await postgres.create_database(name)
        response = await ready_at(postgres.url(name))
        assert response.status_code == 503
        assert "sportello migrate" in response.json()["reason"]
    await postgres.drop_database("empty")


async def test_a_server_that_is_gone_is_not_ready() -> None:
    """Nobody listens on that port."""
    response = await ready_at("postgresql://nobody@127.0.0.1:1/nothing")
    assert response.status_code == 503


@SQLITE_ONLY
async def test_introspection_is_a_setting(serve: Serve) -> None:
    """Where it is off, the schema cannot be asked for, nor guessed from suggestions."""
    introspection = {"query": "{ __schema { types { name } } }"}
    mistyped = {"query": "{ viewr { kind } }"}
    shown, hidden = await serve(), await serve(introspection=False)
    assert len((await shown.post("/graphql", json=introspection)).json()["data"]["__schema"]["types"]) > 20
    assert "viewer" in (await shown.post("/graphql", json=mistyped)).text
    refused = await hidden.post("/graphql", json=introspection)
    assert {error["extensions"]["code"] for error in refused.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert "viewer" not in (await hidden.post("/graphql", json=mistyped)).text
    assert (await hidden.post("/graphql", json={"query": "{ __typename }"})).json()["data"] == {"__typename": "Query"}


def test_databases_are_not_opened_before_they_are_needed(databases: Databases) -> None:
    """Making an application or a schema touches no database: nothing is created at import or wiring."""
    assert databases is not None
    create_app(Settings(_env_file=None, database_url="postgresql://nobody@127.0.0.1:1/nothing"))
    assert make_schema().as_str()
    assert Database("sqlite+aiosqlite:///nowhere/at/all").is_sqlite
