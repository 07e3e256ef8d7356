"""Exports: an address of one works for a quarter of an hour, and its document for a day."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.customers.rules.privacy import ADDRESS_VALID, EXPORT_KEPT, ExportState, address_until, export_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_an_address_never_outlives_the_document() -> None:
    """Close to the document's end it is shorter."""
    assert address_until(now=NOW, expires_at=NOW + EXPORT_KEPT) == NOW + ADDRESS_VALID
    assert address_until(now=NOW, expires_at=NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("stored", list(ExportState))
def test_what_is_too_old_has_expired(stored: ExportState) -> None:
    """From its end on, whatever became of it."""
    assert export_state(stored, expires_at=NOW, now=NOW) is ExportState.EXPIRED
    assert export_state(stored, expires_at=NOW + timedelta(microseconds=1), now=NOW) is stored
