"""Shoppers who come in themselves: who they are, however they were merged meanwhile."""

from collections.abc import Sequence
from dataclasses import replace

from domain.base.actors import Actor, ActorKind
from domain.base.database import Session
from domain.base.work import Work
from domain.customers.repository.families import list_canonical_ids, list_family
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.identities import IdentityKind
from domain.identity.actions.revoking import revoke_sessions_of
from domain.identity.events import SignedOutEverywhere
from domain.identity.rules import SessionKind


async def canonical_actor(session: Session, *, actor: Actor) -> Actor | None:
    """Return the actor as whom they act: who was absorbed acts as the customer who absorbed them.

    None for a customer whom there is not any more, and for a guest who is a customer's by now.
    """
    if actor.kind is not ActorKind.CUSTOMER or actor.id is None:
        return actor
    canonical_id = (await list_canonical_ids(session, [actor.id])).get(actor.id)
    if canonical_id is None or (actor.is_visitor and canonical_id != actor.id):
        return None
    return replace(actor, id=canonical_id)


async def find_shopper(session: Session, *, external_id: str) -> Actor | None:
    """Return the shopper with the shop's own id, for whom somebody else has vouched; None where there is none."""
    customer_id = await find_customer_by_identity(
        session, kind=IdentityKind.EXTERNAL_ACCOUNT, namespace="", value=external_id
    )
    return None if customer_id is None else Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=customer_id)


async def sign_out_family(work: Work, events: Sequence[SignedOutEverywhere]) -> None:
    """End the sessions of everybody with whom a shopper was merged: all of them are theirs.

    Records `SessionRevoked`. Locks the sessions.
    """
    for event in events:
        for customer_id in await list_family(work.session, event.customer_id):
            await revoke_sessions_of(
                work, kind=SessionKind.CUSTOMER, subject_id=customer_id, but_for=event.kept_session_id
            )
