"""Recognising who bought: the same person is one customer, two persons are two."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from domain.base.contacts import email_key
from domain.base.repository.rows import update_rows
from domain.base.work import Work
from domain.customers.actions.entries import new_identity, new_record, touch
from domain.customers.actions.proposals import propose_claimed
from domain.customers.model import Customer, CustomerIdentity, CustomerRecord
from domain.customers.repository.customers import insert_objects
from domain.customers.repository.families import hold_families, list_records_by_id
from domain.customers.repository.identities import find_identities, lock_identities
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification, is_blocked
from domain.customers.rules.profiles import Buyer


async def recognise_buyers(work: Work, *, buyers: Sequence[Buyer]) -> list[UUID | None]:
    """Return the record behind each buyer, in order; those whom nobody knew are added.

    A buyer is found by external id, else by an e-mail that both the shop vouches for and the customer
    is known by, else, without an external id, by the unverified e-mail of an earlier such order. What
    the profile lacks is filled in from the order; what it has stays. None: a guest, of whom nothing is
    known but perhaps an e-mail that stands for anybody.

    Records `CustomerCreated`, `CustomerUpdated`, `MergeProposed`. Locks the families found.
    """
    book = await _open_book(work, buyers)
    ids = [_recognise(work, book, _without_nobodys_signs(work, book, buyer)) for buyer in buyers]
    await _write_book(work, book)
    await propose_claimed(work, claims=book.claims)
    return ids


@dataclass(slots=True)
class _Book:
    """Who is known by what, for one batch of buyers: what was read is copied, so that it can be changed here first."""

    by_external_id: dict[str, UUID]
    by_verified_email: dict[str, Any]
    by_profile_email: dict[str, Any]
    by_order_email: dict[str, UUID]
    claimed_emails: dict[tuple[UUID, str], Any]
    """Whose an unverified e-mail is said to be, from whatever source."""
    shared: set[tuple[str, str]]
    records: dict[UUID, Any]
    changed: dict[UUID, Any] = field(default_factory=dict)
    """Records of which more is known now."""
    verified: list[Any] = field(default_factory=list)
    """Identities for which the shop vouches now."""
    added: list[Customer] = field(default_factory=list)
    fresh_ids: set[UUID] = field(default_factory=set)
    noted: list[CustomerIdentity] = field(default_factory=list)
    claims: list[tuple[UUID, Any]] = field(default_factory=list)
    """Buyers for whom the shop vouches with an e-mail that is verified as another customer's."""


async def _open_book(work: Work, buyers: Sequence[Buyer]) -> _Book:
    external_ids = [buyer.external_id for buyer in buyers if buyer.external_id]
    accounts = await find_identities(work.session, kind=IdentityKind.EXTERNAL_ACCOUNT, values=external_ids)
    addresses = [email_key(buyer.email) for buyer in buyers if buyer.email]
    await lock_identities(work.session, addresses)
    emails: Sequence[Any] = await find_identities(work.session, kind=IdentityKind.EMAIL, values=addresses)
    known = {i.customer_id for i in (*accounts, *emails)} | {b.current_id for b in buyers if b.current_id}
    await hold_families(work.session, known)
    rows = await list_records_by_id(work.session, known)
    records = {key: _copy(row) for key, row in rows.items() if row.erased_at is None}
    # Who was erased while we waited is known by nothing any more.
    accounts = [account for account in accounts if account.customer_id in records]
    emails = [_copy(email) for email in emails if email.customer_id in records]
    verified = {e.value: e for e in emails if e.verification == IdentityVerification.VERIFIED}
    claimed = [e for e in emails if e.verification == IdentityVerification.UNVERIFIED]
    return _Book(
        by_external_id={
            account.value: account.customer_id
            for account in accounts
            if account.verification == IdentityVerification.VERIFIED
        },
        by_verified_email=verified,
        by_profile_email={e.value: e for e in claimed if e.source == IdentitySource.PROFILE},
        by_order_email={e.value: e.customer_id for e in claimed if e.source == IdentitySource.ORDER},
        claimed_emails={(e.customer_id, e.value): e for e in claimed},
        shared={(each.kind, each.value) for each in (*accounts, *emails) if each.is_shared},
        records=records,
    )


def _copy(row: Any) -> SimpleNamespace:  # noqa: ANN401  a row
    return SimpleNamespace(**row._mapping)  # noqa: SLF001  a part of what rows are


async def _write_book(work: Work, book: _Book) -> None:
    """Write what became known: first what is somebody's now, as it makes room for what is another one's."""
    filled = ("id", "external_id", "email", "given_name", "family_name", "country", "version", "updated_at")
    changed = [{name: getattr(record, name) for name in filled} for record in book.changed.values()]
    await update_rows(work.session, CustomerRecord, changed)
    seen = ("id", "verification", "last_seen_at")
    verified = [{name: getattr(identity, name) for name in seen} for identity in book.verified]
    await update_rows(work.session, CustomerIdentity, verified)
    fresh = [book.records[key] for key in book.fresh_ids]
    await insert_objects(work.session, [*book.added, *fresh, *book.noted])


