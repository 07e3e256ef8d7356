"""A thousand customers and a million: what is asked of both is asked in turns."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from benchmarks import customers, lists, search
from benchmarks.asking import asking
from benchmarks.databases import KINDS, Place, open_works

Figures = dict[str, list[dict[str, Any]]]


def measure(place: Place, sizes: tuple[int, int], parts: Collection[str], tell: Callable[[str], None]) -> Figures:
    """Return the figures of the parts `lists` and `search` at both sizes.

    And how long it took to rank all customers: what a page waits for whose scores are older than a minute.
    """
    figures: Figures = defaultdict(list)
    for kind in KINDS:
        with place.migrated(kind) as small, place.migrated(kind) as large:
            seconds = [_fill(kind, url, size, tell) for url, size in zip((small, large), sizes, strict=True)]
            if "lists" in parts:
                ranked = {f"s_{size}": each for size, each in zip(sizes, seconds, strict=True)}
                figures["ranking"].append({"database": kind} | ranked)
            for name, rows in asyncio.run(_ask(kind, (small, large), sizes, parts, tell)).items():
                figures[name] += rows
    order = ("lists", "ranking", "look-ups", "names", "counts")
    return {name: figures[name] for name in order if name in figures}


def _fill(kind: str, url: str, size: int, tell: Callable[[str], None]) -> float:
    """Make the customers; return the seconds that ranking them took."""
    start = time.perf_counter()
    customers.fill(kind, url, size)
    filled = time.perf_counter()
    customers.rank(url)
    ranked = time.perf_counter()
    tell(f"{kind}, {size:,} customers: made in {filled - start:.1f} s, ranked in {ranked - filled:.1f} s")
    return round(ranked - filled, 2)


async def _ask(
    kind: str, urls: tuple[str, str], sizes: tuple[int, int], parts: Collection[str], tell: Callable[[str], None]
) -> Figures:
    figures: Figures = {}
    async with asking(open_works(urls[0])) as small, asking(open_works(urls[1])) as large:
        if "lists" in parts:
            tell(f"lists, {kind}, asking")
            figures["lists"] = await lists.measure(kind, (small, large), sizes)
        if "search" in parts:
            tell(f"search, {kind}, asking")
            figures["look-ups"], figures["names"] = await search.measure(kind, (small, large), sizes)
            figures["counts"] = await search.count(kind, (small, large), sizes)
    return figures
