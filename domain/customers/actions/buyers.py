"""Recognising who bought: the same person is one customer, two persons are two."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.base.contacts import email_key
from domain.base.work import Work
from domain.customers.actions.entries import new_identity, refresh_keys, touch
from domain.customers.events import CustomerCreated
from domain.customers.model import Customer, CustomerIdentity
from domain.customers.repository.customers import list_customers_for_update
from domain.customers.repository.identities import list_identities, lock_emails
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.profiles import Buyer


async def recognise_buyers(work: Work, *, buyers: Sequence[Buyer]) -> list[UUID]:
    """Return the customer behind each buyer, in order; those whom nobody knew are added.

    A buyer is found by external id, else by an e-mail that both the shop vouches for and the customer
    is known by, else, without an external id, by the unverified e-mail of an earlier such order. What
    the profile lacks is filled in from the order; what it has stays.

    Records `CustomerCreated`, `CustomerUpdated`. Locks the customers found.
    """
    book = await _open_book(work, buyers)
    ids = [_recognise(work, book, buyer) for buyer in buyers]
    await work.session.flush()  # the customers first: their identities refer to them
    work.session.add_all(book.noted)
    return ids


@dataclass(slots=True)
class _Book:
    """Who is known by what, for one batch of buyers."""

    by_external_id: dict[str, UUID]
    by_verified_email: dict[str, CustomerIdentity]
    by_profile_email: dict[str, CustomerIdentity]
    by_order_email: dict[str, UUID]
    customers: dict[UUID, Customer]
    noted: list[CustomerIdentity] = field(default_factory=list)


async def _open_book(work: Work, buyers: Sequence[Buyer]) -> _Book:
    accounts = await list_identities(
        work.session,
        kind=IdentityKind.EXTERNAL_ACCOUNT,
        values=[buyer.external_id for buyer in buyers if buyer.external_id],
    )
    addresses = [email_key(buyer.email) for buyer in buyers if buyer.email]
    await lock_emails(work.session, addresses)
    emails = await list_identities(work.session, kind=IdentityKind.EMAIL, values=addresses)
    verified = {e.value: e for e in emails if e.verification == IdentityVerification.VERIFIED}
    claimed = [e for e in emails if e.verification == IdentityVerification.UNVERIFIED]
    known = {i.customer_id for i in (*accounts, *emails)} | {b.current_id for b in buyers if b.current_id}
    return _Book(
        by_external_id={account.value: account.customer_id for account in accounts},
        by_verified_email=verified,
        by_profile_email={e.value: e for e in claimed if e.source == IdentitySource.PROFILE},
        by_order_email={e.value: e.customer_id for e in claimed if e.source == IdentitySource.ORDER},
        customers=await list_customers_for_update(work.session, known),
    )


def _recognise(work: Work, book: _Book, buyer: Buyer) -> UUID:
    found = _find_buyer(book, buyer)
    customer = _add_buyer(work, buyer) if found is None else found
    book.customers[customer.id] = customer
    is_filled = found is not None and _fill_gaps(customer, buyer)
    is_noted = _note_identities(work, book, customer, buyer)
    if found is not None and (is_filled or is_noted):
        touch(work, customer=customer)
    return customer.id


def _find_buyer(book: _Book, buyer: Buyer) -> Customer | None:
    found: UUID | None = None
    if buyer.external_id is not None:
        found = book.by_external_id.get(buyer.external_id)
    if found is None and buyer.email is not None:
        key = email_key(buyer.email)
        if buyer.is_email_verified:
            identity = book.by_verified_email.get(key) or book.by_profile_email.get(key)
            found = None if identity is None else identity.customer_id
        elif buyer.external_id is None:
            found = book.by_order_email.get(key)
    if found is None and buyer.is_anonymous:
        found = buyer.current_id
    return None if found is None else book.customers.get(found)


def _add_buyer(work: Work, buyer: Buyer) -> Customer:
    customer = Customer(
        external_id=buyer.external_id,
        email=buyer.email,
        phone=None,
        given_name=buyer.given_name,
        family_name=buyer.family_name,
        locale=None,
        time_zone=None,
        birth_date=None,
        country=buyer.country,
        sort_name="",
        rank_key="",
        created_at=work.now,
        updated_at=work.now,
    )
    refresh_keys(customer)
    work.session.add(customer)
    work.record(CustomerCreated(customer_id=customer.id))
    return customer


def _fill_gaps(customer: Customer, buyer: Buyer) -> bool:
    """Fill in what the profile lacks; return whether there was anything."""
    gaps = {
        "external_id": buyer.external_id,
        "email": buyer.email if buyer.is_email_verified else None,
        # Half of one name and half of another would be nobody's.
        "given_name": buyer.given_name if customer.family_name in (None, buyer.family_name) else None,
        "family_name": buyer.family_name if customer.given_name in (None, buyer.given_name) else None,
        "country": buyer.country,
    }
    filled = {name: value for name, value in gaps.items() if value is not None and getattr(customer, name) is None}
    for name, value in filled.items():
        setattr(customer, name, value)
    return bool(filled)


def _note_identities(work: Work, book: _Book, customer: Customer, buyer: Buyer) -> bool:
    """Keep by what the buyer came, so that they are recognised the next time; return whether any of it is new."""
    is_new_account = buyer.external_id is not None and buyer.external_id not in book.by_external_id
    if buyer.external_id is not None and is_new_account:
        book.by_external_id[buyer.external_id] = customer.id
        book.noted.append(
            new_identity(customer, kind=IdentityKind.EXTERNAL_ACCOUNT, value=buyer.external_id, now=work.now)
        )
    return _note_email(work, book, customer, buyer) or is_new_account


def _note_email(work: Work, book: _Book, customer: Customer, buyer: Buyer) -> bool:
    if buyer.email is None:
        return False
    key = email_key(buyer.email)
    if buyer.is_email_verified:
        return _note_verified_email(work, book, customer, key)
    if buyer.external_id is not None or key in book.by_order_email:
        return False
    book.by_order_email[key] = customer.id
    identity = new_identity(customer, kind=IdentityKind.EMAIL, value=key, now=work.now)
    identity.verification, identity.source = IdentityVerification.UNVERIFIED, IdentitySource.ORDER
    book.noted.append(identity)
    return True


def _note_verified_email(work: Work, book: _Book, customer: Customer, key: str) -> bool:
    """Note the e-mail as verified; where it is another customer's verified one, it stays theirs."""
    if key in book.by_verified_email:
        return False
    identity = book.by_profile_email.get(key)
    if identity is not None and identity.customer_id == customer.id:
        identity.verification, identity.last_seen_at = IdentityVerification.VERIFIED, work.now
    else:
        identity = new_identity(customer, kind=IdentityKind.EMAIL, value=key, now=work.now)
        identity.source = IdentitySource.ORDER
        book.noted.append(identity)
    book.by_verified_email[key] = identity
    return True
