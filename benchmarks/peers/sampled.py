"""The product's server, looked at each millisecond of processor time: in which part of it the time goes.

    python -m benchmarks.peers.sampled FILE serve --port 8200

is `sportello serve --port 8200`; at each SIGUSR1 it writes into the file what was seen since the last one. What the
drivers and the loop do in C is told of the function of Python that called them.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from api.cli import main
from schema.base.execution.projections import PROJECTION

EVERY_S = 0.001
REST = "what is left: Python's own library, start and end of a request"
PARTS = (
    (PROJECTION, "shaping rows into the answer"),
    ("/schema/base/execution/", "the engine: levels, relations, plans looked up"),
    ("/schema/base/connections.py", "connections and their pages"),
    ("/schema/base/cost.py", "cost and budgets"),
    ("/schema/base/budgets.py", "cost and budgets"),
    ("/schema/base/context.py", "the request's context, and who read whose data"),
    ("/schema/", "the functions of the schema: objects made of rows, computed fields"),
    ("/domain/base/statements.py", "the seam: parameters, statements kept, columns read"),
    ("/domain/base/lanes.py", "connections taken, begun and given back"),
    ("/domain/", "the domain: repositories, rules, actions"),
    ("/api/access.py", "recognising who asks"),
    ("/api/operations.py", "the document looked up, limits"),
    ("/api/", "HTTP: headers, body, JSON"),
    ("/asyncpg/", "asyncpg: statements sent"),
    ("/sqlalchemy/", "SQLAlchemy"),
    ("/greenlet", "SQLAlchemy"),
    ("/graphql/", "graphql-core and Strawberry"),
    ("/strawberry/", "graphql-core and Strawberry"),
    ("/uvicorn/", "uvicorn"),
    ("/structlog/", "logging"),
    ("/asyncio/runners.py", "the event loop, and asyncpg reading rows in C"),
    ("/uvloop/", "the event loop, and asyncpg reading rows in C"),
)
"""By what the name of a file holds, the first that fits: how it is called on the page."""

_known: dict[str, str | None] = {}


def part_of(frame: FrameType | None) -> str:
    """Return the part that a frame belongs to: its own, else that of who called it."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name not in _known:
            _known[name] = next((part for mark, part in PARTS if mark in name), None)
        if found := _known[name]:
            return found
        frame = frame.f_back
    return REST


def sample(place: Path) -> None:
    """Look at what runs from now on."""
    seen: Counter[str] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        seen[part_of(frame)] += 1

    def tell(_signal: int, _frame: FrameType | None) -> None:
        fresh = place.with_suffix(".new")
        fresh.write_text(json.dumps(seen), encoding="utf-8")
        fresh.replace(place)
        seen.clear()

    signal.signal(signal.SIGPROF, look)
    signal.signal(signal.SIGUSR1, tell)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)


if __name__ == "__main__":
    sample(Path(sys.argv.pop(1)))
    main()
