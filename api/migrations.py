"""Bringing a database to the newest schema, safely on both databases.

On SQLite a migration runs by the recipe that keeps child rows and rolls back whole: foreign keys off
before BEGIN IMMEDIATE, then a check of all foreign keys, of the row counts and of every table, index
and trigger against those of an empty database, then the commit. A file with data is copied first.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.base.model import Base

_ADVISORY_LOCK = 7_307_512_140
"""Any number that no other program of this database uses: it keeps two migrations apart."""

_LOCK_TIMEOUT_MS = 4_000
_STATEMENT_TIMEOUT_MS = 300_000


class MigrationFailed(Exception):  # noqa: N818  reads as what it is
    """The database is as it was before; the message says what was found."""


def scripts_folder() -> Path:
    """Return where the migrations are: in the checkout, or inside the installed package."""
    here = Path(__file__).parent
    for folder in (here / "alembic", here.parent / "alembic"):
        if (folder / "env.py").exists():
            return folder
    message = "the migrations are missing from this installation"
    raise MigrationFailed(message)


def upgrade(url: str | URL, revision: str = "head") -> None:
    """Bring the database to `revision`. Raises `MigrationFailed`."""
    _run(make_url(url), lambda config: command.upgrade(config, revision))


def downgrade(url: str | URL, revision: str) -> None:
    """Take the database back to `revision`. Raises `MigrationFailed`."""
    _run(make_url(url), lambda config: command.downgrade(config, revision), is_checked=False)


@cache
def newest_revision() -> str | None:
    """Return the revision that the code expects."""
    return ScriptDirectory(str(scripts_folder())).get_current_head()


def differences(connection: Connection) -> list[object]:
    """Return where the database and the models differ; empty is right."""
    context = MigrationContext.configure(connection, opts={"compare_type": differs})
    return [
        difference
        for difference in compare_metadata(context, Base.metadata)
        if not (difference[0] == "remove_table" and difference[1].name.startswith("sqlite_"))
    ]


def differs(
    context: MigrationContext, _column: object, _wanted_column: object, found: TypeEngine[Any], wanted: TypeEngine[Any]
) -> bool:
    """Tell whether two column types are written differently in the database's own words."""
    dialect = context.impl.dialect
    stored = wanted.load_dialect_impl(dialect) if isinstance(wanted, TypeDecorator) else wanted
    # PostgreSQL keeps both the same way, and SQLAlchemy adapts one to the other.
    return found.compile(dialect) != stored.compile(dialect).replace("VARCHAR", "TEXT")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["compare_type"] = differs
    return config


def _run(url: URL, step: Callable[[Config], None], *, is_checked: bool = True) -> None:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite_connection(path) as connection:
            _migrate_sqlite(connection, path, step, is_checked=is_checked)
    else:
        asyncio.run(_migrate_postgresql(url, step))


@contextmanager
def sqlite_connection(path: Path | None) -> Iterator[Connection]:
    """Yield a connection on which nothing begins or commits by itself; None is a database in memory."""
    engine = create_engine(f"sqlite:///{path or ''}", poolclass=StaticPool, connect_args={"isolation_level": None})
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _migrate_sqlite(connection: Connection, path: Path, step: Callable[[Config], None], *, is_checked: bool) -> None:
    if is_checked and MigrationContext.configure(connection).get_current_revision() == newest_revision():
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    before = _row_counts(connection)
    if any(before.values()):
        _copy(path)
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        step(_config(connection))
        if is_checked:
            _check_sqlite(connection, before, step)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _check_sqlite(connection: Connection, before: dict[str, int], step: Callable[[Config], None]) -> None:
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        message = f"foreign keys point nowhere after the migration: {broken[:5]}"
        raise MigrationFailed(message)
    after = _row_counts(connection)
    if lost := {table for table, count in before.items() if after.get(table, count) < count}:
        message = f"the migration lost rows of {', '.join(sorted(lost))}"
        raise MigrationFailed(message)
    with sqlite_connection(None) as empty:
        step(_config(empty))
        if difference := _definitions(empty) ^ _definitions(connection):
            message = f"the migrated file differs from a new one: {sorted(difference)[:5]}"
            raise MigrationFailed(message)


def _row_counts(connection: Connection) -> dict[str, int]:
    tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    return {
        table: connection.exec_driver_sql(f'SELECT count(*) FROM "{table}"').scalar_one()
        for table in tables
        if not table.startswith(("sqlite_", "alembic_"))
    }


def _definitions(connection: Connection) -> set[tuple[str, str, str]]:
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name, " ".join(definition.split())) for kind, name, definition in rows}


def _copy(path: Path) -> None:
    """Keep the file as it was beside itself, the last copy only."""
    copy = path.with_name(f"{path.name}.before-migration")
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


async def _migrate_postgresql(url: URL, step: Callable[[Config], None]) -> None:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
            await connection.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_TIMEOUT_MS}"))
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            await connection.run_sync(lambda sync: step(_config(sync)))
    finally:
        await engine.dispose()
