"""Why something about stores, keys, staff and sessions is refused."""

from collections.abc import Sequence
from datetime import datetime

from domain.base.errors import ErrorCode, FieldPath, InvalidState, NotFound, RateLimited, Refusal, Taken


class PermissionNotHeld(Refusal):
    """A key may do no more than its maker."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, missing: Sequence[str]) -> None:
        """Say which permissions those are."""
        super().__init__(f"You cannot give away what you may not do: {', '.join(missing)}.", field=("permissions",))


class RoleNotHeld(Refusal):
    """Nobody gives or takes a role that may do more than they may themselves."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, *, field: FieldPath) -> None:
        """Say what to do."""
        super().__init__("This role may do more than you may; ask somebody who has it.", field=field)


class StaffMemberNotFound(NotFound):
    """There is no such member of staff, or this actor may not see them."""

    def __init__(self) -> None:
        """Say so, without telling which of the two."""
        super().__init__("There is no member of staff with this id.", field=("staff_member_id",))


class StaffEmailTaken(Taken):
    """Another member of staff has the address."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("Another member of staff has this e-mail address; change that one instead.", field=("email",))


class LastAdmin(InvalidState):
    """Without anybody of the role ADMIN nobody could let anybody in."""

    def __init__(self, *, field: FieldPath) -> None:
        """Say what to do."""
        super().__init__("This is the last active ADMIN; give somebody else the role first.", field=field)


class BadCredentials(Refusal):
    """Nobody signs in with these; which of them is wrong is not said."""

    code = ErrorCode.BAD_CREDENTIALS

    def __init__(
        self, message: str = "The e-mail address, the password or the one-time code is wrong.", *, field: FieldPath = ()
    ) -> None:
        """Say no more than that."""
        super().__init__(message, field=field)


class SessionOver(BadCredentials):
    """The refresh token is unknown, expired or revoked, or was used before."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("This refresh token opens nothing any more; sign in again.")


class OtpRequired(Refusal):
    """The password is right; a one-time code is missing."""

    code = ErrorCode.OTP_REQUIRED

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("Send the one-time code of your device as well.", field=("otp",))


class CodeInvalid(Refusal):
    """The code is not the one that was sent, was used, or is too old."""

    code = ErrorCode.CODE_INVALID

    def __init__(self, *, field: FieldPath = ("code",)) -> None:
        """Say what to do."""
        super().__init__("This code is wrong, used or older than 15 minutes; ask for a new one.", field=field)


class OtpInvalid(Refusal):
    """The one-time code is not the one that the device shows now, or was used already."""

    code = ErrorCode.CODE_INVALID

    def __init__(self, *, field: FieldPath = ("otp",)) -> None:
        """Say what to do."""
        super().__init__("This one-time code is wrong or was used; wait for the next one of your device.", field=field)


class TooManyAttempts(RateLimited):
    """This was tried too often."""

    def __init__(self, *, retry_at: datetime) -> None:
        """Say when it may be tried again."""
        super().__init__(f"This was tried too often. Try again after {retry_at:%H:%M} UTC.", retry_at=retry_at)


class NoSession(InvalidState):
    """The caller did not sign in: there is nothing to revoke."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("You came in without a session; name the one to revoke, or revoke the key.")


class SessionNotFound(NotFound):
    """There is no such session, or it is somebody else's."""

    def __init__(self) -> None:
        """Say so, without telling which of the two."""
        super().__init__("You have no session with this id.", field=("session_id",))
