"""What may be attached, how much of it, and for how long. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.base.errors import Checks, Invalid, TooLong
from domain.base.texts import check_length, clean_optional, clean_required

BYTES_MAX = 25 * 1024 * 1024
"""Of one file."""

CHUNK_BYTES = 1024 * 1024
"""So much of a file is in memory at a time."""

ATTACHMENTS_MAX = 10
"""With one message."""

UPLOAD_WITHIN = timedelta(minutes=15)
"""How long a place for a file is kept."""

KEPT_UNUSED = timedelta(hours=24)
"""How long a file is kept that nothing names."""

ADDRESS_ROUND_S = 3_600
"""Addresses of a file work until the end of the next full hour: asked for again soon, it is the same one."""

DAY = timedelta(hours=24)
BYTES_A_DAY = 250 * 1024 * 1024
"""Of one shopper or member of staff."""

BYTES_A_DAY_OF_GUESTS = 25 * 1024 * 1024

FILENAME_LENGTH_MAX = 200
CONTENT_TYPE_LENGTH_MAX = 100
_HASH_LENGTH = 64
_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+")

SHOWN_TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
"""What a browser may show in its place; anything else is saved, whatever it says that it is."""


class HolderKind(StrEnum):
    """To what a file is attached."""

    INTERACTION = "INTERACTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDetails:
    """A file as its owner describes it before it is sent."""

    filename: str
    content_type: str
    byte_size: int
    sha256: str | None = None


def check_file(details: FileDetails) -> FileDetails:
    """Return the description, cleaned. Raises `Refusals`."""
    checks = Checks()
    filename = checks.take(lambda: _filename(details.filename), "filename")
    content_type = checks.take(lambda: _content_type(details.content_type), "content_type")
    sha256 = checks.take(lambda: _hash(details.sha256), "sha256")
    if details.byte_size < 1:
        text = "A file has at least one byte."
        checks.add(Invalid(text, field=("byte_size",)))
    if details.byte_size > BYTES_MAX:
        text = f"At most {BYTES_MAX:,} bytes are taken in one file."
        checks.add(TooLong(text, field=("byte_size",)))
    checks.settle()
    return FileDetails(
        filename=filename or "", content_type=content_type or "", byte_size=details.byte_size, sha256=sha256
    )


def check_attachments(ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Return what is attached, each once, in its order. Raises `TooLong`."""
    check_length(ids, count_max=ATTACHMENTS_MAX)
    return tuple(dict.fromkeys(ids))


def upload_secret(secret: str) -> str:
    """Return what signs where a file is sent to: another secret than that of the address where it is had."""
    return f"upload {secret}"


def address_until(now: datetime) -> datetime:
    """Return until when an address that is asked for now works: one hour or two."""
    hours = int(now.timestamp()) // ADDRESS_ROUND_S
    return datetime.fromtimestamp((hours + 2) * ADDRESS_ROUND_S, UTC)


def _filename(text: str) -> str:
    """Return the last part of a path, as browsers and phones send it."""
    name = text.replace("\\", "/").rpartition("/")[2]
    return clean_required(name, length_max=FILENAME_LENGTH_MAX)


def _content_type(text: str) -> str:
    """Return a media type without parameters, in lower case. Raises `Refusal`."""
    cleaned = clean_required(text, length_max=CONTENT_TYPE_LENGTH_MAX).partition(";")[0].strip().lower()
    kind, _, rest = cleaned.partition("/")
    if not kind or not rest or not _TOKEN.issuperset(kind + rest):
        message = "This is no media type; one is image/jpeg."
        raise Invalid(message)
    return cleaned


def _hash(text: str | None) -> str | None:
    cleaned = clean_optional(text)
    if cleaned is None:
        return None
    lower = cleaned.lower()
    if len(lower) != _HASH_LENGTH or not set(lower) <= set("0123456789abcdef"):
        message = "A SHA-256 is 64 hexadecimal digits."
        raise Invalid(message)
    return lower
