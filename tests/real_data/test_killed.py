"""An import whose process is killed at once, without a chance to tidy up."""

import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
from sqlalchemy import text

from domain.base.database import Database
from domain.base.work import Works
from domain.reactions import REACTIONS
from tests.conftest import Client, StandingClock
from tests.real_data.conftest import DECEMBER
from tests.snapshots import content

COMMAND = Path(sys.executable).with_name("sportello")
SECONDS_MAX = 60.0


def start(url: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the import of December in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            [COMMAND, "import", "orders", "--format", "online-retail", DECEMBER],
            cwd=folder,
            env=environment | {"SPORTELLO_DATABASE_URL": url, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


async def rows_done(works: Works) -> int:
    """Return how many rows of the file are committed."""
    async with works.database.reading() as session:
        done = (await session.execute(text("SELECT rows_done FROM import_runs"))).scalar_one_or_none()
    return int(done or 0)


async def test_a_killed_import_goes_on_where_it_stopped(database_url: str, december: Client, tmp_path: Path) -> None:
    """Killed after its first batches, run again: what is there is what one run leaves, and the summary says it all."""
    works = Works(database=Database(database_url), reactions=REACTIONS, clock=StandingClock())
    process = start(database_url, tmp_path)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while await rows_done(works) == 0:
            assert process.poll() is None, (tmp_path / "output.txt").read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            await anyio.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -9
    assert 0 < await rows_done(works) < 42_481

    again = start(database_url, tmp_path)
    try:
        assert again.wait(SECONDS_MAX) == 0
    finally:
        again.kill()
        again.wait()
    assert await content(works) == await content(december.works)
    await works.database.dispose()
    output = (tmp_path / "output.txt").read_text(encoding="utf-8")
    assert "done. 1,629 orders and 326 credit notes with 42,411 lines; 70 stock corrections" in output
    assert output.count(": corrects the stock of ") == 70
