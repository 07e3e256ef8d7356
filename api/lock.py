"""One process writes to a SQLite file: a lock on the file beside it says which."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DatabaseInUse(Exception):  # noqa: N818  reads as what it is
    """Another process writes to the file. The message names it and says what to do."""


@contextmanager
def hold(database: Path | None) -> Iterator[None]:
    """Hold the right to write to the SQLite file; PostgreSQL (None) needs no such thing.

    The system releases the lock with the process, however it ends. Raises `DatabaseInUse`.
    """
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            message = (
                f"Process {holder} writes to {database}. Stop it first, or use its API; "
                "with PostgreSQL both can run at once."
            )
            raise DatabaseInUse(message) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
