"""What a conversation may become, by whom, and what a shopper sees of it. Pure: plain values in, decisions out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.base.errors import Checks, Invalid, InvalidState
from domain.base.texts import clean_lines, clean_optional
from domain.files.rules import check_attachments

REOPEN_WITHIN = timedelta(days=7)
"""How long after it was resolved a message of the customer opens a conversation again; then it starts another one."""

SNOOZED_AT_MOST = timedelta(days=366)

SUBJECT_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 10_000
CLIENT_MESSAGE_ID_LENGTH_MAX = 100
TAGS_MAX = 50
TAG_LENGTH_MAX = 50


class ConversationStatus(StrEnum):
    """How far a conversation has come."""

    NEW = "NEW"
    OPEN = "OPEN"
    PENDING = "PENDING"
    SNOOZED = "SNOOZED"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"
    SPAM = "SPAM"


class WaitingOn(StrEnum):
    """Whose turn it is."""

    CUSTOMER = "CUSTOMER"
    US = "US"
    THIRD_PARTY = "THIRD_PARTY"
    NOBODY = "NOBODY"


class Priority(StrEnum):
    """How urgent it is, the least first."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


class InteractionKind(StrEnum):
    """What an interaction is."""

    MESSAGE = "MESSAGE"
    NOTE = "NOTE"
    STATUS_CHANGE = "STATUS_CHANGE"


class DeliveryState(StrEnum):
    """How far a message has come; never backwards, but for one that failed and is tried again."""

    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"


class AuthorKind(StrEnum):
    """Who wrote."""

    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    APP = "APP"
    SYSTEM = "SYSTEM"


_STATUS = ConversationStatus
_NEXT: Mapping[ConversationStatus, frozenset[ConversationStatus]] = {
    _STATUS.NEW: frozenset({_STATUS.OPEN, _STATUS.SPAM}),
    _STATUS.OPEN: frozenset({_STATUS.PENDING, _STATUS.SNOOZED, _STATUS.RESOLVED, _STATUS.SPAM}),
    _STATUS.PENDING: frozenset({_STATUS.OPEN, _STATUS.SNOOZED, _STATUS.RESOLVED, _STATUS.SPAM}),
    _STATUS.SNOOZED: frozenset({_STATUS.OPEN, _STATUS.PENDING, _STATUS.SPAM}),
    _STATUS.RESOLVED: frozenset({_STATUS.OPEN, _STATUS.CLOSED, _STATUS.SPAM}),
    _STATUS.CLOSED: frozenset({_STATUS.SPAM}),
    _STATUS.SPAM: frozenset({_STATUS.OPEN}),
}
_SHOWN_TO_SHOPPERS = {_STATUS.SNOOZED: _STATUS.PENDING, _STATUS.SPAM: _STATUS.CLOSED}
_WAITING_ON = {
    _STATUS.PENDING: WaitingOn.CUSTOMER,
    _STATUS.RESOLVED: WaitingOn.NOBODY,
    _STATUS.CLOSED: WaitingOn.NOBODY,
    _STATUS.SPAM: WaitingOn.NOBODY,
}

_FORWARD = (
    DeliveryState.ACCEPTED,
    DeliveryState.SENT,
    DeliveryState.DELIVERED,
    DeliveryState.READ,
)


def check_change(*, before: ConversationStatus, after: ConversationStatus) -> None:
    """Raise `InvalidState` for a status that does not follow from the one before."""
    if after not in _NEXT[before]:
        following = ", ".join(sorted(_NEXT[before])) or "nothing"
        message = f"A conversation that is {before} cannot become {after}; what follows is {following}."
        raise InvalidState(message, field=("status",))


def check_snooze(after: ConversationStatus, *, until: datetime | None, now: datetime) -> None:
    """Raise `Invalid` unless an end is given for what is snoozed, and for nothing else; it may be a year away."""
    if after is not ConversationStatus.SNOOZED:
        if until is not None:
            message = "Only what is SNOOZED has an end: leave snoozedUntil out."
            raise Invalid(message, field=("snoozed_until",))
        return
    # Without an end it sleeps until the customer writes.
    if until is not None and not now < until <= now + SNOOZED_AT_MOST:
        message = "Snooze it until an instant that is to come, within a year."
        raise Invalid(message, field=("snoozed_until",))


