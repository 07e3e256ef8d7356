"""Addresses that carry their own proof: nobody guesses one, and each works until its end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.base.addresses import is_valid, new_address, read_address

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=15)
KEY = UUID(int=7)
SECRET = "5" * 64


def test_an_address_leads_to_its_document_for_a_while() -> None:
    """Until its end, not at it, and with the secret of that document only."""
    address = read_address(new_address(KEY, secret=SECRET, expires_at=UNTIL))
    assert address is not None
    assert (address.key, address.expires_at) == (KEY, UNTIL)
    assert is_valid(address, secret=SECRET, now=UNTIL - timedelta(seconds=1))
    assert not is_valid(address, secret=SECRET, now=UNTIL)
    assert not is_valid(address, secret="6" * 64, now=NOW)


def test_a_changed_address_is_none() -> None:
    """Neither a later end nor another document can be put into it."""
    key, until, proof = new_address(KEY, secret=SECRET, expires_at=UNTIL).split(".")
    later = read_address(f"{key}.{int(until) + 1}.{proof}")
    other = read_address(f"{UUID(int=8).hex}.{until}.{proof}")
    assert later is not None
    assert other is not None
    assert not is_valid(later, secret=SECRET, now=NOW)
    assert not is_valid(other, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        f"{KEY.hex}.1.x.y",
        f"{KEY}.1.x",
        f"{KEY.hex}.-1.x",
        f"{KEY.hex}.1e3.x",
        f"{KEY.hex}.{10**12}.x",
        f"{KEY.hex}.{10**11 * 9}.x",
        f"{'z' * 32}.1.x",
        f"{KEY.hex}.1.é",
        f"{KEY.hex}.{'9' * 4_000}.x",
        f"{KEY.hex}.٣.x",
    ],
)
def test_what_never_came_from_here_is_no_address(text: str) -> None:
    """Whatever is sent, nothing is looked up and nothing fails."""
    assert read_address(text) is None
