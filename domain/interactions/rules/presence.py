"""Who is there, and who is writing: what holds for a moment. Pure."""

from datetime import timedelta
from enum import StrEnum

TYPING_LASTS = timedelta(seconds=6)
"""How long somebody types who says so once: clients say it again every three seconds while it is true."""

PRESENCE_LASTS = timedelta(seconds=30)
"""How long a member of staff is there without an open stream."""


class PresenceState(StrEnum):
    """Whether a member of staff is there."""

    ONLINE = "ONLINE"
    BUSY = "BUSY"
    AWAY = "AWAY"
    OFFLINE = "OFFLINE"


class Audience(StrEnum):
    """Whom somebody writes to: the value of a signal that they type."""

    EVERYBODY = "EVERYBODY"
    STAFF = "STAFF"
    """It will be a note."""


def is_typing_shown(*, audience: str, is_shopper: bool, is_own: bool) -> bool:
    """Tell whether somebody is shown that somebody types: never a shopper what becomes a note, nobody themselves."""
    return not is_own and (not is_shopper or audience == Audience.EVERYBODY)


def presence_of_value(value: str | None) -> PresenceState:
    """Return what a signal says of who is there; what only a newer release knows to say counts as away."""
    if value is None:
        return PresenceState.OFFLINE
    return PresenceState(value) if value in PresenceState.__members__ else PresenceState.AWAY
