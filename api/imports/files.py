"""Reading import files: whole and sound before the first row goes in, then streamed in bounded memory."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 20
LINE_BYTES_MAX = 16 << 20
"""A line of JSON holds one order: far below this. Without a bound a file without line ends fills the memory."""


class FileRefused(Exception):  # noqa: N818  reads as what it is
    """The file cannot be imported; nothing of it was. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file that was read once from end to end: what it holds is whole, and text."""

    path: Path
    line_count: int
    sha256: str


def inspect(path: Path) -> Sound:
    """Read the file once and tell what it is. Raises `FileRefused` for one that is broken or not UTF-8."""
    digest = hashlib.sha256()
    line_count = 0
    try:
        with open_bytes(path) as stream:
            for line in _bounded_lines(stream, path, digest.update):
                line_count += 1
                _check_text(line, path, line_count)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{path}: the gzip file is broken ({error}); fetch it again."
        raise FileRefused(message) from None
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror or error})."
        raise FileRefused(message) from None
    return Sound(path=path, line_count=line_count, sha256=digest.hexdigest())


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Yield the file's bytes, unpacked where it is packed, whatever its name."""
    with path.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        if is_packed:
            with gzip.open(raw, "rb") as unpacked:
                yield cast("IO[bytes]", unpacked)  # a GzipFile reads bytes as any file does
        else:
            yield raw


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a sound file, without their ends."""
    with open_bytes(path) as stream:
        for line in stream:
            yield line.decode("utf-8").rstrip("\r\n").removeprefix("\ufeff")


def _bounded_lines(stream: IO[bytes], path: Path, pass_on: Callable[[bytes], None]) -> Iterator[bytes]:
    """Yield the lines of a stream, and pass on every byte of it. Raises `FileRefused` for a line without end."""
    rest = b""
    line_count = 0
    while block := stream.read(_BLOCK_BYTES):
        pass_on(block)
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        line_count += len(lines)
        if len(rest) > LINE_BYTES_MAX:
            message = f"{path}: line {line_count + 1:,} has over {LINE_BYTES_MAX:,} bytes; is it the right file?"
            raise FileRefused(message)
    if rest:
        yield rest


def _check_text(line: bytes, path: Path, number: int) -> None:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        message = (
            f"{path}: line {number:,} is not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1}). "
            "Convert the file first, for example: iconv -f LATIN1 -t UTF-8 FILE > FILE.utf8"
        )
        raise FileRefused(message) from None
