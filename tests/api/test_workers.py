"""Several processes that serve on one port: all of them real."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api import cli
from api.background import STOP_S
from api.serving import SHUTDOWN_S
from api.settings import Settings
from api.workers import GRACE_S, UNFIT, Workers
from tests.api.sockets import SUBPROTOCOL
from tests.api.working import STARTS, fail
from tests.conftest import Client
from tests.orders.shop import order_input

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
FOLLOW = """subscription($after: Cursor) { events(after: $after, types: [OrderChanged]) {
  ... on OrderChanged { cursor order { number } } } }"""
ORDER = "mutation($input: OrderUpsertInput!) { orderUpsert(input: $input) { userErrors { code message } } }"


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds; machines that are busy take their time to start a process."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


class Parent:
    """The process that looks after the others, and what it logs."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        """Start it."""
        self._log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return what it said of one kind so far; the processes that it started write to the same log."""
        lines = [line for line in self._log.read_bytes().splitlines(keepends=True) if line.startswith(b"{")]
        said = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
        return [each for each in said if each["event"] == event]

    @property
    def started(self) -> list[int]:
        """Return every process that it ever started."""
        return [each["pid"] for each in self.logged("a worker is started")]

    def wait_for_started(self, count: int) -> list[int]:
        """Return the processes, as soon as so many were started."""
        wait_for(lambda: len(self.started) >= count or self.process.poll() is not None)
        assert self.process.poll() is None, self._log.read_text()
        return self.started

    def end(self) -> int:
        """Ask it to end; return the code with which it did."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for pid in [self.process.pid, *self.started]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()


def is_running(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Whoever has no parent any more may wait for a while until somebody takes note of its end.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@contextmanager
def working(name: str, folder: Path) -> Iterator[tuple[Parent, Callable[[], int]]]:
    """Yield two processes that do no more than to tell their number, and what asks one of them for it."""
    parent = Parent(["-c", f"from tests.api.working import main; main({name!r})"], folder / "log")
    try:
        assert parent.process.stdout is not None
        port = int(parent.process.stdout.readline())

        def ask() -> int:
            with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
                return int(connection.recv(100))

        yield parent, ask
    finally:
        parent.kill_all()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Let one process do nothing while the block lasts, so that the other one answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_one_that_is_killed_is_replaced_and_all_end_with_their_parent(tmp_path: Path) -> None:
    """Whichever answers; without the parent nobody would start one again, or could end it."""
    with working("answer", tmp_path) as (parent, ask):
        first, second = parent.wait_for_started(2)
        for busy, free in ((first, second), (second, first)):
            with frozen(busy):
                assert ask() == free
        os.kill(first, signal.SIGKILL)
        third = parent.wait_for_started(3)[-1]
        with frozen(second):
            assert ask() == third
        (ended,) = parent.logged("a worker has ended and is started again")
        assert (ended["pid"], ended["exit_code"]) == (first, -signal.SIGKILL)
        parent.process.kill()
        wait_for(lambda: not any(map(is_running, parent.started)))


def test_who_does_not_end_is_killed(tmp_path: Path) -> None:
    """After a while that they are given."""
    with working("answer_for_ever", tmp_path) as (parent, ask):
        pids = parent.wait_for_started(2)
        for busy, free in (pids, pids[::-1]):
            with frozen(busy):
                assert ask() == free  # it listens no more to signals
        assert parent.end() == 0
        assert {each["pid"] for each in parent.logged("a worker did not end and is killed")} == set(pids)
        assert not any(map(is_running, pids))


def test_what_fails_is_started_again_unless_nobody_could_serve_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ever slower; with settings that are wrong there is no use in trying again."""
    monkeypatch.setenv(STARTS, str(tmp_path / "starts"))
    with socket.create_server(("127.0.0.1", 0)) as listening, capture_logs() as said:
        assert Workers(fail, Settings(_env_file=None), listening, count=1).run() == UNFIT
    codes = [each["exit_code"] for each in said if each["event"] == "a worker has ended and is started again"]
    assert codes == [1]
    assert (tmp_path / "starts").read_bytes() == b".."


def test_requests_and_jobs_are_given_their_time() -> None:
    """Nobody is killed while they may still end by themselves."""
    assert GRACE_S > SHUTDOWN_S + STOP_S


