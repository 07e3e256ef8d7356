"""Shoppers who come in themselves: who they are, however they were merged meanwhile."""

from dataclasses import replace

from domain.base.actors import Actor, ActorKind
from domain.base.database import Session
from domain.customers.repository.families import list_canonical_ids
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.identities import IdentityKind


async def canonical_actor(session: Session, *, actor: Actor) -> Actor | None:
    """Return the actor as whom they act: who was absorbed acts as the customer who absorbed them.

    None for a customer whom there is not any more.
    """
    if actor.kind is not ActorKind.CUSTOMER or actor.id is None:
        return actor
    canonical_id = (await list_canonical_ids(session, [actor.id])).get(actor.id)
    return None if canonical_id is None else replace(actor, id=canonical_id)


async def find_shopper(session: Session, *, external_id: str) -> Actor | None:
    """Return the shopper with the shop's own id, for whom somebody else has vouched; None where there is none."""
    customer_id = await find_customer_by_identity(
        session, kind=IdentityKind.EXTERNAL_ACCOUNT, namespace="", value=external_id
    )
    return None if customer_id is None else Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=customer_id)
