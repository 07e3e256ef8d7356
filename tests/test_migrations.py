"""The migrations: from nothing to the newest schema and back, on both databases, and never half."""

import ast
import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from api import migrations
from api.migrations import MigrationFailed
from domain.base.actors import SYSTEM
from domain.base.clock import SystemClock
from domain.base.database import Database
from domain.base.model import Base
from domain.base.work import Works
from domain.identity.actions.stores import upsert_store
from domain.orders.actions.orders import upsert_order
from domain.reactions import REACTIONS
from tests.base.crashing import an_order
from tests.conftest import ITALY, Databases
from tests.postgres import PostgresServer

_Answer = TypeVar("_Answer")

NEWEST = migrations.newest_revision() or ""

NEXT = '''
"""Next

Revision: next
"""
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = {down_revision!r}


def upgrade():
    {step}


def downgrade():
    with op.batch_alter_table("customers") as table:
        table.drop_column("shoe_size")
'''

ADD_COLUMN = """
    with op.batch_alter_table("customers", recreate="always" if {is_sqlite} else "auto") as table:
        table.add_column(sa.Column("shoe_size", sa.Integer()))
"""
IS_SQLITE = "op.get_bind().dialect.name == 'sqlite'"
FAIL_LATE = f"""
    op.add_column("customers", sa.Column("shoe_size", sa.Integer()))
    op.create_table("shoes", sa.Column("id", sa.Integer()), **({{"sqlite_strict": True}} if {IS_SQLITE} else {{}}))
    op.execute("DELETE FROM customer_terms")
    op.execute("SELECT nothing FROM nowhere")
"""
LOSE_ROWS = 'op.execute("DELETE FROM customer_terms")'
BREAK_KEYS = "op.execute(\"UPDATE orders SET customer_id = '00'\")"
DIFFER = 'if op.get_bind().scalar(sa.text("SELECT count(*) FROM orders")): op.drop_index("ix_orders_number")'


def ask(url: str, question: Callable[[Connection], _Answer]) -> _Answer:
    """Return what a function finds on a connection to the database."""

    async def answer() -> _Answer:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(question)
        finally:
            await engine.dispose()

    return asyncio.run(answer())


def row_counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    names = inspect(connection).get_table_names()
    return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}


def fill(url: str) -> dict[str, int]:
    """Put stores, customers and orders into a database; return how many rows each table has then."""

    async def story() -> None:
        works = Works(database=Database(url), reactions=REACTIONS, clock=SystemClock())

        async def perform(step: Callable[..., Awaitable[object]]) -> None:
            await works.perform(step, actor=SYSTEM, action="test")

        await perform(lambda work: upsert_store(work, details=ITALY))
        for order in [an_order(number, "a") for number in range(6)]:
            await perform(lambda work, order=order: upsert_order(work, order=order))
        await works.database.dispose()

    asyncio.run(story())
    counts = ask(url, row_counts)
    assert counts["orders"] == 6
    assert counts["customer_terms"] > counts["customers"] == 3
    return counts


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, postgres: PostgresServer) -> Iterator[str]:
    """Return the address of a database that no migration has seen."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/a 100% empty/new.sqlite3"
        return
    name = f"m_{uuid4().hex}"
    asyncio.run(postgres.create_database(name))
    yield postgres.url(name)
    asyncio.run(postgres.drop_database(name))


@pytest.fixture
def add_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that adds a migration to those that there are."""
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.scripts_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = migrations.newest_revision()

    def add(step: str) -> None:
        content = NEXT.format(down_revision=newest, step=step.format(is_sqlite=IS_SQLITE) if "{is" in step else step)
        (folder / "versions" / "next.py").write_text(content)
        monkeypatch.setattr(migrations, "scripts_folder", lambda: folder)
        monkeypatch.setattr(migrations, "newest_revision", lambda: "next")

    return add


