"""A server of its own for real clients: the real command, on a free port, gone afterwards."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COMMAND = Path(sys.executable).with_name("sportello")
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a running server on an empty database."""
    folder = tmp_path_factory.mktemp("server")
    url = f"http://127.0.0.1:{free_port()}"
    log = folder / "output.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [COMMAND, "serve", "--port", url.rpartition(":")[2]],
            cwd=folder,  # without the settings of whoever runs the tests
            env=environment | {"SPORTELLO_DATABASE_URL": f"sqlite:///{folder / 's.sqlite3'}"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(process, url, log)
        yield url
    finally:
        stop(process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the server answers; fail with what it printed where it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, by force where it does not go."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
