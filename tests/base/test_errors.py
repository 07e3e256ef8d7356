"""Refusals, changes, actors, the clock: the small words that every area speaks."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.base.actors import ANONYMOUS, EVERY_PERMISSION, SYSTEM, Actor, ActorKind, Permission
from domain.base.changes import UNCHANGED, changed
from domain.base.clock import SystemClock
from domain.base.errors import (
    Checks,
    ErrorCode,
    Invalid,
    RateLimited,
    Refusal,
    Refusals,
    Required,
    Taken,
    VersionConflict,
)
from domain.base.identifiers import new_id


def refuse(refusal: Exception) -> None:
    """Raise it."""
    raise refusal


def test_faults_of_an_input_are_told_together() -> None:
    """Each keeps its order, and its path below the one it was found at."""
    checks = Checks()
    assert checks.take(lambda: 5, "fine") == 5
    assert checks.take(lambda: refuse(Invalid("a", field=("x",))), "lines", 3) is None
    checks.add(Taken("b"))
    several = Refusals([Required("c"), Invalid("d", field=("y",))])
    assert checks.take(lambda: refuse(several), "buyer") is None
    with pytest.raises(Refusals, match="a; b; c; d") as raised:
        checks.settle()
    assert [(each.code, each.field) for each in raised.value.refusals] == [
        (ErrorCode.INVALID, ("lines", 3, "x")),
        (ErrorCode.TAKEN, ()),
        (ErrorCode.REQUIRED, ("buyer",)),
        (ErrorCode.INVALID, ("buyer", "y")),
    ]


def test_without_a_fault_nothing_is_raised() -> None:
    """Settling an input that has none changes nothing; what is no refusal is not collected."""
    checks = Checks()
    checks.settle()
    with pytest.raises(ZeroDivisionError):
        checks.take(lambda: 1 / 0, "x")
    checks.settle()


def test_refusals_carry_what_a_client_acts_on() -> None:
    """The version to read again, and the instant from which it may be tried again."""
    conflict = VersionConflict("changed", current_version=7)
    assert (conflict.current_version, conflict.field, conflict.code) == (7, ("expected_version",), "VERSION_CONFLICT")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    limited = RateLimited("later", retry_at=now, field=("code",))
    assert (limited.retry_at, limited.field, limited.code) == (now, ("code",), "RATE_LIMITED")


def kinds(kind: type[Refusal]) -> list[type[Refusal]]:
    """Return every kind of refusal below this one."""
    return [each for below in kind.__subclasses__() for each in (below, *kinds(below))]


def test_every_refusal_has_a_code() -> None:
    """No kind of refusal is without one of the words that clients know."""
    assert len(kinds(Refusal)) > 10
    assert all(kind.code in ErrorCode for kind in kinds(Refusal))


def test_left_out_stays_and_none_empties() -> None:
    """A change is a new value, None, or nothing at all."""
    assert changed("new", "old") == "new"
    assert changed(None, "old") is None
    assert changed(UNCHANGED, "old") == "old"


def test_actors_may_what_they_were_given() -> None:
    """Nobody in particular may nothing, the product everything, and scopes keep actors apart."""
    assert all(SYSTEM.may(permission) and not ANONYMOUS.may(permission) for permission in Permission)
    one, other = (Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=new_id()) for _ in range(2))
    customer = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=one.id)
    assert len({actor.scope for actor in (SYSTEM, ANONYMOUS, one, other, customer)}) == 5


def test_the_clock_tells_the_time_in_utc() -> None:
    """It is aware, and goes with the machine's."""
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)
