"""One-time codes of a device, by which staff prove that they have it (TOTP, RFC 6238)."""

from secrets import compare_digest

import pyotp

from domain.base.work import Work
from domain.identity.model import StaffMember
from domain.identity.rules import hash_secret

_WINDOW = 1
"""Steps of 30 seconds by which the clock of a device may be off."""


def is_second_factor(work: Work, *, member: StaffMember, otp: str) -> bool:
    """Tell whether this is the code of the member's device, or a recovery code; taken, it never counts again.

    The member is locked by the caller: of two who send the same code at once one is let in.
    """
    return takes_code(work, member=member, otp=otp) or _takes_recovery_code(member, otp)


def takes_code(work: Work, *, member: StaffMember, otp: str) -> bool:
    """Tell whether this is the code of the member's device, and none that was taken before."""
    if member.totp_secret is None:
        return False
    device = pyotp.TOTP(member.totp_secret)
    digits, now = "".join(otp.split()), device.timecode(work.now)
    for step in range(max(now - _WINDOW, member.totp_step + 1), now + _WINDOW + 1):
        if digits.isascii() and compare_digest(device.generate_otp(step), digits):
            member.totp_step = step
            return True
    return False


def _takes_recovery_code(member: StaffMember, otp: str) -> bool:
    found = hash_secret("".join(otp.split()).casefold())
    if found not in member.recovery_hashes:
        return False
    member.recovery_hashes = [each for each in member.recovery_hashes if each != found]
    return True
