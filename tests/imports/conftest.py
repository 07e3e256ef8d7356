"""What the tests of imports share: taking a file over, and reading what was refused."""

import csv
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from api.imports.run import Summary, import_file
from domain.base.work import Works

Take = Callable[..., Awaitable[Summary]]
Refused = dict[str, tuple[int, int, str]]


@pytest.fixture
def take(works: Works, tmp_path: Path) -> Take:
    """Return a function that imports a file into the test's database."""

    async def take(path: Path, format_name: str = "online-retail", *, is_again: bool = False) -> Summary:
        return await import_file(
            works, path, format_name=format_name, report_folder=tmp_path / "reports", is_again=is_again
        )

    return take


def refused(summary: Summary) -> Refused:
    """Return what the file of refusals holds: first line, last line and reason by document."""
    assert summary.report is not None
    with summary.report.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {row["document"]: (int(row["first_line"]), int(row["last_line"]), row["reason"]) for row in rows}
    assert len(found) == len(rows) == summary.counts["refused"]
    return found


async def documents(works: Works) -> tuple[set[str], set[str]]:
    """Return the external ids of all orders and of all credit notes."""
    async with works.database.reading() as session:
        orders = set((await session.execute(text("SELECT external_id FROM orders"))).scalars())
        notes = set((await session.execute(text("SELECT external_id FROM credit_notes"))).scalars())
    return orders, notes
