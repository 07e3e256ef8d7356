"""`make bench`: measures, prints one table, and keeps the figures in benchmarks/results/.

`--quick` takes smaller data: a few minutes instead of half an hour.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from api import logs
from api.settings import Settings
from benchmarks import attacks, crowds, execution, families, front_door, imports, machine, memory, sign_ins
from benchmarks.databases import Place
from benchmarks.peers import run as peers
from benchmarks.streams import run as streams
from tests.postgres import postgres_server

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
LARGE = ROOT / "data" / "online_retail_cust_mod5.csv.gz"
SMALL = ROOT / "tests" / "data" / "online_retail_cust_mod50.csv.gz"
PARTS = (
    "import",
    "lists",
    "search",
    "families",
    "execution",
    "front door",
    "sign-ins",
    "attacks",
    "memory",
    "streams",
    "peers",
)

Figures = list[dict[str, Any]]


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part, repeated for more")
    peers.add_arguments(parser)
    arguments = parser.parse_args()
    logs.configure(Settings(_env_file=None, log_level="error"))
    begun = time.monotonic()
    parts, options = arguments.only or list(PARTS), peers.options_of(arguments)
    compared = {"peers", "streams"} & set(parts)
    if compared and (missing := peers.missing(options)):
        if arguments.only:
            parser.exit(1, f"{', '.join(sorted(compared))}: {missing}\n")
        parts = [part for part in parts if part not in compared]
        _tell(f"{', '.join(sorted(compared))}: left out: {missing}")
    figures: dict[str, Figures] = {}
    if "streams" in parts:
        with peers.place() as place:
            described = machine.describe(place.server) | peers.describe(options)
            streamed = streams.measure(place, _tell, is_quick=arguments.quick)
        figures |= streamed
        if not arguments.quick:
            streams.write_page(streamed, described)
    if set(parts) - {"peers", "streams"}:
        with tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder, postgres_server() as server:
            described = machine.describe(server)
            figures |= _measure(Place(Path(folder), server), parts, is_quick=arguments.quick)
    if "peers" in parts:
        with peers.place() as place:
            described = machine.describe(place.server) | peers.describe(options)
            figures |= {"peers": peers.measure(place, options, _tell)}
            peers.write_page(options, figures["peers"], described)
    result = {"machine": described, "is_quick": arguments.quick, "figures": figures}
    _print(described, figures)
    print(f"\nTook {time.monotonic() - begun:.0f} s. The figures are in {_keep(result)}.")


def _measure(place: Place, parts: Sequence[str], *, is_quick: bool) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    if "import" in parts:
        figures["import"] = imports.measure(place, LARGE, _tell)
    if {"lists", "search"} & set(parts):
        figures |= crowds.measure(place, (1_000, 20_000 if is_quick else 1_000_000), parts, _tell)
    if "families" in parts:
        orders, entries = ((10, 1_000), (100, 5_000)) if is_quick else ((10, 10_000), (100, 100_000))
        figures |= families.measure(place, orders, entries, _tell)
    if "execution" in parts:
        figures["execution"] = execution.measure(place, SMALL, _tell)
    if "front door" in parts:
        figures |= front_door.measure(place, _tell)
    if "sign-ins" in parts:
        figures["sign-ins"] = sign_ins.measure(place, _tell)
    if "attacks" in parts:
        figures["attacks"] = attacks.measure(place, _tell)
    if "memory" in parts:
        figures["memory"] = memory.measure(place, SMALL if is_quick else LARGE, _tell)
    return figures


def _tell(text: str) -> None:
    print(f"  {text}", flush=True)


def _print(described: dict[str, str], figures: dict[str, Figures]) -> None:
    # Where nobody looks at a terminal, the table is as wide as it has to be.
    console = Console(width=None if os.isatty(1) else 160)
    console.print("\n".join(f"{name}: {value}" for name, value in described.items()), highlight=False)
    titles = {
        "import": "Import against one bare executemany of the same rows (medians of 3, interleaved)",
        "lists": "A page of 50 customers through the API (median of 15)",
        "ranking": "Ranking all customers anew (seconds)",
        "look-ups": "Finding one customer by a sign, through the API (median of 15)",
        "names": "Finding customers by names: a page of 50 as they became known, and by name (median of 7)",
        "counts": "Counting a whole list (median of 7)",
        "families": "Reading a customer alone, and one with nine absorbed ones (median of 15)",
        "merges": "Merging two customers, and taking them apart (median of 15)",
        "timelines": "A page of 50 of a timeline (median of 15)",
        "execution": "Running an operation by plans, and by graphql-core alone (medians of 15 in turns)",
        "refusals": "Refusing a hostile document (median and longest of 7)",
        "costs": "Weighing the largest documented operation: when it is read, each time, as a share of its run",
        "requests": "The smallest request, without a network (median of 5 rounds in turns)",
        "sign-ins": "Sign-ins against bare argon2, 8 at once (median of 5 rounds in turns); wrong passwords",
        "attacks": "p99 of a well-behaved client, alone and during an attack over 4 connections (medians of 3)",
        "peers": "Other servers on the same tables (medians in turns; ratio to the limit)",
        "fan-out": "Telling a thousand sockets (medians of runs in turns)",
        "inbox": "Asking about conversations, through the API (median of 7)",
        "sequencer": "Numbering events on PostgreSQL (medians of 3)",
        "memory": "Peak memory of a process that imports (MiB)",
    }
    for part, rows in figures.items():
        columns = [name for name in rows[0] if name != "seconds"]
        table = Table(*columns, title=titles[part], title_justify="left")
        for row in rows:
            table.add_row(*(f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns))
        console.print(table, highlight=False)


def _keep(result: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path.relative_to(ROOT)


if __name__ == "__main__":
    main()
