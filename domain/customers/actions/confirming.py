"""Asking a shopper for their password again, whichever of their records they signed in by."""

from domain.base.actors import Caller
from domain.base.work import Works
from domain.customers.repository.families import list_family
from domain.identity.actions.confirming import confirm_shopper


async def confirm_password(works: Works, *, password: str | None, caller: Caller) -> None:
    """Hold that a shopper who means themselves is the one who signed in; nobody else is asked.

    Nor is a guest, who has none.

    Raises `Required`, `TooManyAttempts`, `BadCredentials`.
    """
    if (customer_id := caller.actor.customer_id) is None or caller.actor.is_visitor:
        return
    async with works.database.reading() as session:
        family = await list_family(session, customer_id)
    await confirm_shopper(works, customer_ids=family, password=password, caller=caller)
