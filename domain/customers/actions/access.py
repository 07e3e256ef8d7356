"""Who may change what is known of a customer."""

from collections.abc import Iterable
from uuid import UUID

from domain.base.actors import Permission
from domain.base.work import Work
from domain.customers.errors import CustomerNotFound
from domain.customers.repository.families import list_canonical_ids


async def require_customer(work: Work, *, customer_id: UUID, needs: Permission = Permission.CUSTOMERS_WRITE) -> None:
    """Let pass who has the permission, and a shopper who means themselves: also by the id of one absorbed.

    Raises `Forbidden`, and `CustomerNotFound` where a shopper means somebody else: like a customer who is missing.
    """
    own_id = work.actor.customer_id
    if own_id is None:
        work.require(needs)
    elif customer_id != own_id and not await _is_one(work, (own_id, customer_id)):
        raise CustomerNotFound


async def _is_one(work: Work, ids: Iterable[UUID]) -> bool:
    """Tell whether all of these are records of one customer."""
    wanted = set(ids)
    found = await list_canonical_ids(work.session, wanted)
    return len(found) == len(wanted) and len(set(found.values())) == 1
