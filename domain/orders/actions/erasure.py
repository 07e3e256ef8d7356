"""What erasing a person leaves of their orders."""

from collections.abc import Sequence

from domain.base.work import Work
from domain.customers.actions.erasure import list_own_addresses
from domain.customers.events import CustomerErased
from domain.orders.repository.erasure import erase_contacts, lock_orders


async def erase_buyers(work: Work, events: Sequence[CustomerErased]) -> None:
    """Take out of the orders who bought and where the parcels went; the rest stays, as the law wants books kept.

    An address that nobody else has is taken out of other people's and guests' orders too. Locks those orders.
    """
    await work.session.flush()
    ids = [event.customer_id for event in events]
    addresses = await list_own_addresses(work, customer_ids=ids)
    await lock_orders(work.session, customer_ids=ids, addresses=addresses)
    await erase_contacts(work.session, customer_ids=ids, addresses=addresses)