def waiting_on(status: ConversationStatus, *, before: WaitingOn) -> WaitingOn:
    """Return whose turn it is once a conversation has this status."""
    return _WAITING_ON.get(status, WaitingOn.US if before is WaitingOn.NOBODY else before)


def shown_status(status: ConversationStatus, *, is_shopper: bool) -> ConversationStatus:
    """Return the status as who asks sees it: that we sleep on it, or take it for spam, is no shopper's business."""
    return _SHOWN_TO_SHOPPERS.get(status, status) if is_shopper else status


def statuses_behind(shown: Collection[str], *, is_shopper: bool) -> frozenset[ConversationStatus]:
    """Return the statuses that who asks sees as one of these."""
    return frozenset(each for each in ConversationStatus if shown_status(each, is_shopper=is_shopper) in shown)


def is_shown_to_shoppers(*, before: ConversationStatus | None, after: ConversationStatus) -> bool:
    """Tell whether a shopper sees a change of the status at all."""
    shown = None if before is None else shown_status(before, is_shopper=True)
    return shown != shown_status(after, is_shopper=True)


class Turn(StrEnum):
    """What a message of the customer does to their conversation."""

    GO_ON = "GO_ON"
    REOPEN = "REOPEN"
    FOLLOW_UP = "FOLLOW_UP"
    """It is final: another conversation begins, which follows it."""
    STAY = "STAY"
    """It is taken for spam: the message is kept, nobody is bothered."""


def turn_of(status: ConversationStatus, *, resolved_at: datetime | None, now: datetime) -> Turn:
    """Return what a message of the customer does."""
    if status is ConversationStatus.SPAM:
        return Turn.STAY
    if status is ConversationStatus.CLOSED:
        return Turn.FOLLOW_UP
    if status is ConversationStatus.RESOLVED:
        is_late = resolved_at is not None and now - resolved_at > REOPEN_WITHIN
        return Turn.FOLLOW_UP if is_late else Turn.REOPEN
    return Turn.REOPEN if status in (ConversationStatus.SNOOZED, ConversationStatus.PENDING) else Turn.GO_ON


def is_further(*, before: DeliveryState, after: DeliveryState) -> bool:
    """Tell whether a message comes further by this; what was received is never anything else."""
    if before is DeliveryState.RECEIVED:
        return False
    if before is DeliveryState.FAILED:
        return after is DeliveryState.ACCEPTED  # it is tried again
    if after is DeliveryState.FAILED:
        return before in (DeliveryState.ACCEPTED, DeliveryState.SENT)
    return after in _FORWARD and _FORWARD.index(after) > _FORWARD.index(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetails:
    """A message as it was written."""

    text: str
    client_message_id: str | None = None
    attachment_ids: tuple[UUID, ...] = ()


def check_message(details: MessageDetails) -> MessageDetails:
    """Return the message, cleaned; a file needs no words beside it. Raises `Refusals`."""
    checks = Checks()
    text = checks.take(lambda: check_text(details.text, is_alone=not details.attachment_ids), "text")
    files = checks.take(lambda: check_attachments(details.attachment_ids), "attachment_ids")
    own_id = checks.take(
        lambda: clean_optional(details.client_message_id, length_max=CLIENT_MESSAGE_ID_LENGTH_MAX), "client_message_id"
    )
    checks.settle()
    return MessageDetails(text=text or "", client_message_id=own_id, attachment_ids=files or ())


def check_text(text: str, *, is_alone: bool) -> str:
    """Return what was written, cleaned. Raises `Refusal`; `Required` for nothing, where nothing else is said."""
    if not is_alone and not text.strip():
        return ""
    return clean_lines(text, length_max=TEXT_LENGTH_MAX)
