"""The steps that every action on a customer shares."""

from datetime import datetime

from domain.base.texts import folded
from domain.base.work import Work
from domain.customers.events import CustomerUpdated
from domain.customers.model import Customer, CustomerIdentity
from domain.customers.rules.identities import IdentityKind, IdentitySource, IdentityVerification
from domain.customers.rules.profiles import display_name


def new_identity(customer: Customer, *, kind: IdentityKind, value: str, now: datetime) -> CustomerIdentity:
    """Return a sign that the caller vouches for; who does not vouch changes what it says."""
    return CustomerIdentity(
        customer_id=customer.id,
        kind=kind,
        value=value,
        verification=IdentityVerification.VERIFIED,
        source=IdentitySource.PROFILE,
        first_seen_at=now,
        last_seen_at=now,
    )


def touch(work: Work, *, customer: Customer) -> None:
    """Note that the profile changed. Records `CustomerUpdated`."""
    customer.version += 1
    customer.updated_at = work.now
    refresh_keys(customer)
    work.record(CustomerUpdated(customer_id=customer.id))


def refresh_keys(customer: Customer) -> None:
    """Keep the columns that lists are ordered by in step with the profile.

    Ties of a ranking are broken by the shop's own id, so that the shop can compute the same ranks
    from its own data; the product's id stands in where there is none.
    """
    name = display_name(
        given_name=customer.given_name,
        family_name=customer.family_name,
        external_id=customer.external_id,
        email=customer.email,
        phone=customer.phone,
    )
    customer.sort_name = folded(name)
    customer.rank_key = customer.external_id or customer.id.hex
