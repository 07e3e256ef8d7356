"""Addresses of exports: nobody guesses one, and each works for a quarter of an hour."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.customers.rules.privacy import (
    ADDRESS_VALID,
    EXPORT_KEPT,
    ExportState,
    export_state,
    is_valid,
    new_address,
    read_address,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = UUID(int=7)
SECRET = "5" * 64


def test_an_address_leads_to_its_document_for_a_while() -> None:
    """Until its end, not at it, and with the secret of that document only."""
    address = read_address(new_address(KEY, secret=SECRET, now=NOW, expires_at=NOW + EXPORT_KEPT))
    assert address is not None
    assert (address.export_id, address.expires_at) == (KEY, NOW + ADDRESS_VALID)
    assert is_valid(address, secret=SECRET, now=NOW + ADDRESS_VALID - timedelta(seconds=1))
    assert not is_valid(address, secret=SECRET, now=NOW + ADDRESS_VALID)
    assert not is_valid(address, secret="6" * 64, now=NOW)


def test_an_address_never_outlives_the_document() -> None:
    """Close to the document's end it is shorter."""
    address = read_address(new_address(KEY, secret=SECRET, now=NOW, expires_at=NOW + timedelta(minutes=1)))
    assert address is not None
    assert address.expires_at == NOW + timedelta(minutes=1)


def test_a_changed_address_is_none() -> None:
    """Neither a later end nor another document can be put into it."""
    key, until, proof = new_address(KEY, secret=SECRET, now=NOW, expires_at=NOW + EXPORT_KEPT).split(".")
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


@pytest.mark.parametrize("stored", list(ExportState))
def test_what_is_too_old_has_expired(stored: ExportState) -> None:
    """From its end on, whatever became of it."""
    assert export_state(stored, expires_at=NOW, now=NOW) is ExportState.EXPIRED
    assert export_state(stored, expires_at=NOW + timedelta(microseconds=1), now=NOW) is stored
