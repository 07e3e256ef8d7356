"""By what a customer is recognised: adding, vouching, sharing, taking away."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.actors import Permission
from domain.base.contacts import email_key
from domain.base.errors import Checks, Forbidden, Invalid, TooLong
from domain.base.work import Work
from domain.customers.actions.access import require_customer
from domain.customers.actions.entries import touch
from domain.customers.actions.proposals import propose_claimed
from domain.customers.errors import CustomerNotFound, IdentityBlocked, IdentityNotFound, IdentityTaken
from domain.customers.model import CustomerIdentity, CustomerRecord
from domain.customers.repository.families import get_family_for_update, list_canonical_ids
from domain.customers.repository.identities import (
    count_identities,
    get_identity,
    list_identities,
    lock_identities,
    remove_identity,
)
from domain.customers.rules.families import gathered_profile
from domain.customers.rules.identities import (
    IDENTITIES_MAX,
    IdentityKind,
    IdentitySource,
    IdentityVerification,
    check_namespace,
    check_value,
    is_blocked,
    is_withheld,
)
from domain.identity.repository.stores import find_home_country

SAID_BY_SHOPPERS = frozenset({IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.SOCIAL_HANDLE})
"""What shoppers say of themselves; the shop knows them by the rest."""


async def add_identity(
    work: Work, *, customer_id: UUID, kind: IdentityKind, namespace: str | None, value: str, is_shared: bool
) -> UUID:
    """Note by what else a customer may be recognised; it is not verified yet. Known already, nothing changes.

    What stands for anybody, such as a marketplace's relay, is kept as a way to reach them: it is never verified.

    Raises `CustomerNotFound`, `Refusals`, `IdentityBlocked`, `TooLong`, `IdentityTaken` unless it is shared.
    Records `CustomerUpdated`. Locks the family.
    """
    await require_customer(work, customer_id=customer_id)
    if work.actor.customer_id is not None and kind not in SAID_BY_SHOPPERS:
        message = "You can add e-mail addresses, telephone numbers and names in social networks yourself."
        raise Invalid(message, field=("kind",))
    space, checked = await _checked(work, kind, namespace, value)
    same = await _same(work, kind, space, checked)
    records = await get_family_for_update(work.session, customer_id)
    family = {record.id for record in records}
    known = next((each for each in same if each.customer_id in family), None)
    if known is not None:
        return known.id
    # A shopper is not told whose it is: without a code sent there it stays a claim.
    if not is_shared and work.actor.customer_id is None and _is_anothers(same, family):
        raise IdentityTaken
    record = next(record for record in records if record.id == customer_id)
    if await count_identities(work.session, record.id) >= IDENTITIES_MAX:
        message = f"A customer is recognised by at most {IDENTITIES_MAX} identities; remove one first."
        raise TooLong(message, field=("customer_id",))
    identity = CustomerIdentity(
        customer_id=record.id,
        kind=kind,
        namespace=space,
        value=checked,
        verification=IdentityVerification.UNVERIFIED,
        source=IdentitySource.ADDED,
        is_shared=is_shared,
        first_seen_at=work.now,
        last_seen_at=work.now,
    )
    work.session.add(identity)
    column = _column_of(identity)
    if column in ("email", "phone") and gathered_profile(records)[column] is None:
        setattr(record, column, identity.value)
    touch(work, record=record)
    return identity.id


async def _checked(work: Work, kind: IdentityKind, namespace: str | None, value: str) -> tuple[str, str]:
    if kind is IdentityKind.PHONE and is_withheld(value):
        raise IdentityBlocked
    country = await find_home_country(work.session, work.organisation)
    checks = Checks()
    space = checks.take(lambda: check_namespace(namespace, kind=kind), "namespace") or ""
    checked = checks.take(lambda: check_value(value, kind=kind, home_country=country), "value") or ""
    checks.settle()
    return space, checked


async def verify_identity(work: Work, *, identity_id: UUID) -> UUID:
    """Vouch that an identity is the customer's; return the identity that is verified now.

    Where it is verified as another customer's, both sides are proven to be one person: they are merged if the
    organisation allows that to happen by itself, and it is refused otherwise.

    Raises `IdentityNotFound`, `IdentityBlocked`, `IdentityTaken`. Records `CustomerUpdated`, perhaps
    `CustomerMerged`. Locks the family.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    await _get_own(work, identity_id)
    return await verify_known(work, identity_id=identity_id)


async def verify_known(work: Work, *, identity_id: UUID) -> UUID:
    """Verify an identity that was vouched for or proven; see `verify_identity`."""
    known = await get_identity(work.session, identity_id)
    same = await _same(work, IdentityKind(known.kind), known.namespace, known.value)
    records = await get_family_for_update(work.session, known.customer_id)
    identity = await get_identity(work.session, identity_id)
    if identity.verification == IdentityVerification.VERIFIED:
        return identity.id
    if _is_nobodys(work, identity):
        raise IdentityBlocked(field=("identity_id",))
    if identity.is_shared:
        return _vouch(work, records, identity)
    holder = next((each for each in same if _is_owned(each)), None)
    if holder is None:
        return _vouch(work, records, identity)
    if holder.customer_id not in {record.id for record in records}:
        await _merge_with(work, identity, holder, same)
    return holder.id


