"""The command `sportello`, as somebody at a terminal meets it."""

import asyncio
import json
import logging
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from typer.testing import CliRunner, Result

from api import cli, explorer, migrations
from api.lock import hold
from api.settings import Settings
from domain.base.identifiers import new_id
from schema.root import make_schema
from tests.conftest import DATA, Databases
from tests.postgres import PostgresServer

MOD50 = DATA / "online_retail_cust_mod50.csv.gz"
ROOT = Path(cli.__file__).parents[1]
START_SECONDS = 60


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder without any setting, and put logging back as it was."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SPORTELLO_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def run(*arguments: str, code: int = 0) -> Result:
    """Run a command that ends with this exit code."""
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == code, (result.output, result.exception)
    return result


def said(result: Result) -> str:
    """Return what a command told on standard error, which is a sentence and no traceback."""
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    return result.stderr.strip()


@contextmanager
def busy_port() -> Iterator[int]:
    """Yield a port that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def test_migrate_makes_the_database() -> None:
    """The file is made with its folder; a second run finds nothing to do."""
    for _ in range(2):
        assert said(run("migrate")) == f"The database is at revision {migrations.newest_revision()}."
    assert Path("var/sportello.sqlite3").exists()
    assert not Path("var/sportello.sqlite3.before-migration").exists()


def test_a_key_is_printed_alone_and_works_once_made() -> None:
    """Standard output holds the key and nothing else, so that it can be piped into a file."""
    key = run("keys", "create", "Shop", "--permission", "stores:read", "--permission", "orders:read").stdout
    assert key.startswith("sk_")
    assert len(key.splitlines()) == 1
    assert key != run("keys", "create", "Shop").stdout
    assert key.strip().encode() not in b"".join(path.read_bytes() for path in Path("var").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["Shop", "--permission", "everything"],
            "There is no permission 'everything'; there are attributes:restricted",
        ),
        (["  "], "must not be blank"),
        (["a\x1bb"], "Control characters"),
        (["x" * 201], "At most 200 characters"),
    ],
)
def test_a_key_that_cannot_be_is_refused(arguments: list[str], message: str) -> None:
    """One sentence says why."""
    assert message in said(run("keys", "create", *arguments, code=2))


def test_keys_are_listed_and_revoked() -> None:
    """The list shows what tells keys apart, never a secret; a revoked one says so, an unknown one is refused."""
    secret = run("keys", "create", "Shop", "--permission", "stores:read").stdout.strip()
    (line,) = run("keys", "list").stdout.splitlines()
    key_id = line.split()[0]
    assert secret[:11] in line
    assert secret[11:] not in line
    assert "Shop" in line
    assert "stores:read" in line
    assert said(run("keys", "revoke", key_id)) == "The key is revoked."
    assert "revoked" in run("keys", "list").stdout
    assert said(run("keys", "revoke", str(new_id()), code=2)) == "There is no API key with this id."
    run("keys", "revoke", "nonsense", code=2)


def test_the_schema_is_printed() -> None:
    """It is the public one, ready to be piped into a file."""
    assert run("schema").stdout == make_schema().as_str() + "\n"


def test_the_doctor_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each problem is a line with what to do about it; without any the exit code is 0."""
    monkeypatch.setattr(explorer, "_BUILT", tmp_path / "nowhere")
    Path("var").mkdir()
    problems = said(run("doctor", code=1))
    assert "problem: the explorer is not built: make explorer" in problems
    assert "run sportello migrate" in problems
    run("migrate")
    assert "run sportello migrate" not in said(run("doctor", code=1))
    monkeypatch.setenv("SPORTELLO_EXPLORER", "false")
    assert "All is well." in said(run("doctor"))


