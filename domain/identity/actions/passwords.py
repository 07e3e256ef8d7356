"""Forgotten passwords: a code to the address, and a new one with it."""

from domain.base.actors import Caller
from domain.base.contacts import check_email
from domain.base.errors import Checks, Refusal
from domain.base.passwords import STAFF_PASSWORD_LENGTH_MIN, check_password, hash_password
from domain.base.work import Work, Works
from domain.identity.actions.codes import WantedCode, match_code, request_code, spend_codes
from domain.identity.actions.credentials import find_credentials, get_holder, set_password
from domain.identity.actions.one_time import is_second_factor
from domain.identity.actions.revoking import revoke_sessions_of
from domain.identity.actions.sessions import SignedIn, open_session
from domain.identity.actions.signing_in import sign_in_key
from domain.identity.actions.throttles import Counted, by_address, count, forget
from domain.identity.errors import CodeInvalid, OtpInvalid, OtpRequired
from domain.identity.events import SignedOutEverywhere
from domain.identity.model import MailedCode, StaffMember
from domain.identity.rules import CODES_FROM_ADDRESS, SIGN_INS_IN_ALL, SIGN_INS_OF_ACCOUNT, CodePurpose, SessionKind


async def request_password_reset(works: Works, *, email: str, caller: Caller) -> None:
    """Send a code to the address, if anybody signs in with it; what is done and answered here is the same.

    Raises `Refusals` for what is no address, `TooManyAttempts`.
    """
    checks = Checks()
    address = checks.take(lambda: check_email(email), "email") or ""
    checks.settle()
    wanted = WantedCode(purpose=CodePurpose.PASSWORD_RESET, address=address)
    await request_code(works, wanted=wanted, action="passwordResetRequest", caller=caller)


async def reset_password(
    works: Works, *, email: str, code: str, new_password: str, otp: str | None, caller: Caller
) -> SignedIn:
    """Take a new password from who has the code, sign them in, and end all their other sessions.

    Staff who use one-time codes need one here too: a mailbox alone does not let them in. A wrong code counts, which is
    committed before the refusal.

    Raises `Refusals`, `TooManyAttempts`, `CodeInvalid`, `OtpRequired`, `OtpInvalid`. Records `SessionCreated`,
    `SessionRevoked`, `SignedOutEverywhere` for a shopper, `StaffMemberUpdated` or `AccountUpdated`. Locks who it is.
    """
    checks = Checks()
    password = checks.take(lambda: check_password(new_password), "new_password") or ""
    checks.settle()
    key = sign_in_key(email)
    counted = by_address(caller, sort="codesFromAddress", limit=CODES_FROM_ADDRESS)
    await count(works, attempts=counted)
    password_hash = await hash_password(password)

    async def story(work: Work) -> SignedIn | Refusal:
        row = await match_code(work, purpose=CodePurpose.PASSWORD_RESET, address_key=key, code=code)
        if row is None:
            return CodeInvalid()
        done = await _reset(work, row, password=password, password_hash=password_hash, otp=otp)
        if isinstance(done, SignedIn):
            await forget(work, account=Counted("signInOfAccount", key, SIGN_INS_OF_ACCOUNT), others=counted)
            await forget(work, account=Counted("signInInAll", key, SIGN_INS_IN_ALL), others=())
        return done

    found = await works.perform(story, actor=caller.actor, action="passwordReset", request_id=caller.request_id)
    if isinstance(found, Refusal):
        raise found
    return found


async def _reset(
    work: Work, row: MailedCode, *, password: str, password_hash: str, otp: str | None
) -> SignedIn | Refusal:
    credentials = await find_credentials(work.session, email_key=row.address_key)
    holder = None if credentials is None else await get_holder(work, credentials=credentials)
    if credentials is None or holder is None:
        return CodeInvalid()
    if isinstance(holder, StaffMember):
        checks = Checks()
        checks.take(lambda: check_password(password, length_min=STAFF_PASSWORD_LENGTH_MIN), "new_password")
        checks.settle()
        if holder.totp_confirmed_at is not None:
            if otp is None:
                raise OtpRequired
            if not is_second_factor(work, member=holder, otp=otp):
                row.attempt_count += 1
                return OtpInvalid()
    await spend_codes(work, row=row)
    set_password(work, holder=holder, password_hash=password_hash)
    await revoke_sessions_of(work, kind=credentials.kind, subject_id=credentials.subject_id)
    opened = await open_session(work, kind=credentials.kind, subject_id=credentials.subject_id)
    if credentials.kind is SessionKind.CUSTOMER:
        work.record(SignedOutEverywhere(customer_id=credentials.subject_id, kept_session_id=opened.session_id))
    return opened
