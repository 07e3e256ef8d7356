"""Empty databases at the newest schema, for one measurement each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from api import migrations
from domain.base.database import Database
from domain.base.work import Works
from domain.reactions import REACTIONS
from tests.postgres import PostgresServer

KINDS = ("sqlite", "postgresql")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class StandingClock:
    """A clock that stands still, so that nothing grows old while it is measured."""

    def now(self) -> datetime:
        """Return always the same instant."""
        return NOW


@dataclass(frozen=True)
class Place:
    """Where databases are made."""

    folder: Path
    server: PostgresServer

    @contextmanager
    def empty(self, kind: str) -> Iterator[str]:
        """Yield the address of a database without a table, which is gone afterwards."""
        name = f"b_{uuid4().hex}"
        if kind == "sqlite":
            path = self.folder / f"{name}.sqlite3"
            try:
                yield f"sqlite+aiosqlite:///{path}"
            finally:
                for leftover in self.folder.glob(f"{name}*"):
                    leftover.unlink()
        else:
            asyncio.run(self.server.create_database(name))
            try:
                yield self.server.url(name)
            finally:
                asyncio.run(self.server.drop_database(name))

    @contextmanager
    def migrated(self, kind: str) -> Iterator[str]:
        """Yield the address of a database with every table, all empty."""
        with self.empty(kind) as url:
            migrations.upgrade(url)
            yield url


def open_works(url: str) -> Works:
    """Return the doors to a database."""
    return Works(database=Database(url), reactions=REACTIONS, clock=StandingClock())


def sqlite_path(url: str) -> Path:
    """Return the file of an SQLite address."""
    return Path(url.partition("///")[2])
