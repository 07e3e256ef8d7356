"""Who may sign in to the demo: a member of staff of each role, and a shopper, with one password of its own."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from api.demo import CLARAS_EMAIL, read_details
from api.imports.online_retail import STORE
from domain.base.actors import SYSTEM, StaffRole
from domain.base.passwords import hash_password
from domain.base.work import Work, Works
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.identities import IdentityKind
from domain.identity.actions.accounts import add_account
from domain.identity.actions.credentials import find_credentials, get_holder, set_password
from domain.identity.actions.staff import create_staff_member
from domain.identity.rules import StaffDetails

_PEOPLE: Mapping[StaffRole, tuple[str, tuple[str, ...]]] = {
    StaffRole.ADMIN: ("Adele Moretti", ()),
    StaffRole.SUPERVISOR: ("Sam Okafor", ()),
    StaffRole.AGENT: ("Agnes Byrne", ()),
    StaffRole.PARTNER_AGENT: ("Pablo Serra", (STORE.code,)),
    StaffRole.ANALYST: ("Ana Lindqvist", ()),
}
"""By role: a name, and the stores that they see; none means all."""

SHOPPER = "SHOPPER"


async def ready_logins(works: Works, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the password and by whom it is used: role and address. What is missing is added; the rest stays.

    Where the password of the last run is not known any more, everybody gets a new one.
    """
    known = read_details(folder).get("password")
    password = known or secrets.token_urlsafe(12)
    emails = {role.value: f"{role.value.lower().replace('_', '-')}@demo.example" for role in _PEOPLE}
    async with works.database.reading() as session:
        absent = [e for e in (*emails.values(), CLARAS_EMAIL) if not await find_credentials(session, email_key=e)]
        shopper = await find_customer_by_identity(session, kind=IdentityKind.EMAIL, namespace="", value=CLARAS_EMAIL)
    if shopper is not None:
        emails[SHOPPER] = CLARAS_EMAIL
    wanted = [(who, email) for who, email in emails.items() if known is None or email in absent]
    if wanted:
        password_hash = await hash_password(password)

        async def story(work: Work) -> None:
            for who, email in wanted:
                await _let_in(work, who, email, password_hash)

        await works.perform(story, actor=SYSTEM, action="demoLogins")
    return password, emails


async def _let_in(work: Work, who: str, email: str, password_hash: str) -> None:
    credentials = await find_credentials(work.session, email_key=email)
    if credentials is not None:
        holder = await get_holder(work, credentials=credentials)
        if holder is not None:
            set_password(work, holder=holder, password_hash=password_hash)
    elif who == SHOPPER:
        customer_id = await find_customer_by_identity(work.session, kind=IdentityKind.EMAIL, namespace="", value=email)
        if customer_id is not None:
            add_account(work, customer_id=customer_id, email=email, password_hash=password_hash)
    else:
        name, store_codes = _PEOPLE[StaffRole(who)]
        details = StaffDetails(email=email, name=name, role=StaffRole(who), store_codes=store_codes)
        await create_staff_member(work, details=details, password_hash=password_hash)
