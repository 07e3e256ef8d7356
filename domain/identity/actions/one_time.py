"""One-time codes of a device, by which staff prove that they have it (TOTP, RFC 6238)."""

import secrets
from dataclasses import dataclass, field
from secrets import compare_digest
from uuid import UUID

import pyotp

from domain.base.actors import Actor, ActorKind, Caller
from domain.base.errors import Forbidden, InvalidState
from domain.base.passwords import compare_password
from domain.base.work import Work, Works
from domain.identity.actions.throttles import Counted, count, forget
from domain.identity.errors import BadCredentials, OtpInvalid, StaffMemberNotFound
from domain.identity.events import StaffMemberUpdated
from domain.identity.model import StaffMember
from domain.identity.repository.staff import find_password_hash, find_staff_for_update
from domain.identity.rules import SIGN_INS_OF_ACCOUNT, hash_secret

RECOVERY_CODES = 10
RECOVERY_BYTES = 8

_WINDOW = 1
"""Steps of 30 seconds by which the clock of a device may be off."""


def is_second_factor(work: Work, *, member: StaffMember, otp: str) -> bool:
    """Tell whether this is the code of the member's device, or a recovery code; taken, it never counts again.

    The member is locked by the caller: of two who send the same code at once one is let in.
    """
    return takes_code(work, member=member, otp=otp) or _takes_recovery_code(member, otp)


def takes_code(work: Work, *, member: StaffMember, otp: str) -> bool:
    """Tell whether this is the code of the member's device, and none that was taken before."""
    assert member.totp_secret is not None  # noqa: S101  the callers have looked
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


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a device is told: shown this once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


async def enrol_totp(works: Works, *, password: str, caller: Caller) -> Enrolment:
    """Give a member of staff a secret for their device; it counts once `confirm_totp` has seen a code of it.

    Raises `Forbidden` for others than staff, `TooManyAttempts`, `BadCredentials`, `InvalidState`. Locks the member.
    """
    key = await _prove(works, password, caller)

    async def story(work: Work) -> Enrolment:
        member = await _get_member(work)
        if member.totp_confirmed_at is not None:
            message = "One-time codes are asked for already; remove them first to take another device."
            raise InvalidState(message)
        member.totp_secret = pyotp.random_base32()
        uri = pyotp.TOTP(member.totp_secret).provisioning_uri(
            name=member.email, issuer_name=work.organisation.token_issuer
        )
        await forget(work, account=key, others=())
        return Enrolment(member.totp_secret, uri)

    return await works.perform(story, actor=caller.actor, action="totpEnrol", request_id=caller.request_id)


async def confirm_totp(work: Work, *, otp: str) -> tuple[str, ...]:
    """Ask for one-time codes from now on, as the device shows the right one; return codes for when it is lost.

    Raises `Forbidden`, `InvalidState`, `OtpInvalid`. Records `StaffMemberUpdated`. Locks the member.
    """
    member = await _get_member(work)
    if member.totp_secret is None or member.totp_confirmed_at is not None:
        message = "There is no device to confirm; begin with totpEnrol."
        raise InvalidState(message)
    if not takes_code(work, member=member, otp=otp):
        raise OtpInvalid
    codes = tuple(secrets.token_hex(RECOVERY_BYTES) for _ in range(RECOVERY_CODES))
    member.recovery_hashes = [hash_secret(code) for code in codes]
    member.totp_confirmed_at = member.updated_at = work.now
    work.record(StaffMemberUpdated(staff_member_id=member.id))
    return codes


async def remove_totp(works: Works, *, password: str, otp: str, caller: Caller) -> None:
    """Ask for one-time codes no more; password and code prove that it is the member who wants that.

    Raises `Forbidden`, `TooManyAttempts`, `BadCredentials`, `InvalidState`, `OtpInvalid`. Records
    `StaffMemberUpdated`. Locks the member.
    """
    key = await _prove(works, password, caller)

    async def story(work: Work) -> None:
        member = await _get_member(work)
        if member.totp_confirmed_at is None:
            message = "No one-time codes are asked for: there is nothing to remove."
            raise InvalidState(message)
        if not is_second_factor(work, member=member, otp=otp):
            raise OtpInvalid
        member.totp_secret = member.totp_confirmed_at = None
        member.recovery_hashes = []
        member.updated_at = work.now
        work.record(StaffMemberUpdated(staff_member_id=member.id))
        await forget(work, account=key, others=())

    await works.perform(story, actor=caller.actor, action="totpRemove", request_id=caller.request_id)


async def _prove(works: Works, password: str, caller: Caller) -> Counted:
    """Compare the password of the member who asks; return what was counted for it."""
    member_id = _member_id(caller.actor)
    counted = Counted("passwordOfMember", member_id.hex, SIGN_INS_OF_ACCOUNT)
    await count(works, attempts=[counted])
    async with works.database.reading() as session:
        known_hash = await find_password_hash(session, member_id)
    comparison = await compare_password(password, with_hash=known_hash)
    if not comparison.is_right:
        message = "The password is wrong."
        raise BadCredentials(message)
    return counted


async def _get_member(work: Work) -> StaffMember:
    """Return the member who asks, locked."""
    member = await find_staff_for_update(work.session, _member_id(work.actor))
    if member is None:
        raise StaffMemberNotFound
    return member


def _member_id(actor: Actor) -> UUID:
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        message = "This is for members of staff, each for themselves."
        raise Forbidden(message)
    return actor.id
