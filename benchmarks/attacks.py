"""What a well-behaved client notices while somebody attacks: its p99 before and meanwhile, over a real server."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from benchmarks.databases import Place
from tests.clients.conftest import free_port, stop, wait_until_ready
from tests.hostile import DOCUMENTS

ATTACKERS = 4
REQUESTS = 500
ROUNDS = 3
SETTLING_S = 1.0
PAUSE_S = 0.002
"""Between two requests of the well-behaved client: it is no attack itself."""

ALLOWED_RATIO = 3
ATTACKS = (
    "5,000 equal fields",
    "3,000 unknown fields",
    "a chain of 60 fragments",
    "100 kB of comments",
    "100 sign-ins",
)
QUERY = {"query": "{ customers(first: 50) { totalCount nodes { id displayName value { decile } } } }"}
COMMAND = Path(sys.executable).with_name("sportello")


def measure(place: Place, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the p99 of the client alone and during each attack."""
    if not hasattr(os, "sched_setaffinity"):
        message = "processes are kept on cores of their own by Linux only: run this part there"
        raise RuntimeError(message)
    allowed = os.sched_getaffinity(0)
    try:
        _stay_on(0, min(allowed))
        with place.migrated("sqlite") as url, _serving(url.replace("+aiosqlite", ""), place.folder) as (address, key):
            return asyncio.run(_measure(address, key, max(allowed), tell))
    finally:
        os.sched_setaffinity(0, allowed)


def _stay_on(process_id: int, core: int) -> None:
    """Keep a process, and those that it starts, on one core.

    Client and server take turns on one, the attacker has another: it stands for a machine of its own.
    """
    os.sched_setaffinity(process_id, {core})


@contextmanager
def _serving(database_url: str, folder: Path) -> Iterator[tuple[str, str]]:
    environment = os.environ | {"SPORTELLO_DATABASE_URL": database_url, "SPORTELLO_LOG_LEVEL": "warning"}
    key = subprocess.run(  # noqa: S603
        [COMMAND, "keys", "create", "Benchmark"],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    port, log = free_port(), folder / "server.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [COMMAND, "serve", "--port", str(port)], env=environment, cwd=folder, stdout=output, stderr=output
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}", key
    finally:
        stop(process)


async def _measure(address: str, key: str, attackers_core: int, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    bodies = {name: _document(DOCUMENTS[name][0]) for name in ATTACKS}
    bodies |= {"bodies of 1 MB": b" " * 1_000_000, "nested JSON": b"[" * 200_000}
    results = []
    async with httpx.AsyncClient(base_url=address, headers=headers) as client:
        await _p99(client)
        for name, body in bodies.items():
            tell(f"attack: {name}")
            before, meanwhile = await _compare(client, address, body, attackers_core)
            ratio = meanwhile / before
            row = {"attack": name, "p99_ms": round(before, 1), "p99_ms_attacked": round(meanwhile, 1)}
            results.append(row | {"ratio": round(ratio, 2), "is_well": ratio < ALLOWED_RATIO})
    return results


async def _compare(client: httpx.AsyncClient, address: str, body: bytes, core: int) -> tuple[float, float]:
    """Return the p99 alone and during an attack: medians, taken in turns, so that both meet the same noise."""
    alone, attacked = [], []
    for _ in range(ROUNDS):
        alone.append(await _p99(client))
        with _attacking(address, body, core):
            await asyncio.sleep(SETTLING_S)
            attacked.append(await _p99(client))
    return statistics.median(alone), statistics.median(attacked)


def _document(text: str) -> bytes:
    return httpx.Request("POST", "http://x", json={"query": text}).read()


async def _p99(client: httpx.AsyncClient) -> float:
    times = []
    for _ in range(REQUESTS):
        start = time.perf_counter()
        response = await client.post("/graphql", json=QUERY)
        times.append(1_000 * (time.perf_counter() - start))
        if "data" not in response.json():
            message = f"the well-behaved client was refused: {response.text[:300]}"
            raise RuntimeError(message)
        await asyncio.sleep(PAUSE_S)
    return sorted(times)[int(0.99 * REQUESTS)]


@contextmanager
def _attacking(address: str, body: bytes, core: int) -> Iterator[None]:
    """Attack from a process of its own, so that the client is slowed down by the server only."""
    command = [sys.executable, "-m", "benchmarks.attacks", address]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603
        _stay_on(process.pid, core)
        assert process.stdin is not None  # noqa: S101
        process.stdin.write(body)
        process.stdin.close()
        try:
            yield
        finally:
            process.kill()


async def attack(address: str, body: bytes) -> None:
    """Send the same body over several connections until somebody ends the process."""
    await asyncio.gather(*(_attack(address, body) for _ in range(ATTACKERS)))


async def _attack(address: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=address, headers={"Content-Type": "application/json"}) as client:
        while True:
            with suppress(httpx.HTTPError):  # the server ends connections whose bodies are too long
                await client.post("/graphql", content=body)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], sys.stdin.buffer.read()))
