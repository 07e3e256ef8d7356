"""Forgetting a person: for good, whole, and at once."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.base.actors import ActorKind, Permission
from domain.base.errors import Required
from domain.base.repository.keys import remove_idempotency_keys
from domain.base.work import Work
from domain.customers.actions.access import require_customer
from domain.customers.errors import CustomerNotFound
from domain.customers.events import CustomerErased
from domain.customers.repository.erasure import (
    erase_records,
    find_erased,
    list_addresses,
    list_addresses_of_others,
    list_answers,
    lock_for_erasure,
    remove_ranking_by,
)
from domain.customers.repository.families import get_family_for_update
from domain.identity.actions.accounts import forget_shoppers


async def erase_customer(work: Work, *, customer_id: UUID | None) -> UUID:
    """Erase all that is known of a person, with everybody whom they absorbed; return the customer who is gone.

    What was bought stays, with its sums, and so does what was decided on contacting somebody: for the books and
    for proof, by the id alone. A second time changes nothing. A shopper means themselves, and leaves the id out.

    Raises `Required`, `CustomerNotFound`. Records `CustomerErased` for each id. Locks the family.
    """
    wanted = await whom(work, customer_id=customer_id)
    try:
        records = await get_family_for_update(work.session, wanted)
    except CustomerNotFound:
        if (gone := await find_erased(work.session, wanted)) is None:
            raise
        return gone
    ids = [record.id for record in records]
    await lock_for_erasure(work.session, ids)
    for key in ids:
        work.record(CustomerErased(customer_id=key))
    return records[0].id


async def whom(work: Work, *, customer_id: UUID | None) -> UUID:
    """Return whose data an actor means, and may decide on: a shopper their own.

    Raises `Required`, `Forbidden`, `CustomerNotFound`.
    """
    wanted = work.actor.customer_id if customer_id is None else customer_id
    if wanted is None:
        work.require(Permission.PRIVACY_WRITE)
        message = "Say which customer is meant."
        raise Required(message, field=("customer_id",))
    await require_customer(work, customer_id=wanted, needs=Permission.PRIVACY_WRITE)
    return wanted


async def erase_profiles(work: Work, events: Sequence[CustomerErased]) -> None:
    """Remove what this area and that of accounts hold of them; what they were known by is gone for who reacts later.

    Whoever is signed in as one of them is nobody within two seconds.
    """
    ids = [event.customer_id for event in events]
    await work.session.flush()
    answers = await list_answers(work.session, ids)
    # A key is the client's own words, and the hash beside it one of what was written: both tell of the person.
    scopes = [f"{ActorKind.CUSTOMER}:{key}" for key in ids]
    await remove_idempotency_keys(work.session, scopes=scopes, answer_ids=answers)
    addresses = await list_addresses(work.session, ids)
    await forget_shoppers(work, customer_ids=ids, addresses=sorted(addresses))
    await remove_ranking_by(work.session, ids)
    await erase_records(work.session, ids, now=work.now)


async def list_own_addresses(work: Work, *, customer_ids: Iterable[UUID]) -> set[str]:
    """Return the e-mail addresses that these customers have, and nobody else."""
    ids = list(customer_ids)
    addresses = await list_addresses(work.session, ids)
    return addresses - await list_addresses_of_others(work.session, ids, addresses)