@pytest.mark.parametrize("setting", [True, False])
def test_several_need_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, setting: bool) -> None:
    """A SQLite file takes one process that writes: what to do instead is said before anything is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPORTELLO_DATABASE_URL", "sqlite:///shop.sqlite3")
    if setting:
        monkeypatch.setenv("SPORTELLO_WORKERS", "3")
    result = CliRunner().invoke(cli.app, ["serve"] if setting else ["serve", "--workers", "3"], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert result.stderr.startswith("3 processes cannot serve a SQLite file")
    assert "SPORTELLO_DATABASE_URL" in result.stderr
    assert not Path("shop.sqlite3").exists()


@contextmanager
def served(client: Client, folder: Path) -> Iterator[tuple[Parent, str]]:
    """Yield two processes that serve the database of a client, and their address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    parent = Parent(
        ["-c", "from api.cli import main; main()", "serve", "--workers", "2", "--port", address.partition(":")[2]],
        folder / "log",
        SPORTELLO_DATABASE_URL=client.works.database.url.render_as_string(hide_password=False),
        SPORTELLO_LOG_FORMAT="json",
        SPORTELLO_EXPLORER="false",
    )
    try:
        wait_for(lambda: ready(parent) == 2 or parent.process.poll() is not None)
        yield parent, address
    finally:
        parent.kill_all()


def ready(parent: Parent) -> int:
    """Return how many servers came up."""
    return len(parent.logged("Application startup complete."))


@asynccontextmanager
async def following(address: str, client: Client, *, after: str) -> AsyncIterator[ClientConnection]:
    """Follow the orders behind a cursor."""
    url = f"ws://{address}/graphql"
    async with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None) as connection:
        payload: dict[str, Any] = {"Authorization": f"Bearer {client.key}"}
        await connection.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        assert orjson.loads(await connection.recv()) == {"type": "connection_ack"}
        payload = {"query": FOLLOW, "variables": {"after": after}}
        await connection.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode())
        yield connection


async def take(connection: ClientConnection, count: int) -> dict[str, str]:
    """Return the numbers of the next orders, each with its cursor."""
    said = [orjson.loads(await asyncio.wait_for(connection.recv(), PATIENCE_S)) for _ in range(count)]
    events = [each["payload"]["data"]["events"] for each in said]
    return {each["order"]["number"]: each["cursor"] for each in events}


async def send_orders(http: httpx.AsyncClient, *names: str) -> None:
    """Let the shop send orders."""
    for name in names:
        order = order_input(name, placedAt="2026-01-15T10:00:00Z")
        response = await http.post("/graphql", json={"query": ORDER, "variables": {"input": order}})
        assert response.json()["data"] == {"orderUpsert": {"userErrors": []}}


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_what_one_writes_who_follows_another_hears(client: Client, tmp_path: Path) -> None:
    """At once; and who followed one that was killed goes on at another, and misses nothing."""
    begin: str = (await client.ask("{ eventCursor }")).data["eventCursor"]
    headers = {"Authorization": f"Bearer {client.key}"}
    with served(client, tmp_path) as (parent, address):
        first, second = parent.wait_for_started(2)
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers, trust_env=False) as http:
            with frozen(first):
                assert (await http.get("/readyz")).status_code == 200  # this connection is the second one's
            with frozen(second):
                stream = following(address, client, after=begin)
                connection = await stream.__aenter__()
            await send_orders(http, "a", "b")
            heard = await take(connection, 2)
            os.kill(first, signal.SIGKILL)
            await send_orders(http, "c", "d")
            with suppress(ConnectionClosed):
                heard |= await take(connection, 2)
            await stream.__aexit__(None, None, None)
            assert list(heard) == ["a", "b"]
        await asyncio.to_thread(wait_for, lambda: ready(parent) == 3)
        with frozen(second):  # so that it is the new one
            stream = following(address, client, after=heard["b"])
            connection = await stream.__aenter__()
        assert list(await take(connection, 2)) == ["c", "d"]
        assert parent.end() == 0
        with suppress(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), PATIENCE_S)
        assert connection.close_code == 1012  # it is told to come back, and was not cut off
        await stream.__aexit__(None, None, None)
    assert not any(map(is_running, parent.started))
