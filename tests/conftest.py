"""What every test starts from: an empty, migrated database of each kind, a clock that stands still, a client."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import hypothesis
import pytest
import structlog

from api import migrations
from api.app import create_app
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM, Permission
from domain.base.database import Database
from domain.base.work import Works
from domain.identity.actions.keys import create_api_key
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import StoreDetails
from domain.reactions import REACTIONS
from tests.postgres import Control, PostgresServer, postgres_server, temporary_folder

pytest_plugins = ["tests.tracing"]

# A busy machine is slow; that is no fault of what is tested.
hypothesis.settings.register_profile("sportello", deadline=None)
hypothesis.settings.load_profile("sportello")

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DATA = Path(__file__).parent / "data"
DEMO_DATA = Path(__file__).parent.parent / "data"

GENEROUS: dict[str, Any] = {
    "cost_max": 1_000_000,
    "cost_budget": 1_000_000_000,
    "list_items_max": 10_000,
    "document_aliases_max": 1_000,
    "root_fields_max": 1_000,
}
"""Limits that stay out of the way of what the areas are tested for; the limits have tests of their own."""

ITALY = StoreDetails(
    code="it", name="Italia", country="IT", locale="it-IT", currency_code="EUR", time_zone="Europe/Rome"
)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Put logging back as it was: a command sends it to an output that is gone after its test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        """Start at `NOW`."""
        self._now = NOW

    def now(self) -> datetime:
        """Return the instant at which the clock stands."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move on."""
        self._now += step


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start PostgreSQL once; where it is missing the suite fails."""
    with postgres_server() as server:
        yield server


class Databases:
    """Makes databases from migrated templates, so that each test has its own."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        """Take where the files and the server are."""
        self._folder = folder
        self._server = server
        self._templates: dict[str, str] = {}
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._exits = AsyncExitStack()
        self._control: Control | None = None

    def new(self, kind: str) -> str:
        """Return the address of an empty database at the newest schema."""
        if kind not in self._templates:
            if kind == "sqlite":
                url = f"sqlite+aiosqlite:///{self._folder / 'template.sqlite3'}"
            else:
                url = self._create(f"template_{self._folder.name}_{id(self)}".replace("-", "_").lower())
            migrations.upgrade(url)
            self._templates[kind] = url
        return self.copy(kind, self._templates[kind])

    def copy(self, kind: str, url: str) -> str:
        """Return the address of a copy of a database."""
        name = f"t_{uuid4().hex}"
        if kind == "sqlite":
            source = Path(url.partition("///")[2])
            target = source.with_name(f"{name}.sqlite3")
            shutil.copyfile(source, target)
            return f"sqlite+aiosqlite:///{target}"
        return self._create(name, template=_name_in(url))

    def drop(self, kind: str, url: str) -> None:
        """Remove a database."""
        if kind == "sqlite":
            path = Path(url.partition("///")[2])
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink()
        else:
            self._command(lambda control: control.drop_database(_name_in(url)))

    def close(self) -> None:
        """Disconnect from the server."""
        self._runner.run(self._exits.aclose())
        self._runner.close()

    def _create(self, name: str, template: str | None = None) -> str:
        self._command(lambda control: control.create_database(name, template))
        return self._server.url(name)

    def _command(self, command: Callable[[Control], Awaitable[None]]) -> None:
        async def run() -> None:
            if self._control is None:
                self._control = await self._exits.enter_async_context(self._server.control())
            await command(self._control)

        self._runner.run(run())


def _name_in(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Iterator[Databases]:
    """Make databases: in memory where there is plenty, as every commit waits for the disk otherwise."""
    folder = temporary_folder()
    databases = Databases(folder, postgres)
    yield databases
    databases.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Run the test on both databases."""
    return str(request.param)


@pytest.fixture
def database_url(kind: str, databases: Databases) -> Iterator[str]:
    """Return the address of an empty database."""
    url = databases.new(kind)
    yield url
    databases.drop(kind, url)


@pytest.fixture
def clock() -> StandingClock:
    """Return a clock that stands still."""
    return StandingClock()


@pytest.fixture
async def works(database_url: str, clock: StandingClock) -> AsyncIterator[Works]:
    """Return the doors to an empty database with one store: Italy, in euros."""
    works = Works(database=Database(database_url, pool_size=8), reactions=REACTIONS, clock=clock)
    await works.perform(lambda work: upsert_store(work, details=ITALY), actor=SYSTEM, action="storeUpsert")
    yield works
    await works.readings.settle()
    assert works.database.lanes.busy == 0, "something that was read with was not given back"
    await works.database.dispose()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def data(self) -> dict[str, Any]:
        """Return the data of an answer without errors."""
        assert "errors" not in self.body, self.body["errors"]
        data = self.body["data"]
        assert isinstance(data, dict)
        return data

    @property
    def codes(self) -> list[str]:
        """Return the codes of the errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", ())]


class Client:
    """Asks the API as a client does: over HTTP, with a key."""

    def __init__(self, http: httpx.AsyncClient, works: Works) -> None:
        """Start without a key."""
        self.http = http
        self.works = works
        self.key: str | None = None

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, *, key: str | None = None) -> Answer:
        """Send one operation with the client's key, or another."""
        secret = key or self.key
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return Answer(response.status_code, response.json(), response.headers)

    async def new_key(self, *permissions: Permission) -> str:
        """Return the secret of a new key with these permissions."""
        _, secret = await self.works.perform(
            lambda work: create_api_key(work, name="Test", permissions=[p.value for p in permissions]),
            actor=SYSTEM,
            action="apiKeyCreate",
        )
        return secret


@pytest.fixture
async def client(works: Works) -> AsyncIterator[Client]:
    """Return a client with a key that opens every door, and with more to ask than limits and costs would let it."""
    app = create_app(Settings(_env_file=None, **GENEROUS), works=works)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        client = Client(http, works)
        client.key = await client.new_key(*EVERY_PERMISSION)
        yield client