def test_the_doctor_knows_the_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version with the bug in WAL mode is a note, as the product avoids what sets it off."""
    run("migrate")
    monkeypatch.setenv("SPORTELLO_EXPLORER", "false")
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 40, 1))
    assert "note: SQLite" in said(run("doctor"))
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 3))
    assert "note:" not in said(run("doctor"))


def test_ranking_works_from_the_first_day() -> None:
    """Without a database, and without a customer, there is nobody to rank, and that is no error."""
    for _ in range(2):
        run("rank")
    assert Path("var/sportello.sqlite3").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("DATABASE_URL", "mysql://a/b"), ("CURRENCY", "EURO"), ("LOG_FORMAT", "xml")]
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The command ends with the variable and what was wrong with it."""
    monkeypatch.setenv(f"SPORTELLO_{name}", value)
    (line,) = said(run("migrate", code=2)).splitlines()
    assert line.startswith(f"SPORTELLO_{name}: ")


def test_a_busy_port_is_told() -> None:
    """Before anything is migrated or imported, one sentence says which port is taken and how to take another."""
    with busy_port() as port:
        for command in (["serve"], ["demo", str(MOD50), "--folder", "var"]):
            message = said(run(*command, "--port", str(port), code=2))
            assert message.startswith(f"Port {port} of 127.0.0.1 cannot be used")
            assert "--port" in message
    assert not Path("var/sportello.sqlite3").exists()
    assert not Path("var/demo.json").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["rank"],
        ["keys", "create", "Shop"],
        ["serve"],
        ["import", "orders", str(MOD50), "--format", "jsonl"],
    ],
)
def test_what_writes_waits_for_nobody(command: list[str]) -> None:
    """Beside a process that writes to the file, a command that writes names it and ends."""
    with hold(Path("var/sportello.sqlite3")):
        assert said(run(*command, code=2)).startswith(f"Process {os.getpid()} writes to var/sportello.sqlite3.")


def test_a_database_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file, a folder in its place and a server that is gone end in one sentence each."""
    Path("broken.sqlite3").write_bytes(b"This is no database. " * 100)
    Path("folder.sqlite3").mkdir()
    for url in (
        "sqlite:///broken.sqlite3",
        "sqlite:///folder.sqlite3",
        "postgresql://nobody@127.0.0.1:1/nothing",
    ):
        monkeypatch.setenv("SPORTELLO_DATABASE_URL", url)
        (line,) = said(run("migrate", code=2)).splitlines()
        assert line.startswith("The database cannot be used: ")


def test_the_commands_work_on_postgresql(monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer) -> None:
    """Migrating, making a key, ranking and the doctor need nothing else there, and no lock."""
    asyncio.run(postgres.create_database("commands"))
    monkeypatch.setenv("SPORTELLO_DATABASE_URL", postgres.url("commands"))
    monkeypatch.setenv("SPORTELLO_EXPLORER", "false")
    assert "sportello migrate" in said(run("doctor", code=1))
    run("migrate")
    assert run("keys", "create", "Shop").stdout.startswith("sk_")
    run("rank")
    assert "All is well." in said(run("doctor"))
    assert not list(Path().iterdir())
    asyncio.run(postgres.drop_database("commands"))


def dump(path: str) -> list[str]:
    """Return everything that a database file holds, as statements."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_the_demo_is_made_once() -> None:
    """A second run adds nothing and keeps the key; the details are for this user's eyes and scripts."""
    first = said(run("demo", str(MOD50), "--prepare-only"))
    details = json.loads(Path("var/demo.json").read_text())
    assert details["url"] == "http://127.0.0.1:8000"
    assert details["apiKey"].startswith("sk_")
    assert set(details) == {"url", "apiKey", "password"}
    assert details["password"] in first
    logins = ["admin", "supervisor", "agent", "partner-agent", "analyst"]
    assert [login for login in logins if f"{login}@demo.example" not in first] == []
    assert "clara.whitfield@giftbarn.example" in first
    assert stat.S_IMODE(Path("var/demo.json").stat().st_mode) == 0o600
    assert details["apiKey"] in first
    assert "curl" in first
    assert "done." in first
    assert "Invented for you to try: Clara Whitfield" in first
    Path("var/demo.json").chmod(0o644)
    before = dump("var/demo.sqlite3")
    second = said(run("demo", str(MOD50), "--prepare-only", "--port", "8123"))
    assert "went in already" in second
    assert "Invented for you to try: Clara Whitfield" in second
    assert dump("var/demo.sqlite3") == before
    again = json.loads(Path("var/demo.json").read_text())
    assert again == {**details, "url": "http://127.0.0.1:8123"}
    assert stat.S_IMODE(Path("var/demo.json").stat().st_mode) == 0o600


