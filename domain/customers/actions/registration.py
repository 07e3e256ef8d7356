"""Shoppers who register themselves: whoever has the mailbox is the customer whom it belongs to."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain.base.actors import Caller
from domain.base.contacts import check_email, email_key
from domain.base.errors import Checks
from domain.base.passwords import check_password
from domain.base.places import check_locale
from domain.base.texts import clean_optional
from domain.base.work import Work, Works
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.actions.entries import new_record, touch
from domain.customers.errors import IdentityBlocked
from domain.customers.repository.families import get_family_for_update
from domain.customers.rules.families import gathered_profile
from domain.customers.rules.identities import IdentityKind, is_blocked
from domain.customers.rules.profiles import Buyer
from domain.identity.actions.accounts import add_account
from domain.identity.actions.codes import WantedCode, match_code, request_code, spend_codes
from domain.identity.actions.credentials import find_credentials
from domain.identity.actions.sessions import SignedIn, open_session
from domain.identity.actions.signing_in import sign_in_key
from domain.identity.actions.throttles import by_address, count, forget_others
from domain.identity.errors import CodeInvalid
from domain.identity.model import MailedCode
from domain.identity.rules import CODES_FROM_ADDRESS, CodePurpose, SessionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What somebody says who registers."""

    email: str
    password: str = field(repr=False)
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None


async def register(works: Works, *, registration: Registration, caller: Caller) -> None:
    """Send a code to an address, with which its owner finishes; what is done and answered is the same for a known one.

    The owner of a known address gets a mail that says that they have an account.

    Raises `Refusals`, `IdentityBlocked` for what stands for anybody, `TooManyAttempts`.
    """
    checked = _check(registration)
    if is_blocked(checked.email, kind=IdentityKind.EMAIL, relay_domains=works.organisation.relay_domains):
        raise IdentityBlocked(field=("email",))
    wanted = WantedCode(
        purpose=CodePurpose.REGISTRATION,
        address=checked.email,
        locale=checked.locale,
        details={
            "given_name": checked.given_name,
            "family_name": checked.family_name,
            "locale": checked.locale,
        },
        password=checked.password,
    )
    await request_code(works, wanted=wanted, action="customerRegister", caller=caller)


def _check(registration: Registration) -> Registration:
    checks = Checks()
    said = registration
    checked = replace(
        said,
        email=checks.take(lambda: check_email(said.email), "email") or "",
        password=checks.take(lambda: check_password(said.password), "password") or "",
        given_name=checks.take(lambda: clean_optional(said.given_name), "given_name"),
        family_name=checks.take(lambda: clean_optional(said.family_name), "family_name"),
        locale=checks.take(lambda: check_locale(said.locale) if said.locale else None, "locale"),
    )
    checks.settle()
    return checked


async def confirm_registration(works: Works, *, email: str, code: str, caller: Caller) -> SignedIn:
    """Finish a registration with the code from the mail, and sign in.

    The code proves the address: it is verified as that of the customer who is known by it, else of a new one. A wrong
    code counts, which is committed before the refusal.

    Raises `TooManyAttempts`, `CodeInvalid`. Records `AccountCreated`, `SessionCreated`, `CustomerCreated` or
    `CustomerUpdated`. Locks the family.
    """
    key = sign_in_key(email)
    counted = by_address(caller, sort="codesFromAddress", limit=CODES_FROM_ADDRESS)
    await count(works, attempts=counted)

    async def story(work: Work) -> SignedIn | None:
        row = await match_code(work, purpose=CodePurpose.REGISTRATION, address_key=key, code=code)
        # Somebody who has the address may have come to be known between the mail and its code.
        if row is None or await find_credentials(work.session, email_key=key) is not None:
            return None
        await spend_codes(work, row=row)
        await forget_others(work, others=counted)
        customer_id = await _join(work, row)
        add_account(work, customer_id=customer_id, email=row.address, password_hash=row.details["password_hash"])
        return await open_session(work, kind=SessionKind.CUSTOMER, subject_id=customer_id)

    found = await works.perform(
        story, actor=caller.actor, action="customerRegisterConfirm", request_id=caller.request_id
    )
    if found is None:
        raise CodeInvalid
    return found


async def _join(work: Work, row: MailedCode) -> UUID:
    """Return the customer whose address was proven, by the rules for buyers for whom the shop vouches."""
    said = row.details
    buyer = Buyer(
        email=row.address,
        is_email_verified=True,
        given_name=said["given_name"],
        family_name=said["family_name"],
    )
    (customer_id,) = await recognise_buyers(work, buyers=[buyer])
    if customer_id is None:  # several share the address: nobody is recognised by it
        customer, record = new_record(work, email=email_key(row.address))
        work.session.add(customer)
        await work.session.flush()
        work.session.add(record)
        customer_id = record.id
    await work.session.flush()
    if said["locale"] is not None:
        await _speak(work, customer_id, said["locale"])
    return customer_id


async def _speak(work: Work, customer_id: UUID, locale: str) -> None:
    """Note the language of somebody of whom none was known."""
    records = await get_family_for_update(work.session, customer_id)
    if gathered_profile(records)["locale"] is None:
        record = next(each for each in records if each.id == customer_id)
        record.locale = locale
        touch(work, record=record)
