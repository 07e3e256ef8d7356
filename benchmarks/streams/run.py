"""What is measured of streams: fan-out, the inbox, and how events are numbered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.databases import Place
from benchmarks.streams import fanout, inbox, page, sequencer

PAGE = Path(__file__).parents[2] / "docs" / "performance-streams.md"


def measure(place: Place, tell: Callable[[str], None], *, is_quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of all three."""
    return {
        "fan-out": fanout.measure(place, tell, repetitions=1 if is_quick else 3),
        "inbox": inbox.measure(place, tell, sizes=inbox.SIZES[:2] if is_quick else inbox.SIZES),
        "sequencer": sequencer.measure(place, tell),
    }


def write_page(figures: dict[str, list[dict[str, Any]]], machine: dict[str, str]) -> None:
    """Write the page."""
    page.write(PAGE, figures, machine)
