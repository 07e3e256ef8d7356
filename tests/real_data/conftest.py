"""Databases with the real files in them: each file is imported once for each kind of database, then copied."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.imports.run import Summary, import_file
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION
from domain.base.database import Database
from domain.base.work import Works
from domain.reactions import REACTIONS
from tests.conftest import DATA, DEMO_DATA, GENEROUS, Client, Databases, StandingClock

MOD5 = DEMO_DATA / "online_retail_cust_mod5.csv.gz"
DECEMBER = DATA / "online_retail_2010-12.csv.gz"

Open = Callable[[Path], AsyncIterator[Client]]


class Imported:
    """Makes copies of databases in which a file was imported; the import runs at the first one."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        """Start without any."""
        self._databases, self._folder = databases, folder
        self._templates: dict[tuple[str, Path], str] = {}
        self.summaries: dict[tuple[str, Path], Summary] = {}

    def copy(self, kind: str, path: Path) -> str:
        """Return the address of a database of its own that holds the file."""
        if (kind, path) not in self._templates:
            url = self._databases.new(kind)
            self.summaries[kind, path] = asyncio.run(self._import(url, path))
            self._templates[kind, path] = url
        return self._databases.copy(kind, self._templates[kind, path])

    def drop(self) -> None:
        """Remove the databases that were copied."""
        for (kind, _), url in self._templates.items():
            self._databases.drop(kind, url)

    async def _import(self, url: str, path: Path) -> Summary:
        works = Works(database=Database(url), reactions=REACTIONS, clock=StandingClock())
        try:
            return await import_file(works, path, format_name="online-retail", report_folder=self._folder)
        finally:
            await works.database.dispose()


@pytest.fixture(scope="session")
def imported(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """Make databases that hold a file."""
    imported = Imported(databases, tmp_path_factory.mktemp("reports"))
    yield imported
    imported.drop()


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Client]:
    """Yield a client of the database, with a key that opens every door."""
    works = Works(database=Database(url), reactions=REACTIONS, clock=StandingClock())
    transport = httpx.ASGITransport(app=create_app(Settings(_env_file=None, **GENEROUS), works=works))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        client = Client(http, works)
        client.key = await client.new_key(*EVERY_PERMISSION)
        yield client
    await works.database.dispose()


@pytest.fixture
def mod5_url(kind: str, imported: Imported, databases: Databases) -> Iterator[str]:
    """Return the address of a database with the orders of every fifth customer."""
    url = imported.copy(kind, MOD5)
    yield url
    databases.drop(kind, url)


@pytest.fixture
async def mod5(mod5_url: str) -> AsyncIterator[Client]:
    """Ask about the orders of every fifth customer."""
    async with open_client(mod5_url) as client:
        yield client


@pytest.fixture
def mod5_summary(kind: str, imported: Imported, mod5_url: str) -> Summary:  # noqa: ARG001  imported with the database
    """Return what the import said."""
    return imported.summaries[kind, MOD5]


@pytest.fixture
def december_url(kind: str, imported: Imported, databases: Databases) -> Iterator[str]:
    """Return the address of a database with all rows of December 2010, guests included."""
    url = imported.copy(kind, DECEMBER)
    yield url
    databases.drop(kind, url)


@pytest.fixture
async def december(december_url: str) -> AsyncIterator[Client]:
    """Ask about December 2010."""
    async with open_client(december_url) as client:
        yield client


@pytest.fixture
def december_summary(kind: str, imported: Imported, december_url: str) -> Summary:  # noqa: ARG001
    """Return what the import said."""
    return imported.summaries[kind, DECEMBER]