def test_a_member_of_staff_is_let_in_from_the_command_line() -> None:
    """The password comes from standard input, never as an argument; what is refused is told and makes nobody."""
    create = ["staff", "create", "ada@shop.example", "--name", "Ada Byron"]

    def given(password: str, *more: str) -> Result:
        return CliRunner().invoke(cli.app, [*create, *more], input=f"{password}\n", env={"COLUMNS": "200"})

    assert "at least 12 characters" in said(given("too short"))
    assert "no store with the code 'fr'" in said(given("correct horse battery", "--store", "fr"))
    assert said(given("correct horse battery")) == "ada@shop.example signs in as ADMIN."
    taken = given("correct horse battery", "--role", "agent")
    assert (taken.exit_code, said(taken)) == (
        2,
        "Another member of staff has this e-mail address; change that one instead.",
    )
    with closing(sqlite3.connect("var/sportello.sqlite3")) as connection:
        ((role, kept),) = connection.execute("SELECT role, password_hash FROM staff_members").fetchall()
    assert (role, kept[:9]) == ("ADMIN", "$argon2id")


def test_a_key_can_expire() -> None:
    """The list says when; an instant that has passed is refused."""
    run("keys", "create", "Shop", "--permission", "stores:read", "--expires", "2999-01-01")
    assert "expires 2999-01-01 00:00" in run("keys", "list").stdout
    assert "expired already" in said(run("keys", "create", "Shop", "--expires", "2001-01-01", code=2))


def test_a_demo_without_its_data_is_told() -> None:
    """A missing or broken file is refused before anything is made, and a broken demo.json is made anew."""
    Path("broken.csv.gz").write_bytes(MOD50.read_bytes()[:1_000])
    for name in ("missing.csv.gz", "broken.csv.gz"):
        assert name in said(run("demo", name, "--prepare-only", code=1))
    assert not Path("var/demo.json").exists()


def wait_until_ready(process: subprocess.Popen[str], url: str) -> None:
    """Return when the server answers that it is ready."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(process.communicate()[1])


def test_a_server_runs_beside_readers_only(tmp_path: Path) -> None:
    """While a server runs, what reads works and what writes names it; killed, it leaves the file to the next one."""
    with busy_port() as port:  # a free one, as soon as nobody listens on it any more
        pass
    environment = {**os.environ, "SPORTELLO_EXPLORER": "false", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}")
            assert "All is well." in CliRunner().invoke(cli.app, ["doctor"], env={"SPORTELLO_EXPLORER": "0"}).stderr
            assert said(run("keys", "create", "Shop", code=2)).startswith(f"Process {process.pid} writes to ")
            answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ viewer { kind } }"})
            assert answer.json()["data"] == {"viewer": {"kind": "ANONYMOUS"}}
        finally:
            process.kill()
            process.communicate()
    assert run("keys", "create", "Shop").stdout.startswith("sk_")


def test_a_server_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """The signal of every process manager ends it in good order: the log is one line an event."""
    with busy_port() as port:
        pass
    environment = {**os.environ, "SPORTELLO_LOG_FORMAT": "json", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}")
            httpx.post(f"http://127.0.0.1:{port}/graphql", content=b"x\r\nforged", headers={"X-Request-Id": "r1"})
            process.terminate()
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode in (0, -15)
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    assert [(line["status"], line["request_id"]) for line in lines if line["event"] == "request"] == [(415, "r1")]


def test_a_database_of_the_tests_is_like_any_other(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the suite runs on is what `migrate` makes."""
    monkeypatch.setenv("SPORTELLO_EXPLORER", "false")
    for kind in ("sqlite", "postgresql"):
        url = databases.new(kind)
        monkeypatch.setenv("SPORTELLO_DATABASE_URL", url)
        assert "All is well." in said(run("doctor"))
        databases.drop(kind, url)
