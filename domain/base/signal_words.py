"""What processes tell each other of signals: words, one a line, checked like everything that comes from outside."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import orjson

TEXT_BYTES_MAX = 7_000
"""Bytes that are told at once; PostgreSQL takes less than 8,000."""

HEARD_CHARACTERS_MAX = 16_000
"""What is longer was told by nobody of ours."""

LASTS_MAX = timedelta(minutes=2)
"""No signal is told to last longer than that without being told again."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_MAX = 10**17
_SOURCE = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[0-9a-f-]{36}")
_NAME = re.compile(r"[A-Za-z_]{1,40}")
_VALUE = re.compile(r"[A-Za-z_]{0,40}")


class SignalKind(StrEnum):
    """What is signalled."""

    TYPING = "TYPING"
    VIEWING = "VIEWING"
    PRESENCE = "PRESENCE"


@dataclass(frozen=True, slots=True)
class Signal:
    """Somebody signals something about a subject: a conversation, or themselves."""

    kind: SignalKind
    subject_id: UUID
    author_kind: str
    author_id: UUID


class WordKind(StrEnum):
    """What is said of a signal."""

    PUT = "PUT"
    """It holds, with a value, for so long."""
    DROP = "DROP"
    """Whoever says so holds it no more; others may."""
    END = "END"
    """It ended, whoever held it until then."""
    HELLO = "HELLO"
    """A process is there: all others say again what they know."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one process tells the others."""

    kind: WordKind
    source: str
    """Which process it is."""
    signal: Signal | None = None
    """None: of none in particular."""
    value: str = ""
    lasts: timedelta = timedelta()
    at: datetime = _EPOCH
    """When it was said at first."""


def write_words(words: Iterable[Word], *, length_max: int) -> Iterator[str]:
    """Yield the words as texts of at most so many bytes."""
    lines: list[bytes] = []
    size = 0
    for word in words:
        line = orjson.dumps(_parts(word))
        if lines and size + len(line) + 1 > length_max:
            yield b"\n".join(lines).decode()
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines).decode()


def read_words(text: str, *, now: datetime) -> list[Word | None]:
    """Return the words of a text; None for what is none."""
    if len(text) > HEARD_CHARACTERS_MAX:
        return [None]
    return [_read(line, now=now) for line in text.splitlines()]


def _parts(word: Word) -> list[object]:
    if word.signal is None:
        return [word.kind, word.source]
    about = (word.signal.kind, word.signal.subject_id, word.signal.author_kind, word.signal.author_id)
    return [word.kind, word.source, *about, word.value, word.lasts // _MICROSECOND, (word.at - _EPOCH) // _MICROSECOND]


def _read(line: str, *, now: datetime) -> Word | None:
    try:
        kind, source, *about = orjson.loads(line)
        signal = _signal(about) if about else None
        if (signal is None) is not (kind == WordKind.HELLO):
            return None
        if signal is None:
            return Word(WordKind(kind), _text(source, _SOURCE))
        value, lasts, at = about[4:]
        # A clock that is ahead, or a liar, would have the last word for ever.
        said_at = min(now, _EPOCH + _number(at, _AT_MAX) * _MICROSECOND)
        lasting = _number(lasts, LASTS_MAX // _MICROSECOND) * _MICROSECOND
        return Word(WordKind(kind), _text(source, _SOURCE), signal, _text(value, _VALUE), lasting, said_at)
    except (ValueError, TypeError):
        return None


def _signal(about: list[object]) -> Signal:
    kind, subject_id, author_kind, author_id = about[:4]
    return Signal(
        SignalKind(_text(kind, _NAME)),
        UUID(_text(subject_id, _ID)),
        _text(author_kind, _NAME),
        UUID(_text(author_id, _ID)),
    )


def _text(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError
    return value


def _number(value: object, maximum: int) -> int:
    if type(value) is not int or not 0 <= value <= maximum:
        raise ValueError
    return value
