"""The steps that every action on a customer shares."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.base.identifiers import new_id
from domain.base.work import Work
from domain.customers.events import CustomerCreated, CustomerUpdated
from domain.customers.model import Customer, CustomerIdentity, CustomerRecord
from domain.customers.rules.families import PROFILE_FIELDS
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification


def new_record(work: Work, **profile: object) -> tuple[Customer, CustomerRecord]:
    """Return a customer nobody knew, and the record of what is said of them; the customer is stored first.

    What is shown of the customer is gathered from the record when the work ends. Records `CustomerCreated`.
    """
    key = new_id()
    values: dict[str, Any] = dict.fromkeys(PROFILE_FIELDS) | profile
    customer = Customer(
        id=key,
        **values,
        sort_name="",
        rank_key="",
        created_at=work.now,
        updated_at=work.now,
    )
    record = CustomerRecord(
        id=key,
        canonical_id=key,
        **values,
        created_at=work.now,
        updated_at=work.now,
    )
    work.record(CustomerCreated(customer_id=key))
    return customer, record


def new_identity(customer_id: UUID, *, kind: IdentityKind, value: str, now: datetime) -> CustomerIdentity:
    """Return a sign that the caller vouches for; who does not vouch changes what it says."""
    return CustomerIdentity(
        customer_id=customer_id,
        kind=kind,
        value=value,
        verification=IdentityVerification.VERIFIED,
        source=IdentitySource.PROFILE,
        first_seen_at=now,
        last_seen_at=now,
    )


def touch(work: Work, *, record: CustomerRecord) -> None:
    """Note that what is known of a customer changed. Records `CustomerUpdated`."""
    record.version += 1
    record.updated_at = work.now
    work.record(CustomerUpdated(customer_id=record.id))
