"""Processes that share a socket, and answer everybody with their number: as `sportello serve --workers` runs them."""

import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from api import logs, workers
from api.settings import Settings
from api.workers import UNFIT, Workers

GRACE_S = 0.3

STARTS = "TEST_STARTS"
"""The variable that names the file in which starts are counted."""


def answer(_settings: Settings, listening: socket.socket) -> None:
    """Tell each client which process this is; end as every program does when it is told to."""
    listening.settimeout(0)  # whoever is first takes a client, and the others look on, as servers do
    while True:
        select.select([listening], [], [])
        with suppress(BlockingIOError):
            connection, _ = listening.accept()
            with connection:
                connection.sendall(str(os.getpid()).encode())


def answer_for_ever(settings: Settings, listening: socket.socket) -> None:
    """Do not listen to whoever wants an end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answer(settings, listening)


def fail(_settings: Settings, _listening: socket.socket) -> None:
    """End at once, as something is wrong; from the second start on it is the settings."""
    with Path(os.environ[STARTS]).open("ab") as starts:
        starts.write(b".")
        starts.flush()
        sys.exit(1 if starts.tell() < 2 else UNFIT)


def main(name: str) -> None:
    """Run two of them; the first line that is printed is their port."""
    workers.GRACE_S = GRACE_S
    settings = Settings(_env_file=None, log_format="json")
    logs.configure(settings)
    serve = {each.__name__: each for each in (answer, answer_for_ever)}[name]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        sys.exit(Workers(serve, settings, listening, count=2).run())
