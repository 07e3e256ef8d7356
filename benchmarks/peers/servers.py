"""The servers that are compared: how each is started and asked."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.databases import sqlite_path
from benchmarks.peers import processes
from benchmarks.peers.documents import OPERATIONS, PLAIN, POSTGRAPHILE, PRODUCT, Dialect
from benchmarks.peers.processes import Running

HERE = Path(__file__).parent
COMMANDS = Path(sys.executable).parent
PRODUCT_NAME, LIMIT_NAME, JOINED_NAME = "sportello", "limit", "joined"
LIMIT_NAMES = (LIMIT_NAME, JOINED_NAME)
"""Of these the faster one is the limit."""

PRODUCT_SETTINGS = {
    # One caller asks as fast as it can, which is what budgets are there to prevent. All else is as it comes.
    "SPORTELLO_COST_BUDGET": "1000000000000",
    "SPORTELLO_COST_RESTORE_RATE": "1000000000",
    "SPORTELLO_LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class Kind:
    """A server that can be compared."""

    name: str
    title: str
    dialect: Dialect
    module: str = ""
    """Of an ASGI app in Python."""

    script: str = ""
    """Of a server on Node."""

    operations: tuple[str, ...] = OPERATIONS


KINDS = {
    kind.name: kind
    for kind in (
        Kind(LIMIT_NAME, "the limit: bare ASGI, asyncpg, a statement for each level", PLAIN, module="limit"),
        Kind(JOINED_NAME, "the limit with fewer statements", PLAIN, module="joined", operations=("Q2", "Q3")),
        Kind(PRODUCT_NAME, "Sportello, with authentication, policies and limits", PRODUCT),
        Kind("postgraphile", "PostGraphile, Amber preset", POSTGRAPHILE, script="postgraphile.mjs"),
        Kind("mercurius", "Mercurius with JIT on Fastify", PLAIN, script="mercurius.mjs"),
        Kind("yoga", "GraphQL Yoga with DataLoaders", PLAIN, script="yoga.mjs"),
        Kind("strawberry", "Strawberry as it comes: SQLAlchemy's ORM, DataLoaders", PLAIN, module="default_strawberry"),
    )
}
SQLITE_LIMIT = Kind(LIMIT_NAME, "the limit on SQLite: bare ASGI, sqlite3", PLAIN, module="limit_sqlite")


def kinds_for(database: str, names: Sequence[str]) -> list[Kind]:
    """Return the servers of these names that know the database, the limit before all."""
    limit = KINDS[LIMIT_NAME] if database == "postgresql" else SQLITE_LIMIT
    others = [KINDS[name] for name in names if name != LIMIT_NAME]
    return [limit, *(kind for kind in others if database == "postgresql" or kind.name == PRODUCT_NAME)]


@dataclass(frozen=True)
class Started:
    """A running server and how it is asked."""

    kind: Kind
    running: Running
    headers: Mapping[str, str]


def start(kind: Kind, url: str, *, port: int, folder: Path) -> Started:
    """Start a server on a database that is filled."""
    environment, headers = _environment(url, port), {}
    if kind.name == PRODUCT_NAME:
        environment |= PRODUCT_SETTINGS | {"SPORTELLO_DATABASE_URL": plain(url)}
        headers = {"Authorization": f"Bearer {_create_key(environment, folder)}"}
    running = processes.start(kind.name, _command(kind, port), environment, port=port, folder=folder)
    return Started(kind, running, headers)


def _command(kind: Kind, port: int) -> Sequence[str]:
    if kind.name == PRODUCT_NAME:
        return [str(COMMANDS / "sportello"), "serve", "--port", str(port)]
    if kind.script:
        return [node(), str(HERE / "node" / kind.script)]
    app = f"benchmarks.peers.{kind.module}:app"
    options = ["--port", str(port), "--log-level", "warning", "--no-access-log", "--lifespan", "on"]
    return [str(COMMANDS / "uvicorn"), app, *options, "--loop", "uvloop", "--http", "httptools"]


def _environment(url: str, port: int) -> dict[str, str]:
    """Return where the database is, in the words of each driver."""
    if url.startswith("sqlite"):
        return {"PEERS_DSN": str(sqlite_path(url)), "PORT": str(port)}
    parsed = make_url(url)
    place = {"PGHOST": parsed.host or str(parsed.query.get("host", "")), "PGUSER": parsed.username or "postgres"}
    place |= {"PGPORT": str(parsed.port or parsed.query.get("port", "5432")), "PGDATABASE": parsed.database or ""}
    return {"PEERS_DSN": url, "PORT": str(port), "NODE_ENV": "production"} | place


def plain(url: str) -> str:
    """Return an address as the product's settings take it, without the driver."""
    return url.replace("+asyncpg", "").replace("+aiosqlite", "")


def _create_key(environment: Mapping[str, str], folder: Path) -> str:
    """Return an API key of the product with every permission."""
    command = [str(COMMANDS / "sportello"), "keys", "create", "Benchmark"]
    made = subprocess.run(  # noqa: S603
        command, env=os.environ | environment, cwd=folder, check=True, capture_output=True, text=True
    )
    return made.stdout.strip().splitlines()[-1]


def node() -> str:
    """Return the Node that the lock file names for this machine."""
    found = next(HERE.glob("node_modules/node-*/bin/node"), None)
    if found is None:
        message = "Node and the packages are missing: run `npm ci` in benchmarks/peers, on Linux"
        raise RuntimeError(message)
    return str(found)
