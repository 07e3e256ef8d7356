"""`docs/performance.md`, written from what was measured."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.peers import load, servers
from benchmarks.peers.data import CREDIT_NOTES_EACH, ORDERS_EACH
from benchmarks.peers.documents import TITLES
from benchmarks.peers.servers import KINDS, LIMIT_NAME, LIMIT_NAMES, PRODUCT_NAME

TEMPLATE = Path(__file__).with_name("page.md")
AIMS = {"Q1": 0.6, "Q2": 0.9, "Q3": 0.9, "Q4": 0.9, "M1": 0.9}
"""Shares of the limit; T0 is reported only."""

SHOWN_CONNECTIONS = 16
PYTHON_PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "SQLAlchemy", "asyncpg", "orjson")
NODE_PACKAGES = ("postgraphile", "mercurius", "fastify", "graphql-yoga", "dataloader", "graphql", "pg")

Figures = Sequence[dict[str, Any]]


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of what these servers are made of."""
    found = {"Python packages": ", ".join(f"{name} {version(name)}" for name in PYTHON_PACKAGES)}
    if any(KINDS[name].script for name in names):
        node = subprocess.run([servers.node(), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        packages = (servers.HERE / "node_modules" / name / "package.json" for name in NODE_PACKAGES)
        told = [json.loads(path.read_text(encoding="utf-8")) for path in packages]
        found["Node"] = node.stdout.strip().removeprefix("v")
        found["Node packages"] = ", ".join(f"{each['name']} {each['version']}" for each in told)
    wrk = subprocess.run([load.require_wrk(), "-v"], capture_output=True, text=True, check=False)  # noqa: S603
    found["wrk"] = " ".join((wrk.stdout or wrk.stderr).split()[1:2])
    return found


def write(path: Path, figures: Figures, machine: dict[str, str], **told: int) -> None:
    """Write the page; `told` is how it was measured: customers, repetitions, seconds."""
    customers = told["customers"]
    by_database = {
        database: [row for row in figures if row["database"] == database] for database in ("postgresql", "sqlite")
    }
    content = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=table([("", ""), *machine.items()]),
        summary=_summary(by_database["postgresql"]),
        aims=_aims(by_database["postgresql"]),
        shortfalls=_shortfalls(by_database["postgresql"]),
        customers=f"{customers:,}",
        orders=f"{customers * ORDERS_EACH:,}",
        notes=f"{int(customers * CREDIT_NOTES_EACH):,}",
        operations=table([("", "Operation"), *((f"**{name}**", title) for name, title in TITLES.items())]),
        postgresql=_sections(by_database["postgresql"]),
        sqlite=_sections(by_database["sqlite"]),
        profile=_profile(by_database["postgresql"]),
        repetitions=told["repetitions"],
        seconds=told["seconds"],
    )
    path.write_text(content, encoding="utf-8")


def _sections(rows: Figures) -> str:
    """Return a table for each operation."""
    sections = []
    for operation in dict.fromkeys(row["operation"] for row in rows):
        of_operation = [row for row in rows if row["operation"] == operation]
        connections = list(dict.fromkeys(row["connections"] for row in of_operation))
        head = ["Server", *(f"{each} connection{'s' * (each > 1)}: a second, p50 / p99 ms" for each in connections)]
        head += ["Server CPU µs", "Database CPU µs", "Memory MiB", "Errors"]
        lines: list[Sequence[str]] = [head]
        for name in dict.fromkeys(row["server"] for row in of_operation):
            found = {row["connections"]: row for row in of_operation if row["server"] == name}
            shown = found.get(SHOWN_CONNECTIONS) or next(iter(found.values()))
            line = [name, *(_rate(found[each]) for each in connections)]
            line += [f"{shown['server_us']:,}", f"{shown['database_us']:,}"]
            last = list(found.values())[-1]
            lines.append([*line, f"{last['peak_mib']:,}", str(sum(row["errors"] for row in found.values()))])
        sections.append(f"### {operation}: {TITLES[operation]}\n\n{table(lines)}")
    return "\n\n".join(sections)


def _rate(row: dict[str, Any]) -> str:
    return f"{row['per_second']:,.0f} ({row['ratio']:.2f}), {row['p50_ms']:,.1f} / {row['p99_ms']:,.1f}"


def _summary(rows: Figures) -> str:
    shown = [row for row in rows if row["connections"] == SHOWN_CONNECTIONS]
    operations = list(dict.fromkeys(row["operation"] for row in shown))
    lines: list[Sequence[str]] = [["Server", *operations]]
    measured = {row["server"] for row in shown}
    for name in (name for name in KINDS if name in measured):
        found = {row["operation"]: row for row in shown if row["server"] == name}
        cells = (
            f"{found[each]['per_second']:,.0f} ({found[each]['ratio']:.2f})" if each in found else ""
            for each in operations
        )
        lines.append([f"**{name}**" if name == PRODUCT_NAME else name, *cells])
    return table(lines)


def _aims(rows: Figures) -> str:
    head = ["Operation", "Aim", "Share of the limit", "… of one statement for each level"]
    lines: list[Sequence[str]] = [[*head, "The fastest other server", "Times as fast as that"]]
    for operation, aim in AIMS.items():
        own, best = _own_and_best(rows, operation)
        by_levels = _found(rows, operation, LIMIT_NAME)
        times = [f"{own['per_second'] / max(each['per_second'], 0.1):.2f}" for each in (by_levels, best)]
        lines.append([operation, f"{aim}", f"{own['ratio']:.2f}", times[0], best["server"], times[1]])
    return table(lines)


def _found(rows: Figures, operation: str, name: str) -> dict[str, Any]:
    wanted = (operation, SHOWN_CONNECTIONS, name)
    return next(row for row in rows if (row["operation"], row["connections"], row["server"]) == wanted)


def _own_and_best(rows: Figures, operation: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the product's row, and that of the fastest of the others beside the limit."""
    found = [row for row in rows if (row["operation"], row["connections"]) == (operation, SHOWN_CONNECTIONS)]
    own = _found(rows, operation, PRODUCT_NAME)
    others = [row for row in found if row["server"] not in {PRODUCT_NAME, *LIMIT_NAMES}]
    return own, max(others, key=lambda row: float(row["per_second"]))


def _shortfalls(rows: Figures) -> str:
    """Return where the aims are missed, each with what the product needs beyond the limit."""
    lines = []
    for operation, aim in AIMS.items():
        own, best = _own_and_best(rows, operation)
        limits = [_found(rows, operation, name) for name in LIMIT_NAMES if operation in KINDS[name].operations]
        limit = max(limits, key=lambda row: float(row["per_second"]))
        if own["ratio"] < aim or own["per_second"] < best["per_second"]:
            more = own["server_us"] - limit["server_us"], own["database_us"] - limit["database_us"]
            lines.append(
                f"- {operation} falls short: {own['ratio']:.2f} of the limit where {aim} is aimed at. A request needs"
                f" {more[0]:+,} µs of the server and {more[1]:+,} µs of PostgreSQL beside what the limit needs."
            )
    return "\n".join(lines) if lines else "All of it is reached."


def _profile(rows: Figures) -> str:
    """Return where the product's time goes, the dearest first."""
    own = {row["operation"]: row["parts"] for row in rows if "parts" in row}
    totals = Counter[str]()
    for parts in own.values():
        totals.update(parts)
    lines: list[Sequence[str]] = [["µs", *own]]
    lines += [[part, *(f"{parts.get(part, 0):,}" for parts in own.values())] for part, _ in totals.most_common()]
    return table(lines)


def table(lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first line is its head."""
    head, *rest = lines
    rows = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(each.replace('|', '/') for each in row)} |" for row in rows)
