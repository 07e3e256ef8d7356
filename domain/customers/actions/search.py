"""Keeping customers findable."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.work import Work
from domain.customers.events import CustomerCreated, CustomerUpdated
from domain.customers.repository.families import list_erased, list_records_by_id
from domain.customers.repository.identities import list_identities_by_record
from domain.customers.repository.search import replace_terms
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.search import order_terms, profile_terms


async def index_profiles(work: Work, events: Sequence[CustomerCreated | CustomerUpdated]) -> None:
    """Make the records' own data searchable."""
    ids = {event.customer_id for event in events}
    records = await list_records_by_id(work.session, ids)
    identities = await list_identities_by_record(work.session, ids)
    rows = [
        {"subject_id": record.id, "customer_id": record.id, "kind": kind, "term": term}
        for record in records.values()
        for kind, term in profile_terms(
            given_name=record.given_name,
            family_name=record.family_name,
            emails={record.email} if record.email else set(),
            phones={record.phone} if record.phone else set(),
            identities=[(IdentityKind(each.kind), each.value) for each in identities[record.id]],
        )
    ]
    await replace_terms(work.session, ids, rows)


async def index_order_numbers(
    work: Work, *, order_ids: Sequence[UUID], numbers: Sequence[tuple[UUID, UUID, str]]
) -> None:
    """Make the orders' numbers find their customers; `numbers` are order, customer and number.

    Of customers who were erased nobody is found.
    """
    erased = await list_erased(work.session, {customer_id for _, customer_id, _ in numbers})
    terms = {
        (order_id, customer_id, kind, term)
        for order_id, customer_id, number in numbers
        for kind, term in order_terms(number)
        if customer_id not in erased
    }
    rows = [dict(zip(("subject_id", "customer_id", "kind", "term"), term, strict=True)) for term in sorted(terms)]
    await replace_terms(work.session, order_ids, rows)
