"""`docs/performance-streams.md`, written from what was measured."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.peers.page import table
from benchmarks.streams import fanout, inbox, sequencer

TEMPLATE = Path(__file__).with_name("page.md")
AIM = 0.8
"""Of bare bytes, where all follow the same."""

SCANS_FROM = 3.0
"""A question that takes so many times as long of the largest shop is told of."""

_FANOUT = {
    "per_second": "Told a second",
    "server_us": "CPU µs",
    "write_us": "of it writing µs",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "kib_each": "KiB each socket",
    "peak_mib": "Peak MiB",
    "client_us": "A client's CPU µs",
}
_SEQUENCER = {
    "way": "A number is",
    "per_second": "Events a second",
    "database_us": "Database CPU µs each",
    "wal_bytes": "WAL bytes each",
    "dead_rows": "Dead rows each",
    "bytes_each": "Bytes each on disk",
}

Figures = Sequence[dict[str, Any]]


def write(path: Path, figures: Mapping[str, Figures], machine: Mapping[str, str]) -> None:
    """Write the page."""
    told = figures["fan-out"]
    content = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=table([("", ""), *machine.items()]),
        sockets=f"{fanout.SOCKETS:,}",
        clients=fanout.CLIENTS,
        together=max(case.together for case in fanout.CASES),
        fanout="\n\n".join(_case(told, case) for case in fanout.CASES),
        aims=_aims(told),
        load=_load(told),
        messages=inbox.MESSAGES,
        inbox=_inbox(figures["inbox"]),
        scans=_scans(figures["inbox"]),
        events=f"{sequencer.EVENTS:,}",
        writers=sequencer.WRITERS,
        sequencer=_rows(figures["sequencer"], _SEQUENCER),
    )
    path.write_text(content, encoding="utf-8")


def _case(figures: Figures, case: fanout.Case) -> str:
    rows = [row for row in figures if row["case"] == case.name]
    title = case.title[0].upper() + case.title[1:]
    return f"### {title}\n\n{_rows(rows, {'server': 'Server'} | _FANOUT)}"


def _rows(rows: Figures, names: Mapping[str, str]) -> str:
    return table([list(names.values()), *([_shown(row[name]) for name in names] for row in rows)])


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _found(figures: Figures, case: str, server: str) -> dict[str, Any]:
    return next(row for row in figures if (row["case"], row["server"]) == (case, server))


def _aims(figures: Figures) -> str:
    """Return how far the aims are reached, by the server's CPU."""
    lines = []
    for name in (row["server"] for row in figures if row["case"] == "one"):
        if not name.startswith("sportello"):
            continue
        share = _found(figures, "one", "bare")["server_us"] / _found(figures, "one", name)["server_us"]
        verdict = "reached" if share >= AIM else "missed"
        lines.append(
            f"- One conversation, {name}: {share:.2f} of bare bytes by CPU where {AIM} is aimed at: {verdict}."
        )
        for case in ("own", "unequal"):
            times = _found(figures, case, "node")["server_us"] / _found(figures, case, name)["server_us"]
            title = next(each.title for each in fanout.CASES if each.name == case)
            verdict = "ahead of it, as is aimed at" if times >= 1 else "behind it, where to be ahead is aimed at"
            lines.append(f"- {title[0].upper() + title[1:]}, {name}: {times:.2f} of Node by CPU: {verdict}.")
    return "\n".join(lines)


def _load(figures: Figures) -> str:
    """Return whether the clients were what all waited for."""
    slow = [f"{row['case']} of {row['server']}" for row in figures if row["client_us"] > row["server_us"]]
    if not slow:
        return "They need less of a processor than the servers, so they are not what all wait for."
    return f"They need more of a processor than the server in: {', '.join(slow)}. There they are what all wait for."


def _inbox(figures: Figures) -> str:
    sizes = [name for name in figures[0] if name.startswith("ms_")]
    parts = []
    for database in dict.fromkeys(row["database"] for row in figures):
        names = {"asked": "Asked"} | {size: f"{int(size[3:]):,} conversations" for size in sizes}
        names |= {"ratio": "Ratio", "plan": "Read by"}
        rows = [row | {"plan": _short(row["plan"])} for row in figures if row["database"] == database]
        parts.append(f"### {database}\n\n{_rows(rows, names)}")
    return "\n\n".join(parts)


def _short(plan: str) -> str:
    return ", ".join(line.strip().partition(" (")[0] for line in plan.splitlines())


def _scans(figures: Figures) -> str:
    """Return what grows with the shop."""
    grown = [row for row in figures if row["ratio"] >= SCANS_FROM]
    lines = [f"- {row['database']}, {row['asked']}: {row['ratio']} times as long." for row in grown]
    head = (
        "What grows with the shop. A count is exact, so it takes as long as there is to count; what is unread is known"
        " of nobody but whoever asks, and nothing is kept of it; a word that many have is looked up for all of them."
    )
    return "\n".join([head, "", *lines]) if lines else "Nothing of it grows with the shop."
