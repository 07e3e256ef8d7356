"""Adding customers, and changing what is known of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.base.actors import Permission
from domain.base.changes import Unchanged, changed
from domain.base.contacts import email_key
from domain.base.errors import VersionConflict
from domain.base.work import Work
from domain.customers.actions.entries import new_identity, refresh_keys, touch
from domain.customers.errors import EmailTaken, ExternalIdTaken
from domain.customers.events import CustomerCreated
from domain.customers.model import Customer, CustomerIdentity
from domain.customers.repository.customers import get_customer_for_update, list_tags_by_customer, replace_tags
from domain.customers.repository.identities import list_identities, lock_emails
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.profiles import CustomerChanges, CustomerDetails, check_changes, check_details
from domain.identity.repository import list_stores


async def create_customer(work: Work, *, details: CustomerDetails) -> UUID:
    """Add a customer whom nobody knew.

    Raises `Refusals`, `ExternalIdTaken`, `EmailTaken`. Records `CustomerCreated`.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = check_details(details, home_country=await _home_country(work), today=work.now.date())
    customer = Customer(
        external_id=checked.external_id,
        email=checked.email,
        phone=checked.phone,
        given_name=checked.given_name,
        family_name=checked.family_name,
        locale=checked.locale,
        time_zone=checked.time_zone,
        birth_date=checked.birth_date,
        country=checked.country,
        sort_name="",
        rank_key="",
        created_at=work.now,
        updated_at=work.now,
    )
    refresh_keys(customer)
    await _refuse_taken(work, checked)
    work.session.add(customer)
    await work.session.flush()
    work.session.add_all(_profile_identities(customer, now=work.now))
    await replace_tags(work.session, customer.id, checked.tags)
    work.record(CustomerCreated(customer_id=customer.id))
    return customer.id


async def update_customer(
    work: Work, *, customer_id: UUID, changes: CustomerChanges, expected_version: int | None
) -> UUID:
    """Change what is known of a customer; what is as it was changes nothing.

    Raises `Refusals`, `CustomerNotFound`, `VersionConflict`. Records `CustomerUpdated`. Locks the customer.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = check_changes(changes, today=work.now.date())
    customer = await get_customer_for_update(work.session, customer_id)
    if expected_version is not None and expected_version != customer.version:
        message = f"Somebody changed this customer: it is at version {customer.version}. Read it again, then decide."
        raise VersionConflict(message, current_version=customer.version)
    is_changed = False
    for name in ("given_name", "family_name", "locale", "time_zone", "birth_date", "country"):
        known = getattr(customer, name)
        value = changed(getattr(checked, name), known)
        if value != known:
            setattr(customer, name, value)
            is_changed = True
    if not isinstance(checked.tags, Unchanged) and await _change_tags(work, customer, checked.tags or ()):
        is_changed = True
    if is_changed:
        touch(work, customer=customer)
    return customer.id


async def _change_tags(work: Work, customer: Customer, tags: Sequence[str]) -> bool:
    """Give the customer these tags; return whether they had others."""
    known = (await list_tags_by_customer(work.session, [customer.id]))[customer.id]
    if known == list(tags):
        return False
    await replace_tags(work.session, customer.id, tags)
    return True


async def _refuse_taken(work: Work, details: CustomerDetails) -> None:
    if details.external_id is not None and await list_identities(
        work.session, kind=IdentityKind.EXTERNAL_ACCOUNT, values=[details.external_id]
    ):
        raise ExternalIdTaken
    if details.email is None:
        return
    await lock_emails(work.session, [email_key(details.email)])
    emails = await list_identities(work.session, kind=IdentityKind.EMAIL, values=[email_key(details.email)])
    if any(e.verification == IdentityVerification.VERIFIED or e.source == IdentitySource.PROFILE for e in emails):
        raise EmailTaken


def _profile_identities(customer: Customer, *, now: datetime) -> list[CustomerIdentity]:
    """Return what a customer added by staff or an app is recognised by: the caller vouches for the account only."""
    found = []
    if customer.external_id is not None:
        found.append(new_identity(customer, kind=IdentityKind.EXTERNAL_ACCOUNT, value=customer.external_id, now=now))
    for kind, value in (
        (IdentityKind.EMAIL, customer.email and email_key(customer.email)),
        (IdentityKind.PHONE, customer.phone),
    ):
        if value:
            identity = new_identity(customer, kind=kind, value=value, now=now)
            identity.verification = IdentityVerification.UNVERIFIED
            found.append(identity)
    return found


async def _home_country(work: Work) -> str | None:
    stores = await list_stores(work.session)
    return stores[0].country if stores else None