async def _merge_with(
    work: Work, identity: CustomerIdentity, holder: CustomerIdentity, same: Sequence[CustomerIdentity]
) -> None:
    """Merge the two as whose one value is proven. Raises `IdentityTaken` where that waits for a person."""
    if any(each.is_shared for each in same) or not work.organisation.merges_automatically:
        raise IdentityTaken(field=("identity_id",))
    await propose_claimed(work, claims=[(identity.customer_id, holder)])
    canonical = await list_canonical_ids(work.session, [identity.customer_id, holder.customer_id])
    if len(set(canonical.values())) > 1:
        raise IdentityTaken(field=("identity_id",))


def _is_nobodys(work: Work, identity: CustomerIdentity) -> bool:
    """Tell whether an identity stands for nobody or for anybody."""
    relays = work.organisation.relay_domains
    return is_blocked(identity.value, kind=IdentityKind(identity.kind), relay_domains=relays)


def _vouch(work: Work, records: Sequence[CustomerRecord], identity: CustomerIdentity) -> UUID:
    identity.verification, identity.last_seen_at = IdentityVerification.VERIFIED, work.now
    record = next(record for record in records if record.id == identity.customer_id)
    _fill_profile(record, identity)
    touch(work, record=record)
    return identity.id


async def share_identity(work: Work, *, identity_id: UUID, is_shared: bool) -> UUID:
    """Note whether several people use this: then nobody is recognised by it.

    Raises `IdentityNotFound`, `IdentityTaken` where it is verified as another customer's and no longer shared.
    Records `CustomerUpdated`. Locks the family.
    """
    work.require(Permission.CUSTOMERS_WRITE)
    known = await _get_own(work, identity_id)
    same = await _same(work, IdentityKind(known.kind), known.namespace, known.value)
    records = await get_family_for_update(work.session, known.customer_id)
    identity = await get_identity(work.session, identity_id)
    if identity.is_shared == is_shared:
        return identity.id
    is_verified = identity.verification == IdentityVerification.VERIFIED
    if not is_shared and is_verified and any(_is_owned(each) for each in same if each.id != identity.id):
        raise IdentityTaken(field=("identity_id",))
    identity.is_shared = is_shared
    touch(work, record=next(record for record in records if record.id == identity.customer_id))
    return identity.id


async def take_identity_away(work: Work, *, identity_id: UUID) -> UUID:
    """Recognise the customer by this no longer, nor show it in their profile; return the customer.

    Raises `IdentityNotFound`. Records `CustomerUpdated`. Locks the family.
    """
    known = await _get_own(work, identity_id)
    if work.actor.customer_id is not None and IdentityKind(known.kind) not in SAID_BY_SHOPPERS:
        message = "This is how the shop knows you; ask the shop to change it."
        raise Forbidden(message, field=("identity_id",))
    await lock_identities(work.session, [known.value])
    records = await get_family_for_update(work.session, known.customer_id)
    identity = await get_identity(work.session, identity_id)
    record = next(record for record in records if record.id == identity.customer_id)
    if (column := _column_of(identity)) is not None and _key_of(record, column) == identity.value:
        setattr(record, column, None)
    await remove_identity(work.session, identity.id)
    touch(work, record=record)
    return records[0].id


async def _get_own(work: Work, identity_id: UUID) -> CustomerIdentity:
    """Return the identity, where the actor may change whose it is. Raises `IdentityNotFound`, `Forbidden`."""
    if work.actor.customer_id is None:
        work.require(Permission.CUSTOMERS_WRITE)
    identity = await get_identity(work.session, identity_id)
    try:
        await require_customer(work, customer_id=identity.customer_id)
    except CustomerNotFound:
        raise IdentityNotFound from None
    return identity


async def _same(work: Work, kind: IdentityKind, namespace: str, value: str) -> Sequence[CustomerIdentity]:
    """Return everybody's identities with this value, while nobody else decides whose it is.

    Whoever locks families too does so afterwards: everybody in this order, so that nobody waits in a circle.
    """
    await lock_identities(work.session, [value])
    return await list_identities(work.session, kind=kind, namespace=namespace, values=[value])


def _is_owned(identity: CustomerIdentity) -> bool:
    return identity.verification == IdentityVerification.VERIFIED and not identity.is_shared


def _is_anothers(same: Sequence[CustomerIdentity], family: set[UUID]) -> bool:
    return any(_is_owned(each) and each.customer_id not in family for each in same)


def _column_of(identity: CustomerIdentity) -> str | None:
    """Return where the profile shows an identity of this kind; None where it does not."""
    if identity.kind == IdentityKind.EXTERNAL_ACCOUNT and not identity.namespace:
        return "external_id"
    return {IdentityKind.EMAIL: "email", IdentityKind.PHONE: "phone"}.get(IdentityKind(identity.kind))


def _key_of(record: CustomerRecord, column: str) -> str | None:
    shown: str | None = getattr(record, column)
    return email_key(shown) if shown and column == "email" else shown


def _fill_profile(record: CustomerRecord, identity: CustomerIdentity) -> None:
    """Show an identity in a profile that has none of its kind yet."""
    column = _column_of(identity)
    if column is not None and getattr(record, column) is None:
        setattr(record, column, identity.value)
