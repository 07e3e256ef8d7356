"""What may be attached."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.base.errors import Refusals, TooLong
from domain.files.rules import ATTACHMENTS_MAX, BYTES_MAX, FileDetails, address_until, check_attachments, check_file


def described(**fields: object) -> FileDetails:
    """Describe a file."""
    known: dict[str, object] = {"filename": "a.jpg", "content_type": "image/jpeg", "byte_size": 1}
    return FileDetails(**{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filename", "kept"),
    [("a.jpg", "a.jpg"), ("C:\\photos\\a b.jpg", "a b.jpg"), ("../../etc/passwd", "passwd"), (" piè.pdf ", "piè.pdf")],
)
def test_a_name_is_the_last_part_of_a_path(filename: str, kept: str) -> None:
    """As browsers and phones send it."""
    assert check_file(described(filename=filename)).filename == kept


def test_a_media_type_has_no_parameters() -> None:
    """And is written in lower case."""
    assert check_file(described(content_type="Text/Plain; charset=utf-8")).content_type == "text/plain"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "photos/"}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"filename": "x" * 201}, "filename"),
        ({"content_type": ""}, "content_type"),
        ({"content_type": "jpeg"}, "content_type"),
        ({"content_type": "image/"}, "content_type"),
        ({"content_type": "image/jp eg"}, "content_type"),
        ({"content_type": "image/jpeg\r\nX: y"}, "content_type"),
        ({"byte_size": 0}, "byte_size"),
        ({"byte_size": -1}, "byte_size"),
        ({"byte_size": BYTES_MAX + 1}, "byte_size"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": "z" * 64}, "sha256"),
    ],
)
def test_what_is_no_file_is_refused(fields: dict[str, object], at: str) -> None:
    """With the field that is at fault."""
    with pytest.raises(Refusals) as refused:
        check_file(described(**fields))
    assert [each.field for each in refused.value.refusals] == [(at,)]


def test_a_hash_may_be_written_in_capitals() -> None:
    """And blank is none."""
    assert check_file(described(sha256="AB" * 32)).sha256 == "ab" * 32
    assert check_file(described(sha256=" ")).sha256 is None


def test_each_file_is_attached_once() -> None:
    """However often a message names it, and not too many of them."""
    keys = [UUID(int=number) for number in range(ATTACHMENTS_MAX + 1)]
    assert check_attachments([keys[1], keys[0], keys[1]]) == (keys[1], keys[0])
    with pytest.raises(TooLong):
        check_attachments(keys)


def test_an_address_stays_the_same_for_a_while() -> None:
    """Until the hour is over, and works for one hour at least."""
    early, late = (datetime(2026, 11, 22, 12, minute, tzinfo=UTC) for minute in (0, 59))
    assert address_until(early) == address_until(late) == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert address_until(late + timedelta(minutes=1)) == datetime(2026, 11, 22, 15, tzinfo=UTC)
