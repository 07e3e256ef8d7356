"""Guests: they may chat before anybody knows who they are, and keep what was said when they come to be known.

A guest has proven nothing: their session opens what came in through it, and ends as soon as that is a customer's. What
a customer ever did is not shown to whoever holds the token of a guest.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.base.actors import Caller
from domain.base.errors import Checks, Refusals
from domain.base.places import check_locale
from domain.base.work import Work, Works
from domain.customers.actions.entries import new_record
from domain.customers.actions.merges import join_customers
from domain.customers.events import CustomerMerged
from domain.customers.repository.families import list_canonical_ids, list_family
from domain.identity.actions.revoking import revoke_visits
from domain.identity.actions.sessions import SignedIn, open_session
from domain.identity.actions.throttles import by_address, count
from domain.identity.events import SessionCreated
from domain.identity.repository.sessions import find_session
from domain.identity.rules import VISITORS_FROM_ADDRESS, SessionKind


async def welcome_visitor(works: Works, *, locale: str | None, caller: Caller) -> SignedIn:
    """Let somebody come in without saying who they are.

    Raises `Refusals`, `TooManyAttempts` after sixty from one network address in an hour. Records `CustomerCreated`,
    `SessionCreated`.
    """
    checks = Checks()
    checked = checks.take(lambda: check_locale(locale) if locale else None, "locale")
    checks.settle()
    await count(works, attempts=by_address(caller, sort="visitorFromAddress", limit=VISITORS_FROM_ADDRESS))

    async def story(work: Work) -> SignedIn:
        customer, record = new_record(work, locale=checked)
        work.session.add(customer)
        await work.session.flush()
        work.session.add(record)
        await work.session.flush()
        return await open_session(work, kind=SessionKind.CUSTOMER, subject_id=record.id, is_visitor=True)

    return await works.perform(story, actor=caller.actor, action="visitorSessionCreate", request_id=caller.request_id)


async def adopt_visitor(work: Work, events: Sequence[SessionCreated]) -> None:
    """Let a guest who signs in, or registers, be the customer who they turn out to be: both proofs came at once.

    Where the two cannot be one, the guest stays by themselves. Records `CustomerMerged`. Locks both families.
    """
    visitor_id = work.actor.id if work.actor.is_visitor else None
    if visitor_id is None:
        return
    for event in events:
        opened = await find_session(work.session, event.session_id)
        if opened is None or opened.kind != SessionKind.CUSTOMER or opened.is_visitor:
            continue
        known = await list_canonical_ids(work.session, [event.subject_id, visitor_id])
        survivor_id = known[event.subject_id]
        if survivor_id == known[visitor_id]:
            await revoke_visits(work, subject_ids=[visitor_id])
            continue
        try:
            await join_customers(work, survivor_id=survivor_id, absorbed_id=visitor_id, reason=None)
        except Refusals:
            continue


async def end_visits(work: Work, events: Sequence[CustomerMerged]) -> None:
    """End the sessions of guests who are somebody's now. Records `SessionRevoked`. Locks the sessions."""
    await revoke_visits(work, subject_ids=await _families(work, (event.customer_id for event in events)))


async def _families(work: Work, customer_ids: Iterable[UUID]) -> list[UUID]:
    found: list[UUID] = []
    for customer_id in customer_ids:
        found += await list_family(work.session, customer_id)
    return sorted(set(found))
