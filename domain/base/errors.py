"""Refusals: what a caller can act on. None of them knows a transport."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeAlias, TypeVar

FieldPath: TypeAlias = tuple[str | int, ...]
_Value = TypeVar("_Value")


class ErrorCode(StrEnum):
    """Every reason for which the product refuses; the API shows the same words."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    TAKEN = "TAKEN"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    INVALID_STATE = "INVALID_STATE"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    OTP_REQUIRED = "OTP_REQUIRED"
    CODE_INVALID = "CODE_INVALID"
    RATE_LIMITED = "RATE_LIMITED"
    CONSENT_MISSING = "CONSENT_MISSING"
    IDENTITY_UNVERIFIED = "IDENTITY_UNVERIFIED"
    MERGE_BLOCKED = "MERGE_BLOCKED"
    STALE_CONVERSATION = "STALE_CONVERSATION"
    CHANNEL_CLOSED = "CHANNEL_CLOSED"
    AGENT_UNAVAILABLE = "AGENT_UNAVAILABLE"
    ATTACHMENT_NOT_READY = "ATTACHMENT_NOT_READY"
    NOT_RETURNABLE = "NOT_RETURNABLE"
    QUANTITY_EXCEEDED = "QUANTITY_EXCEEDED"
    RETURN_WINDOW_CLOSED = "RETURN_WINDOW_CLOSED"
    ALREADY_SHIPPED = "ALREADY_SHIPPED"
    REFUND_EXCEEDS_PAID = "REFUND_EXCEEDS_PAID"
    STATUTORY_RIGHT = "STATUTORY_RIGHT"
    DISPOSITION_MISMATCH = "DISPOSITION_MISMATCH"
    NOT_ENROLLED = "NOT_ENROLLED"
    INSUFFICIENT_POINTS = "INSUFFICIENT_POINTS"
    REWARD_UNAVAILABLE = "REWARD_UNAVAILABLE"
    REFERRAL_CYCLE = "REFERRAL_CYCLE"
    SELF_REFERRAL = "SELF_REFERRAL"
    ALREADY_REFERRED = "ALREADY_REFERRED"
    CONTEST_NOT_OPEN = "CONTEST_NOT_OPEN"
    ALREADY_ENTERED = "ALREADY_ENTERED"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    DRAW_NOT_READY = "DRAW_NOT_READY"
    FREEZE_TOO_LATE = "FREEZE_TOO_LATE"
    BEACON_INVALID = "BEACON_INVALID"


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a fault of the program
    """The shop's rules say no. `field` is the path to the value that is at fault, in Python's names."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *, field: FieldPath = ()) -> None:
        """Say what was wrong and what to do about it."""
        super().__init__(message)
        self.message = message
        self.field = field

    def under(self, *prefix: str | int) -> "Refusal":
        """Return this refusal with its path below `prefix`."""
        self.field = (*prefix, *self.field)
        return self


class Invalid(Refusal):
    """A value is not of its kind, or out of its range."""

    code = ErrorCode.INVALID


class Required(Refusal):
    """A value is missing or blank."""

    code = ErrorCode.REQUIRED


class TooLong(Refusal):
    """A text or a list is longer than its limit."""

    code = ErrorCode.TOO_LONG


class NotFound(Refusal):
    """There is no such object, or this actor may not see it: the two answer alike."""

    code = ErrorCode.NOT_FOUND


class Forbidden(Refusal):
    """The actor lacks the permission."""

    code = ErrorCode.FORBIDDEN


class Taken(Refusal):
    """The value belongs to another object and can belong to one only."""

    code = ErrorCode.TAKEN


class InvalidState(Refusal):
    """The object is not in a state in which this can be done."""

    code = ErrorCode.INVALID_STATE


class QuantityExceeded(Refusal):
    """More pieces than there are."""

    code = ErrorCode.QUANTITY_EXCEEDED


class VersionConflict(Refusal):
    """Somebody changed the object first."""

    code = ErrorCode.VERSION_CONFLICT

    def __init__(self, message: str, *, current_version: int, field: FieldPath = ("expected_version",)) -> None:
        """Carry the version to read again."""
        super().__init__(message, field=field)
        self.current_version = current_version


class RateLimited(Refusal):
    """This may be tried again, but not before `retry_at`."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, *, retry_at: datetime, field: FieldPath = ()) -> None:
        """Carry the instant from which it may be tried again."""
        super().__init__(message, field=field)
        self.retry_at = retry_at


class IdempotencyMismatch(Refusal):
    """The idempotency key was used for another input."""

    code = ErrorCode.IDEMPOTENCY_MISMATCH


class Refusals(Exception):  # noqa: N818  see Refusal
    """Several refusals of one input at once, so that a form marks all its fields in one go."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        """Keep them in the order in which they were found."""
        self.refusals = tuple(refusals)
        super().__init__("; ".join(refusal.message for refusal in self.refusals))


class Checks:
    """Collects the refusals of one input."""

    def __init__(self) -> None:
        """Start without any."""
        self._refusals: list[Refusal] = []

    def add(self, refusal: Refusal) -> None:
        """Remember one."""
        self._refusals.append(refusal)

    def take(self, check: Callable[[], _Value], *path: str | int) -> _Value | None:
        """Return what `check` returns; where it refuses, remember that under `path` and return None."""
        try:
            return check()
        except Refusal as refusal:
            self._refusals.append(refusal.under(*path))
        except Refusals as several:
            self._refusals.extend(refusal.under(*path) for refusal in several.refusals)
        return None

    def settle(self) -> None:
        """Raise `Refusals` where anything was refused."""
        if self._refusals:
            raise Refusals(self._refusals)


class StorageBusy(Exception):  # noqa: N818  a state of the machine, not a bug
    """Somebody reads what is to be cleared away: it goes when they are done."""


class StorageFull(Exception):  # noqa: N818  a state of the machine, not a bug
    """The disk that holds the database is full: nothing was written, reading goes on."""
