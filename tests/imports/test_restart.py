"""An import that was cut off goes on where it stopped, and ends as if nothing had happened."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from api.imports import run
from api.imports.run import Summary, import_file
from domain.base.database import Database
from domain.base.work import Works
from domain.reactions import REACTIONS
from tests.conftest import DATA, Databases, StandingClock
from tests.imports.files import as_csv, row, written
from tests.snapshots import content

REAL = gzip.decompress((DATA / "online_retail_cust_mod50.csv.gz").read_bytes())
HEADER, _, ROWS = REAL.partition(b"\n")
CORRECTION = as_csv([row("900001", "-5", "0", sku="A", customer="")]).partition(b"\n")[2]
LAST_CORRECTION = as_csv([row("900002", "-6", "0", sku="B", customer="")]).partition(b"\n")[2]
BAD = as_csv([row("900003", "six")]).partition(b"\n")[2]
LAST_BAD = as_csv([row("900004", price="free")]).partition(b"\n")[2]

FILES = {
    "clean": HEADER + b"\n" + CORRECTION + ROWS + LAST_CORRECTION,
    "with refusals": HEADER + b"\n" + BAD + CORRECTION + ROWS + LAST_BAD + LAST_CORRECTION,
}


class PulledPlugError(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture
async def other_works(kind: str, databases: Databases) -> AsyncIterator[Works]:
    """Return the doors to a second database, for the import that nobody disturbs."""
    url = await asyncio.to_thread(databases.new, kind)
    works = Works(database=Database(url), reactions=REACTIONS, clock=StandingClock())
    yield works
    await works.database.dispose()
    await asyncio.to_thread(databases.drop, kind, url)


@pytest.fixture
async def empty_works(database_url: str) -> AsyncIterator[Works]:
    """Return the doors to a database without a store."""
    works = Works(database=Database(database_url), reactions=REACTIONS, clock=StandingClock())
    yield works
    await works.database.dispose()


@pytest.mark.parametrize(("name", "batch_count"), [("clean", 1), ("with refusals", 3)])
async def test_an_import_that_broke_off_goes_on(
    name: str,
    batch_count: int,
    empty_works: Works,
    other_works: Works,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one batch or three: the same content, summary and report as after one run."""
    monkeypatch.setattr(run, "BATCH_LINES_MAX", 1_000)
    path = written(tmp_path, FILES[name], name="orders.csv.gz", is_packed=True)
    committed = 0

    def pull_the_plug(rows: int) -> None:
        nonlocal committed
        committed += rows > 0
        if committed == batch_count:
            raise PulledPlugError

    with pytest.raises(PulledPlugError):
        await import_file(
            empty_works, path, format_name="online-retail", report_folder=tmp_path / "a", advance=pull_the_plug
        )
    async with empty_works.database.reading() as session:
        half = (await session.execute(text("SELECT rows_done, finished_at FROM import_runs"))).one()
        order_count = (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one()
    assert 0 < half.rows_done < 7_810
    assert half.finished_at is None
    assert 0 < order_count < 394

    rows: list[int] = []
    resumed = await import_file(
        empty_works, path, format_name="online-retail", report_folder=tmp_path / "a", advance=rows.append
    )
    whole = await import_file(other_works, path, format_name="online-retail", report_folder=tmp_path / "b")
    assert sum(rows) == resumed.rows == whole.rows
    assert told(resumed) == told(whole)
    assert await content(empty_works) == await content(other_works)
    assert {problem.name for problem in whole.left_out} == {"900001", "900002"}
    is_clean = name == "clean"
    assert whole.counts["refused"] == (0 if is_clean else 2)
    assert (whole.counts["order"], whole.counts["credit note"], whole.counts["line"]) == (394, 74, 7_810)
    # Rows that went in are not read twice where nothing was refused.
    assert rows[0] == (half.rows_done if is_clean else 0)


def told(summary: Summary) -> tuple[object, ...]:
    """Return what a summary says, and what its report holds."""
    report = "" if summary.report is None else summary.report.read_text(encoding="utf-8")
    return summary.counts, summary.left_out, summary.is_clean, summary.was_done, report
