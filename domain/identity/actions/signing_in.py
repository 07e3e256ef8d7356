"""Signing in with an e-mail address and a password."""

from domain.base.actors import Caller
from domain.base.contacts import check_email, email_key
from domain.base.errors import Invalid
from domain.base.passwords import compare_password, hash_password
from domain.base.work import Work, Works
from domain.identity.actions.credentials import Credentials, find_credentials, get_holder
from domain.identity.actions.one_time import is_second_factor
from domain.identity.actions.sessions import SignedIn, open_session
from domain.identity.actions.throttles import Counted, by_address, count, forget
from domain.identity.errors import BadCredentials, OtpRequired
from domain.identity.model import StaffMember
from domain.identity.rules import SIGN_INS_IN_ALL, SIGN_INS_OF_ACCOUNT, SIGN_INS_OF_ADDRESS


async def sign_in(works: Works, *, email: str, password: str, otp: str | None, caller: Caller) -> SignedIn:
    """Sign in a member of staff or a shopper.

    An attempt is counted by account and by network address before it is looked at; a password is compared once,
    in a thread and outside of any transaction, also where the address is nobody's: the answer and its cost are then
    the same.

    Raises `TooManyAttempts`, `BadCredentials`, `OtpRequired`. Records `SessionCreated`. Locks who signs in.
    """
    key = sign_in_key(email)
    account = Counted("signInOfAccount", key or email, SIGN_INS_OF_ACCOUNT)
    others = by_address(caller, sort="signInOfAddress", limit=SIGN_INS_OF_ADDRESS)
    in_all = Counted("signInInAll", key or email, SIGN_INS_IN_ALL)
    await count(works, attempts=[account, in_all, *others])
    async with works.database.reading() as session:
        credentials = await find_credentials(session, email_key=key)
    known_hash = None if credentials is None else credentials.password_hash
    comparison = await compare_password(password, with_hash=known_hash)
    if credentials is None or not comparison.is_right:
        raise BadCredentials
    renewed = await hash_password(password) if comparison.is_outdated else None

    async def story(work: Work) -> SignedIn:
        signed_in = await _let_in(work, credentials, otp=otp, renewed=renewed)
        await forget(work, account=account, others=others)
        return signed_in

    return await works.perform(story, actor=caller.actor, action="sessionCreate", request_id=caller.request_id)


def sign_in_key(email: str) -> str:
    """Return the address as it is compared, nothing where it is none: nobody has that one."""
    try:
        return email_key(check_email(email))
    except Invalid:
        return ""


async def _let_in(work: Work, credentials: Credentials, *, otp: str | None, renewed: str | None) -> SignedIn:
    holder = await get_holder(work, credentials=credentials)
    # Another password since it was compared: this one is not theirs any more.
    if holder is None or holder.password_hash != credentials.password_hash:
        raise BadCredentials
    if isinstance(holder, StaffMember) and holder.totp_confirmed_at is not None:
        if otp is None:
            raise OtpRequired
        if not is_second_factor(work, member=holder, otp=otp):
            raise BadCredentials
    if renewed is not None:
        holder.password_hash = renewed
    return await open_session(work, kind=credentials.kind, subject_id=credentials.subject_id)
