"""Where the product's time goes: its server once more, looked at from outside by py-spy while it is under load."""

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers import load
from benchmarks.peers.servers import COMMANDS, Started

CONNECTIONS = 16
SECONDS = 6
LOOKS_A_SECOND = 500
MARGIN_S = 1
"""The load begins before somebody looks, and ends after it."""

REST = "what is left: Python itself"
LOOP = "the event loop and the system: reading, writing"
PARTS = (
    ("schema/base/execution/", "the engine: levels, relations, plans looked up"),
    ("<projection>", "shaping rows into the answer"),
    ("schema/base/connections.py", "connections and their pages"),
    ("schema/base/cost.py", "cost and budgets"),
    ("schema/base/budgets.py", "cost and budgets"),
    ("schema/base/context.py", "the request's context, and who read whose data"),
    ("schema/", "the functions of the schema: objects made of rows, computed fields"),
    ("domain/base/statements.py", "the seam: parameters, statements kept, columns read"),
    ("domain/base/lanes.py", "connections taken, begun and given back"),
    ("domain/base/writing.py", "the seam for writes"),
    ("domain/", "the domain: repositories, rules, actions"),
    ("api/access.py", "recognising who asks"),
    ("api/operations.py", "the document looked up, limits"),
    ("api/", "HTTP: headers, body, JSON"),
    ("(protocol.c)", "asyncpg: statements sent, rows decoded"),
    ("(pgproto.c)", "asyncpg: statements sent, rows decoded"),
    ("(recordobj.c)", "asyncpg: statements sent, rows decoded"),
    ("asyncpg/", "asyncpg: statements sent, rows decoded"),
    ("sqlalchemy/", "SQLAlchemy"),
    ("graphql/", "graphql-core and Strawberry"),
    ("strawberry/", "graphql-core and Strawberry"),
    ("uvicorn/", "uvicorn"),
    ("structlog/", "logging"),
    ("asyncio/runners.py", LOOP),
    ("uvloop/", LOOP),
)
"""By what a frame's file is called, the first that fits: how it is called on the page; C is told of its caller."""

Shares = Mapping[str, float]


def shares(started: Started, folder: Path, scripts: Mapping[str, Path]) -> dict[str, Shares]:
    """Return for each operation which part of the server's time was spent where."""
    found: dict[str, Shares] = {}
    for operation, script in scripts.items():
        place = folder / f"{operation}.samples"
        command = [str(COMMANDS / "py-spy"), "record", "--native", "--format", "raw", "--rate", str(LOOKS_A_SECOND)]
        command += ["--pid", str(started.running.process.pid), "--output", str(place)]
        command += ["--duration", str(SECONDS - 2 * MARGIN_S)]
        delayed = ["sh", "-c", f'sleep {MARGIN_S}; exec "$@"', "look", *command]
        with subprocess.Popen(delayed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as looking:  # noqa: S603
            run = f"sampled-{operation}"
            load.run(started.running, script, connections=CONNECTIONS, seconds=SECONDS, name=run, is_checked=False)
            _, said = looking.communicate()
        seen = _seen(place)
        total = sum(seen.values())
        if not total:
            message = f"{operation}: nothing was seen of the server under load: {said}"
            raise RuntimeError(message)
        found[operation] = {part: count / total for part, count in seen.items()}
    return found


def _seen(place: Path) -> Counter[str]:
    """Return how often each part was seen at work."""
    seen: Counter[str] = Counter()
    for line in place.read_text(encoding="utf-8").splitlines() if place.exists() else ():
        stack, _, count = line.rpartition(" ")
        seen[part_of(stack.split(";"))] += int(count)
    return seen


def part_of(frames: Sequence[str]) -> str:
    """Return the part that a stack belongs to: that of the innermost frame that has one."""
    for frame in reversed(frames):
        place = frame.rpartition(" (")[2]
        for mark, part in PARTS:
            if mark.strip("()") in place:
                return part
    return REST