def test_there_is_one_newest_migration() -> None:
    """Two branches that both added one are noticed; each file begins with its date."""
    scripts = ScriptDirectory(str(migrations.scripts_folder()))
    assert scripts.get_heads() == [migrations.newest_revision()]
    assert scripts.get_bases() == [scripts.get_base()]
    for path in (migrations.scripts_folder() / "versions").glob("*.py"):
        assert path.name[:8].isdigit()


def test_migrations_import_nothing_of_the_product() -> None:
    """A migration stays what it was when the code goes on; only env.py knows the models."""
    for path in (migrations.scripts_folder() / "versions").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"api", "schema", "domain", "tests", ""}, path.name


def test_an_empty_database_gets_what_the_models_say(empty_url: str) -> None:
    """Tables, columns, types, indexes and constraints are those of the models; a second run does nothing."""
    for _ in range(2):
        migrations.upgrade(empty_url)
        assert ask(empty_url, migrations.differences) == []
    assert set(ask(empty_url, row_counts)) == {*Base.metadata.tables, "alembic_version"}


def test_a_difference_is_noticed(database_url: str) -> None:
    """The comparison sees a missing index, another column, and a column of another type."""

    def differ(connection: Connection) -> list[object]:
        connection.execute(text("DROP INDEX ix_orders_number"))
        connection.execute(text("ALTER TABLE customers ADD COLUMN shoe_size INTEGER"))
        connection.execute(text("ALTER TABLE stores DROP COLUMN name"))
        connection.execute(text("ALTER TABLE stores ADD COLUMN name INTEGER"))
        return migrations.differences(connection)

    found = str(ask(database_url, differ))
    assert "ix_orders_number" in found
    assert "shoe_size" in found
    assert "modify_type" in found


@pytest.mark.parametrize("kind", ["sqlite"])
def test_every_table_of_sqlite_is_strict(database_url: str) -> None:
    """SQLite would otherwise put any text into any column."""
    rows = ask(database_url, lambda connection: connection.execute(text("PRAGMA table_list")).mappings().all())
    loose = {row["name"] for row in rows if not row["strict"] and not row["name"].startswith("sqlite_")}
    assert loose == {"alembic_version"}
    assert len(rows) > len(Base.metadata.tables)


def test_the_newest_migration_goes_back_and_forth(empty_url: str) -> None:
    """Up, down, up: the schema is the same again."""
    migrations.upgrade(empty_url)
    newest = ScriptDirectory(str(migrations.scripts_folder())).get_revision("head")
    assert newest is not None
    before = newest.down_revision or "base"
    assert isinstance(before, str)
    migrations.downgrade(empty_url, before)
    assert ask(empty_url, migrations.differences) != []
    migrations.upgrade(empty_url)
    assert ask(empty_url, migrations.differences) == []


def test_a_filled_database_survives_the_newest_migration(database_url: str) -> None:
    """Down and up again no row is lost that both know, and what is gathered or placed is as it was."""
    counts = fill(database_url)
    derived = (
        "SELECT id, canonical_id, email, version FROM customer_records ORDER BY id",
        "SELECT id, kind, customer_id, occurred_at FROM timeline_entries ORDER BY id",
        "SELECT customer_id, order_count, first_order_at, last_order_at FROM customer_spendings ORDER BY customer_id",
        "SELECT id, kind, value, verification, source, is_shared FROM customer_identities ORDER BY id",
    )

    def read(connection: Connection) -> list[list[tuple[object, ...]]]:
        return [[tuple(row) for row in connection.execute(text(statement))] for statement in derived]

    before = ask(database_url, read)
    assert [len(rows) for rows in before] == [3, 6, 3, counts["customer_identities"]]
    migrations.upgrade(database_url)
    assert ask(database_url, row_counts) == counts
    migrations.downgrade(database_url, "0001")
    migrations.upgrade(database_url)
    gone = {"customer_match_keys": 0}  # filled again as soon as something new is known of a customer
    assert ask(database_url, row_counts) == counts | gone
    assert ask(database_url, read) == before
    assert ask(database_url, migrations.differences) == []


