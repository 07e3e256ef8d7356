"""Who may change what is known of a customer."""

from collections.abc import Iterable
from uuid import UUID

from domain.base.actors import Permission
from domain.base.work import Work
from domain.customers.errors import CustomerNotFound
from domain.customers.repository.families import list_canonical_ids
from domain.customers.repository.sight import is_in_sight


async def require_customer(work: Work, *, customer_id: UUID, needs: Permission = Permission.CUSTOMERS_WRITE) -> None:
    """Let pass who has the permission, and a shopper who means themselves: also by the id of one absorbed.

    Raises `Forbidden`, and `CustomerNotFound` where a shopper means somebody else, or staff of some stores somebody
    who never had to do with them: like a customer who is missing.
    """
    own_id = work.actor.customer_id
    if own_id is None:
        work.require(needs)
        await require_seen(work, customer_id=customer_id)
    elif customer_id != own_id and not await _is_one(work, (own_id, customer_id)):
        raise CustomerNotFound


async def require_seen(work: Work, *, customer_id: UUID, name: str = "customer_id") -> None:
    """Let pass whoever sees the customer: who changes somebody whom they do not see would come to see them.

    Raises `CustomerNotFound`, about the field of this name.
    """
    sight = work.actor.sight
    if not sight.is_whole and not await is_in_sight(work.session, customer_id, sight=sight):
        raise CustomerNotFound(field=(name,))


async def _is_one(work: Work, ids: Iterable[UUID]) -> bool:
    """Tell whether all of these are records of one customer."""
    wanted = set(ids)
    found = await list_canonical_ids(work.session, wanted)
    return len(found) == len(wanted) and len(set(found.values())) == 1
