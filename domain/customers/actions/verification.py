"""Codes that prove an e-mail identity: sent to it, and brought back by whoever reads its mail."""

from uuid import UUID

from domain.base.actors import Actor, ActorKind, Caller, Permission
from domain.base.database import Session
from domain.base.errors import Forbidden, Invalid, InvalidState, Refusal
from domain.base.work import Work, Works
from domain.customers.actions.confirming import confirm_password
from domain.customers.actions.identities import verify_known
from domain.customers.errors import IdentityBlocked, IdentityNotFound
from domain.customers.model import CustomerIdentity
from domain.customers.repository.identities import get_identity
from domain.customers.repository.sight import is_in_sight
from domain.customers.rules.identities import IdentityKind, IdentityVerification, is_blocked
from domain.identity.actions.codes import WantedCode, match_code, request_code, spend_codes
from domain.identity.actions.throttles import by_address, count, forget_others
from domain.identity.errors import CodeInvalid
from domain.identity.rules import CODES_FROM_ADDRESS, CodePurpose


async def send_identity_code(works: Works, *, identity_id: UUID, caller: Caller) -> UUID:
    """Send a code to an e-mail identity, so that its owner can prove it: a shopper to their own, staff to anybody's.

    Raises `Forbidden`, `IdentityNotFound`, `Invalid` for what is no e-mail address, `IdentityBlocked`,
    `InvalidState` where it is verified already, `TooManyAttempts`.
    """
    async with works.database.reading() as session:
        identity = await _get_own(session, identity_id, caller.actor)
    if identity.kind != IdentityKind.EMAIL:
        message = "Codes are sent to e-mail addresses only; vouch for another identity without a code."
        raise Invalid(message, field=("identity_id",))
    if is_blocked(identity.value, kind=IdentityKind.EMAIL, relay_domains=works.organisation.relay_domains):
        raise IdentityBlocked(field=("identity_id",))
    if identity.verification == IdentityVerification.VERIFIED:
        message = "This address is verified already."
        raise InvalidState(message, field=("identity_id",))
    wanted = WantedCode(purpose=CodePurpose.IDENTITY, address=identity.value, subject_id=identity.id)
    await request_code(works, wanted=wanted, action="customerIdentityCodeSend", caller=caller)
    return identity_id


async def verify_by_code(works: Works, *, identity_id: UUID, code: str, password: str | None, caller: Caller) -> UUID:
    """Verify an identity by the code that was sent to it; return the identity that is verified now.

    A shopper with an account proves that it is theirs by their password: who found a phone unlocked would otherwise
    come in by an address of their own from then on. A wrong code counts, which is committed before the refusal.

    Raises `Forbidden`, `IdentityNotFound`, `CodeInvalid`, `TooManyAttempts`, `Required`, `BadCredentials`, and what
    `verify_identity` raises. Records `CustomerUpdated`, perhaps `CustomerMerged`. Locks the family.
    """
    await confirm_password(works, password=password, caller=caller)
    counted = by_address(caller, sort="codesFromAddress", limit=CODES_FROM_ADDRESS)
    await count(works, attempts=counted)

    async def story(work: Work) -> UUID | Refusal:
        identity = await _get_own(work.session, identity_id, work.actor)
        row = await match_code(
            work, purpose=CodePurpose.IDENTITY, address_key=identity.value, subject_id=identity.id, code=code
        )
        if row is None:
            return CodeInvalid()
        await spend_codes(work, row=row)
        await forget_others(work, others=counted)
        return await verify_known(work, identity_id=identity_id)

    found = await works.perform(
        story, actor=caller.actor, action="customerIdentityVerify", request_id=caller.request_id
    )
    if isinstance(found, Refusal):
        raise found
    return found


async def _get_own(session: Session, identity_id: UUID, actor: Actor) -> CustomerIdentity:
    """Return an identity that the actor may prove: a stranger's is like none."""
    if actor.kind is not ActorKind.CUSTOMER and not actor.may(Permission.CUSTOMERS_WRITE):
        message = f"This needs the permission {Permission.CUSTOMERS_WRITE}."
        raise Forbidden(message)
    identity = await get_identity(session, identity_id)
    if not actor.sight.is_whole and not await is_in_sight(session, identity.customer_id, sight=actor.sight):
        raise IdentityNotFound
    return identity
