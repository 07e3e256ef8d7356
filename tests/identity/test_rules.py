"""Decisions about stores and keys."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.base.actors import EVERY_PERMISSION
from domain.base.errors import Invalid, Refusals, Required
from domain.identity.rules import (
    check_permissions,
    check_store,
    check_store_code,
    hash_secret,
    is_usable,
)
from tests.conftest import ITALY, NOW


def test_details_come_in_their_normal_form() -> None:
    """Case, blanks and separators of the sender do not matter."""
    sent = replace(
        ITALY, code=" IT ", name=" Italia ", country="it", locale="it_it", currency_code="eur", time_zone=" Europe/Rome"
    )
    assert check_store(sent) == ITALY


def test_every_fault_is_told_at_once() -> None:
    """A form marks all its fields in one go, each under its name."""
    bad = replace(ITALY, code="?", name=" ", country="XX", locale="?", currency_code="E", time_zone="Rome")
    with pytest.raises(Refusals) as raised:
        check_store(bad)
    assert [refusal.field for refusal in raised.value.refusals] == [
        ("code",),
        ("name",),
        ("country",),
        ("locale",),
        ("currency_code",),
        ("time_zone",),
    ]


@pytest.mark.parametrize("code", ["a", "it-online", "IT_2", "0", "a" * 64])
def test_codes_are_short_names(code: str) -> None:
    """Letters, digits, hyphens and underscores, in lower case."""
    assert check_store_code(code) == code.lower()


@pytest.mark.parametrize("code", ["-a", "_", "a b", "é", "a/b", "a" * 65, "a.b", "ａ"])
def test_what_is_no_code_is_refused(code: str) -> None:
    """The message says what one looks like."""
    with pytest.raises(Invalid, match="it-online"):
        check_store_code(code)


def test_a_code_must_be_there() -> None:
    """A blank code names no store."""
    with pytest.raises(Required):
        check_store_code("  ")


def test_permissions_are_known_and_counted_once() -> None:
    """Repeated names count once; the order does not matter; none is allowed, for a key that may do nothing."""
    assert check_permissions(["stores:read", "orders:read", "stores:read"]) == ["orders:read", "stores:read"]
    assert check_permissions([]) == []
    assert check_permissions(sorted(EVERY_PERMISSION, reverse=True)) == sorted(EVERY_PERMISSION)


@pytest.mark.parametrize("name", ["", "stores", "STORES:READ", "stores:read ", "x" * 10_000])
def test_unknown_permissions_are_refused(name: str) -> None:
    """The message lists those that there are, and repeats no more of the wrong one than fits a line."""
    with pytest.raises(Invalid, match="there are attributes:restricted, attributes:write, channels:write") as raised:
        check_permissions(["orders:read", name])
    assert len(str(raised.value)) < 350


def test_a_secret_is_kept_as_its_hash() -> None:
    """SHA-256: two secrets have two hashes, and no hash tells its secret."""
    assert hash_secret("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert hash_secret("a") != hash_secret("b")


def test_a_key_is_usable_until_it_expires_or_is_revoked() -> None:
    """At the instant of its expiry it opens nothing any more."""
    moment = timedelta(microseconds=1)
    assert is_usable(expires_at=None, revoked_at=None, now=NOW)
    assert is_usable(expires_at=NOW + moment, revoked_at=None, now=NOW)
    assert not is_usable(expires_at=NOW, revoked_at=None, now=NOW)
    assert not is_usable(expires_at=NOW - moment, revoked_at=None, now=NOW)
    assert not is_usable(expires_at=None, revoked_at=NOW - moment, now=NOW)
    assert not is_usable(expires_at=NOW + moment, revoked_at=NOW - moment, now=NOW)