def _without_nobodys_signs(work: Work, book: _Book, buyer: Buyer) -> Buyer:
    """Return the buyer without what is no evidence: it stands for anybody, or several share it."""
    if (IdentityKind.EXTERNAL_ACCOUNT, buyer.external_id) in book.shared:
        buyer = replace(buyer, external_id=None)
    if buyer.email is None:
        return buyer
    key = email_key(buyer.email)
    is_nobodys = is_blocked(key, kind=IdentityKind.EMAIL, relay_domains=work.organisation.relay_domains)
    if is_nobodys or (IdentityKind.EMAIL, key) in book.shared:
        buyer = replace(buyer, email=None, is_email_verified=False)
    return buyer


def _recognise(work: Work, book: _Book, buyer: Buyer) -> UUID | None:
    found = _find_buyer(book, buyer)
    if found is None and buyer.is_empty:
        return None
    record = _add_buyer(work, book, buyer) if found is None else found
    is_filled = found is not None and _fill_gaps(record, buyer)
    is_noted = _note_identities(work, book, record, buyer)
    if found is not None and (is_filled or is_noted):
        touch(work, record=record)
        if record.id not in book.fresh_ids:
            book.changed[record.id] = record
    return record.id


def _find_buyer(book: _Book, buyer: Buyer) -> Any | None:  # noqa: ANN401  a record, or a row of one
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
    return None if found is None else book.records.get(found)


def _add_buyer(work: Work, book: _Book, buyer: Buyer) -> CustomerRecord:
    customer, record = new_record(
        work,
        external_id=buyer.external_id,
        email=buyer.email,
        given_name=buyer.given_name,
        family_name=buyer.family_name,
        country=buyer.country,
    )
    book.added.append(customer)
    book.fresh_ids.add(record.id)
    book.records[record.id] = record
    return record


def _fill_gaps(record: Any, buyer: Buyer) -> bool:  # noqa: ANN401
    """Fill in what the profile lacks; return whether there was anything."""
    gaps = {
        "external_id": buyer.external_id,
        "email": buyer.email if buyer.is_email_verified else None,
        # Half of one name and half of another would be nobody's.
        "given_name": buyer.given_name if record.family_name in (None, buyer.family_name) else None,
        "family_name": buyer.family_name if record.given_name in (None, buyer.given_name) else None,
        "country": buyer.country,
    }
    filled = {name: value for name, value in gaps.items() if value is not None and getattr(record, name) is None}
    for name, value in filled.items():
        setattr(record, name, value)
    return bool(filled)


def _note_identities(work: Work, book: _Book, record: Any, buyer: Buyer) -> bool:  # noqa: ANN401
    """Keep by what the buyer came, so that they are recognised the next time; return whether any of it is new."""
    is_new_account = buyer.external_id is not None and buyer.external_id not in book.by_external_id
    if buyer.external_id is not None and is_new_account:
        book.by_external_id[buyer.external_id] = record.id
        book.noted.append(
            new_identity(record.id, kind=IdentityKind.EXTERNAL_ACCOUNT, value=buyer.external_id, now=work.now)
        )
    return _note_email(work, book, record, buyer) or is_new_account


def _note_email(work: Work, book: _Book, record: Any, buyer: Buyer) -> bool:  # noqa: ANN401
    if buyer.email is None:
        return False
    key = email_key(buyer.email)
    if buyer.is_email_verified:
        return _note_verified_email(work, book, record, key)
    if buyer.external_id is not None or key in book.by_order_email:
        return False
    book.by_order_email[key] = record.id
    identity = new_identity(record.id, kind=IdentityKind.EMAIL, value=key, now=work.now)
    identity.verification, identity.source = IdentityVerification.UNVERIFIED, IdentitySource.ORDER
    book.claimed_emails[record.id, key] = identity
    book.noted.append(identity)
    return True


def _note_verified_email(work: Work, book: _Book, record: Any, key: str) -> bool:  # noqa: ANN401
    """Note the e-mail as verified; where it is another customer's verified one, it stays theirs."""
    if (holder := book.by_verified_email.get(key)) is not None:
        if holder.customer_id != record.id:
            book.claims.append((record.id, holder))
        return False
    identity = book.claimed_emails.get((record.id, key))
    if identity is not None:
        identity.verification, identity.last_seen_at = IdentityVerification.VERIFIED, work.now
        book.verified.append(identity)
        if book.by_order_email.get(key) == record.id:
            del book.by_order_email[key]
    else:
        identity = new_identity(record.id, kind=IdentityKind.EMAIL, value=key, now=work.now)
        identity.source = IdentitySource.ORDER
        book.noted.append(identity)
    book.by_verified_email[key] = identity
    return True
