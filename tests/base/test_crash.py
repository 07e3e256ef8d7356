"""A process that is killed in the middle: what was acknowledged is there, and nothing is half there."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from domain.base.work import Works

KILLS = 5
SUMS = """
SELECT
  (SELECT count(*) FROM orders o WHERE NOT EXISTS (
     SELECT 1 FROM events e WHERE e.type = 'OrderChanged' AND json_extract(e.subjects, '$.order_id') = o.id)),
  (SELECT count(*) FROM orders o WHERE (SELECT count(*) FROM order_lines l WHERE l.order_id = o.id) != 2),
  (SELECT count(*) FROM customers c WHERE NOT EXISTS (
     SELECT 1 FROM events e WHERE e.type = 'CustomerCreated' AND json_extract(e.subjects, '$.customer_id') = c.id)),
  (SELECT count(*) FROM customers c WHERE c.order_count !=
     (SELECT count(*) FROM orders o WHERE o.customer_id = c.id)),
  (SELECT count(*) FROM customers c WHERE c.net_spent !=
     (SELECT sum(o.total) FROM orders o WHERE o.customer_id = c.id)),
  (SELECT count(*) FROM events e WHERE json_extract(e.subjects, '$.order_id') NOT IN (SELECT id FROM orders)),
  (SELECT count(*) FROM audit_entries a WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.audit_id = a.id))
"""
"""Orders without their event, without a line, customers without their event or with a wrong sum, events of nothing."""


def acknowledged_until_killed(url: str, run: int, lines: int) -> list[str]:
    """Start the process, kill it after so many acknowledgements, and return all that it gave."""
    command = [sys.executable, "-m", "tests.base.crashing", url, f"run{run}"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        found = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        found += process.stdout.readlines()
    assert process.returncode < 0
    return [line.strip() for line in found if line.endswith("\n")]


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_killed_process_loses_nothing_it_acknowledged(works: Works, database_url: str) -> None:
    """After each of several kills every acknowledged order is there, whole, with a log without holes."""
    await works.database.dispose()
    path = database_url.partition("///")[2]
    acknowledged: set[str] = set()
    for run in range(KILLS):
        acknowledged.update(acknowledged_until_killed(database_url, run, lines=random.randint(1, 40)))  # noqa: S311
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            orders = {row[0] for row in connection.execute("SELECT id FROM orders")}
            assert acknowledged <= orders
            assert len(orders) <= len(acknowledged) + run + 1  # at most one of each run was not told in time
            numbers = [row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq")]
            assert numbers == list(range(1, len(numbers) + 1))
            assert connection.execute("SELECT seq FROM event_heads").fetchone() == (len(numbers),)
            assert connection.execute(SUMS).fetchone() == (0,) * 7
    assert len(acknowledged) >= KILLS
