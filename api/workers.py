"""Several processes that serve on one socket: started, watched, started again where one ends, and ended together.

The parent serves nothing. Each child is a server of its own, with its own connections to the database; the operating
system hands each new connection to one of them. What one writes the others hear of as other machines do
(`domain/base/hints.py`).
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

import structlog

from api import logs
from api.settings import Settings

WORKERS_MAX = 64

GRACE_S = 15.0
"""Seconds that processes are given to end what they do: more than requests and jobs are; then they are killed."""

UNFIT = 2
"""With this code a process ends that cannot serve with these settings; another one in its place could not either."""

SOUND_AFTER_S = 5.0
"""A process that ends earlier did not start well: the next one waits, longer each time."""

PAUSE_MAX_S = 10.0
_PAUSE_MIN_S = 0.1

_log = structlog.get_logger(__name__)

Serve = Callable[[Settings, socket.socket], None]


@dataclass(slots=True)
class _Place:
    """One of the processes, and what takes its place when it ends."""

    process: SpawnProcess | None = None
    started_at: float = 0.0
    pause_s: float = 0.0
    due_at: float = 0.0


class Workers:
    """The processes of one server."""

    def __init__(self, serve: Serve, settings: Settings, listening: socket.socket, *, count: int) -> None:
        """Take what each of them runs, and the socket that they share; none runs before `run`."""
        self._serve = serve
        self._settings = settings
        self._listening = listening
        self._places = [_Place() for _ in range(count)]
        self._context = multiprocessing.get_context("spawn")  # a copy of this process would share its state
        self._is_stopping = False
        self._code = 0
        self._woken, self._wake = os.pipe()

    def run(self) -> int:
        """Keep them running until this process is told to end, then end them; what hangs is killed.

        Returns the code for this process to end with.
        """
        before = {each: signal.signal(each, self._stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self._is_stopping:
                self._start_due()
                self._wait()
            self._end()
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            os.close(self._woken)
            os.close(self._wake)
        return self._code

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True
        os.write(self._wake, b".")

    def _start_due(self) -> None:
        """Start what is to run and does not."""
        now = time.monotonic()
        for place in self._places:
            if place.process is None and place.due_at <= now:
                place.process = self._start()
                place.started_at = now

    def _start(self) -> SpawnProcess:
        process = self._context.Process(
            target=_work, args=(self._serve, self._settings, self._listening), name="sportello-worker"
        )
        # Ctrl-C reaches every process of a terminal: this one hears it, and ends the others in good order.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        _log.info("a worker is started", pid=process.pid)
        return process

    def _wait(self) -> None:
        """Wait until a process has ended, one is due or this one is told to end."""
        now = time.monotonic()
        due = [place.due_at - now for place in self._places if place.process is None]
        running = [place.process.sentinel for place in self._places if place.process is not None]
        wait([self._woken, *running], timeout=max(0.0, min(due)) if due else None)
        for place in self._places:
            if place.process is not None and not place.process.is_alive():
                self._note_end(place, place.process)

    def _note_end(self, place: _Place, process: SpawnProcess) -> None:
        """Let another one take its place: at once, unless it did not last."""
        now = time.monotonic()
        is_sound = now - place.started_at >= SOUND_AFTER_S
        place.pause_s = 0.0 if is_sound else min(PAUSE_MAX_S, max(_PAUSE_MIN_S, 2 * place.pause_s))
        place.due_at = now + place.pause_s
        place.process = None
        if process.exitcode == UNFIT:
            self._code, self._is_stopping = UNFIT, True
        elif not self._is_stopping:
            _log.error("a worker has ended and is started again", pid=process.pid, exit_code=process.exitcode)
        process.close()

    def _end(self) -> None:
        """Ask all of them to end, and wait for it."""
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                _log.error("a worker did not end and is killed", pid=process.pid)
                process.kill()
                process.join()
            process.close()


def _work(serve: Serve, settings: Settings, listening: socket.socket) -> None:
    """Serve until told to end, or until the parent is gone: nobody would look after this process any more."""
    logs.configure(settings)
    threading.Thread(target=_follow_parent, daemon=True).start()
    serve(settings, listening)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)
