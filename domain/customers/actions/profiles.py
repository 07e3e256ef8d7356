"""Adding customers, and changing what is known of them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.changes import Unchanged, changed
from domain.base.contacts import email_key
from domain.base.errors import VersionConflict
from domain.base.work import Work
from domain.customers.actions.access import require_customer
from domain.customers.actions.attributes import set_attributes
from domain.customers.actions.entries import new_identity, new_record, touch
from domain.customers.actions.families import choose_words
from domain.customers.errors import EmailTaken, ExternalIdTaken
from domain.customers.model import CustomerIdentity, CustomerRecord
from domain.customers.repository.customers import insert_objects, list_tag_rows, replace_tags
from domain.customers.repository.families import get_family_for_update
from domain.customers.repository.identities import find_identities, lock_identities
from domain.customers.rules.families import gathered_profile, named_by_others
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification, is_blocked
from domain.customers.rules.profiles import CustomerChanges, CustomerDetails, check_changes, check_details
from domain.identity.repository.stores import find_home_country

_NAME = {"given_name", "family_name"}
_PROFILE = ("given_name", "family_name", "locale", "time_zone", "birth_date", "country")


async def create_customer(work: Work, *, details: CustomerDetails) -> UUID:
    """Add a customer whom nobody knew.

    Raises `Refusals`, `ExternalIdTaken`, `EmailTaken`, `AttributeUnknown`. Records `CustomerCreated`.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    checked = check_details(
        details, home_country=await find_home_country(work.session, work.organisation), today=work.now.date()
    )
    await _refuse_taken(work, checked)
    customer, record = new_record(
        work,
        **{field.name: getattr(checked, field.name) for field in fields(checked) if field.name not in _WORDS},
    )
    await insert_objects(work.session, [customer, record, *await _profile_identities(work, record)])
    await replace_tags(work.session, [record.id], [_tag_row(record.id, tag) for tag in checked.tags])
    await set_attributes(work, records=[record], changes=checked.attributes)
    return record.id


_WORDS = ("tags", "attributes")


async def update_customer(
    work: Work, *, customer_id: UUID, changes: CustomerChanges, expected_version: int | None
) -> UUID:
    """Change what is known of a customer; what is as it was changes nothing.

    The change is the canonical customer's own: those whom it absorbed keep what they had, and show it again
    when they are taken apart.

    Raises `Refusals`, `CustomerNotFound`, `VersionConflict`, `AttributeUnknown`. Records `CustomerUpdated`.
    Locks the family.
    """
    await require_customer(work, customer_id=customer_id)
    checked = check_changes(changes, today=work.now.date())
    records = await get_family_for_update(work.session, customer_id)
    version = sum(record.version for record in records)
    if expected_version is not None and expected_version != version:
        message = f"Somebody changed this customer: it is at version {version}. Read it again, then decide."
        raise VersionConflict(message, current_version=version)
    is_changed = _change_profile(records, checked)
    if not isinstance(checked.tags, Unchanged):
        is_changed = await _change_tags(work, records, checked.tags or ()) or is_changed
    if not isinstance(checked.attributes, Unchanged):
        is_changed = await set_attributes(work, records=records, changes=checked.attributes or ()) or is_changed
    if is_changed:
        touch(work, record=records[0])
    return records[0].id


def _change_profile(records: Sequence[CustomerRecord], changes: CustomerChanges) -> bool:
    """Change the first record so that the family shows the changes; return whether it showed anything else.

    What is left out stays: a new half of a name takes the other half along, which may be another record's word
    and would not be shown beside it.
    """
    record, shown = records[0], gathered_profile(records)
    wanted = {name: changed(getattr(changes, name), shown[name]) for name in _PROFILE}
    different = {name for name, value in wanted.items() if value != shown[name]}
    if different & _NAME:
        different |= _NAME
    emptied = set(record.emptied)
    for name in different:
        setattr(record, name, wanted[name])
        if wanted[name] is not None:
            emptied.discard(name)
        elif name in named_by_others(records):
            emptied.add(name)
    record.emptied = sorted(emptied)
    return bool(different)


async def _change_tags(work: Work, records: Sequence[CustomerRecord], tags: Sequence[str]) -> bool:
    """Let the family show these tags; return whether it showed others.

    A tag that an absorbed customer has stays theirs; taken off, that is noted on the canonical customer.
    """
    rows = await list_tag_rows(work.session, [record.id for record in records])
    if {row.tag for row in rows if row.is_shown} == set(tags):
        return False
    own_id = records[0].id
    own = {row.tag for row in rows if row.customer_id == own_id and not row.is_removed}
    others = {row.tag for row in rows if row.customer_id != own_id and not row.is_removed}
    hidden = {row.tag for row in rows if row.customer_id != own_id and row.is_removed}
    kept = [_tag_row(own_id, tag) for tag in tags if tag in own or tag in hidden or tag not in others]
    removed = [_tag_row(own_id, tag, is_removed=True) for tag in sorted(others - set(tags))]
    await replace_tags(work.session, [own_id], [*kept, *removed])
    await choose_words(work, records=records)
    return True


def _tag_row(customer_id: UUID, tag: str, *, is_removed: bool = False) -> dict[str, object]:
    return {"customer_id": customer_id, "tag": tag, "is_removed": is_removed, "is_shown": not is_removed}


async def _refuse_taken(work: Work, details: CustomerDetails) -> None:
    if details.external_id is not None:
        accounts = await find_identities(work.session, kind=IdentityKind.EXTERNAL_ACCOUNT, values=[details.external_id])
        if any(each.verification == IdentityVerification.VERIFIED for each in accounts):
            raise ExternalIdTaken
    if details.email is None:
        return
    key = email_key(details.email)
    await lock_identities(work.session, [key])
    emails = await find_identities(work.session, kind=IdentityKind.EMAIL, values=[key])
    if any(_is_owned(each) for each in emails):
        raise EmailTaken


def _is_owned(email: Any) -> bool:  # noqa: ANN401  a row
    """Tell whether an address is somebody's own: verified, or in their profile, and not shared."""
    is_own = email.verification == IdentityVerification.VERIFIED or email.source == IdentitySource.PROFILE
    return is_own and not email.is_shared


async def _profile_identities(work: Work, record: CustomerRecord) -> list[CustomerIdentity]:
    """Return what a customer added by staff or an app is recognised by: the caller vouches for the account only.

    What stands for anybody, such as a marketplace's relay or an e-mail that several share, is kept in the
    profile alone.
    """
    found = []
    if record.external_id is not None:
        found.append(
            new_identity(record.id, kind=IdentityKind.EXTERNAL_ACCOUNT, value=record.external_id, now=work.now)
        )
    email = record.email and email_key(record.email)
    if email and any(e.is_shared for e in await find_identities(work.session, kind=IdentityKind.EMAIL, values=[email])):
        email = None
    for kind, value in ((IdentityKind.EMAIL, email), (IdentityKind.PHONE, record.phone)):
        if value and not is_blocked(value, kind=kind, relay_domains=work.organisation.relay_domains):
            identity = new_identity(record.id, kind=kind, value=value, now=work.now)
            identity.verification = IdentityVerification.UNVERIFIED
            found.append(identity)
    return found
