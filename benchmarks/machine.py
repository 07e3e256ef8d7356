"""What a figure was measured on: without it no figure means anything."""

import asyncio
import os
import platform
import sqlite3
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from tests.postgres import PostgresServer


def describe(server: PostgresServer) -> dict[str, str]:
    """Return the machine and the versions of everything that the figures depend on."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": f"{sqlite3.sqlite_version}, WAL, synchronous=FULL",
        "PostgreSQL": asyncio.run(_postgresql(server)),
    }


def _processor() -> str:
    """Return the processor's name; where the system does not tell, its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


async def _postgresql(server: PostgresServer) -> str:
    """Return version and the settings that make it faster than one that must survive a power cut."""
    connection = await asyncpg.connect(**connect_arguments(server.url("postgres")))
    try:
        version = await connection.fetchval("SHOW server_version")
        durability = {name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")}
    finally:
        await connection.close()
    return f"{version}, " + ", ".join(f"{name}={value}" for name, value in durability.items())


def connect_arguments(url: str) -> dict[str, object]:
    """Return what the bare driver needs to connect to the address."""
    parsed = make_url(url)
    _, arguments = parsed.get_dialect()().create_connect_args(parsed)
    return dict(arguments)
