"""A demo of its own for the browser: the real command, on a free port, gone afterwards."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import DATA

COMMAND = Path(sys.executable).with_name("sportello")
ORDERS = DATA / "online_retail_cust_mod50.csv.gz"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a running demo with the orders of every fiftieth customer."""
    folder = tmp_path_factory.mktemp("demo")
    url = f"http://127.0.0.1:{_free_port()}"
    log = folder / "output.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [COMMAND, "demo", ORDERS, "--port", url.rpartition(":")[2], "--folder", folder / "var"],
            cwd=folder,  # without the settings of whoever runs the tests
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, url, log)
        yield url
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the demo did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