def test_a_parent_is_changed_without_its_children(database_url: str, add_next: Callable[[str], None]) -> None:
    """SQLite copies a table to change it: the rows that refer to it stay, and so do indexes and constraints."""
    counts = fill(database_url)
    add_next(ADD_COLUMN)
    migrations.upgrade(database_url)
    assert ask(database_url, row_counts) == counts
    (difference,) = ask(database_url, migrations.differences)
    assert "shoe_size" in str(difference)
    migrations.downgrade(database_url, NEWEST)
    assert ask(database_url, row_counts) == counts
    assert ask(database_url, migrations.differences) == []


def test_a_failing_migration_leaves_nothing(database_url: str, add_next: Callable[[str], None]) -> None:
    """Neither its column, nor its table, nor its deletion stays; the next run starts from the same place."""
    counts = fill(database_url)
    add_next(FAIL_LATE)
    for _ in range(2):
        with pytest.raises(DBAPIError, match="nowhere"):
            migrations.upgrade(database_url)
        assert ask(database_url, row_counts) == counts
        assert ask(database_url, migrations.differences) == []
        assert ask(database_url, lambda c: c.scalar(text("SELECT version_num FROM alembic_version"))) == NEWEST


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(
    ("step", "message"),
    [
        (LOSE_ROWS, "lost rows of customer_terms"),
        (BREAK_KEYS, "foreign keys point nowhere"),
        (DIFFER, "differs from a new one.*ix_orders_number"),
    ],
)
def test_a_migration_that_spoils_data_is_taken_back(
    database_url: str, add_next: Callable[[str], None], step: str, message: str
) -> None:
    """Lost rows, broken references and a lost index are found before the commit."""
    counts = fill(database_url)
    add_next(step)
    with pytest.raises(MigrationFailed, match=message):
        migrations.upgrade(database_url)
    assert ask(database_url, row_counts) == counts
    assert ask(database_url, migrations.differences) == []


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_file_with_data_is_copied_first(database_url: str, add_next: Callable[[str], None]) -> None:
    """The copy is the file as it was, whole, the last one only; an empty file needs none."""
    path = Path(database_url.partition("///")[2])
    copy = path.with_name(f"{path.name}.before-migration")
    migrations.upgrade(database_url)
    assert not copy.exists()
    counts = fill(database_url)
    copy.write_text("an older copy")
    add_next(ADD_COLUMN)
    migrations.upgrade(database_url)
    assert ask(f"sqlite+aiosqlite:///{copy}", row_counts) == counts
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEWEST,)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_migrated_file_is_in_wal_mode(empty_url: str) -> None:
    """Readers and the writer do not wait for one another."""
    migrations.upgrade(empty_url)
    assert ask(empty_url, lambda connection: connection.scalar(text("PRAGMA journal_mode"))) == "wal"


def test_an_installation_without_migrations_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand beside the code in the checkout and inside the package in the wheel."""
    (tmp_path / "api").mkdir()
    monkeypatch.setattr(migrations, "__file__", str(tmp_path / "api" / "migrations.py"))
    with pytest.raises(MigrationFailed, match="missing from this installation"):
        migrations.scripts_folder()
    for folder in (tmp_path / "alembic", tmp_path / "api" / "alembic"):
        folder.mkdir()
        (folder / "env.py").touch()
        assert migrations.scripts_folder() == folder


def test_templates_of_the_tests_are_empty(databases: Databases, kind: str) -> None:
    """Every test starts from a migrated database without a row, but for the head of its log."""
    url = databases.new(kind)
    found = {name: count for name, count in ask(url, row_counts).items() if count}
    assert found == {"alembic_version": 1, "event_heads": 1}
    databases.drop(kind, url)
