"""One process writes to a SQLite file, and says who it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.lock import DatabaseInUse, hold

HOLDER = """
import sys
from pathlib import Path
from api.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    """The refusal names the process and the file, and what to do; when that process ends there is room."""
    path = tmp_path / "shop.sqlite3"
    with holder(path) as process:
        for _ in range(2):
            with pytest.raises(DatabaseInUse, match=f"Process {process.pid} writes to .*shop.sqlite3. Stop it"):
                hold(path).__enter__()
        process.communicate()
    with hold(path):
        assert path.with_name("shop.sqlite3.lock").read_text() == str(os.getpid())


def test_a_killed_writer_holds_nothing(tmp_path: Path) -> None:
    """However a process ends, the system gives its lock back: nothing has to be removed by hand."""
    path = tmp_path / "shop.sqlite3"
    with holder(path) as process:
        process.kill()
        process.wait()
        with hold(path):
            assert path.with_name("shop.sqlite3.lock").exists()


def test_the_lock_comes_back_after_an_error(tmp_path: Path) -> None:
    """A command that fails leaves the file to the next one, in the same process too."""
    path = tmp_path / "new" / "shop.sqlite3"
    with pytest.raises(ZeroDivisionError), hold(path):
        raise ZeroDivisionError
    with hold(path), pytest.raises(DatabaseInUse, match=str(os.getpid())), hold(path):
        pass


def test_other_files_and_postgresql_are_free(tmp_path: Path) -> None:
    """Each file has a lock of its own; PostgreSQL needs none."""
    with hold(tmp_path / "a"), hold(tmp_path / "b"), hold(None), hold(None):
        assert {path.name for path in tmp_path.iterdir()} == {"a.lock", "b.lock"}
