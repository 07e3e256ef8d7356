"""Guests who came, said nothing and went: nothing of them stays, and of everybody else all does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain.base.actors import ANONYMOUS, Actor, ActorKind, Caller
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.actions import upkeep
from domain.customers.actions.consents import record_consent
from domain.customers.actions.customer_tokens import create_customer_token
from domain.customers.actions.merges import merge_customers, unmerge_customers
from domain.customers.actions.profiles import create_customer, update_customer
from domain.customers.actions.upkeep import PurgeVisitors, purge_visitors
from domain.customers.actions.visitors import welcome_visitor
from domain.customers.errors import CustomerNotFound
from domain.customers.model import Consent, Customer, CustomerRecord, CustomerTerm
from domain.customers.repository.visitors import _OWN, _references
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.identity.actions.upkeep import SESSIONS_KEPT, PurgeSignIn, purge_sign_in
from domain.identity.model import Account, RefreshToken, SessionRecord
from domain.jobs import HANDLERS, SCHEDULES
from domain.orders.actions.orders import upsert_order
from domain.orders.model import Order
from domain.orders.rules import LineDetails, OrderDetails
from schema.base.ids import global_id
from tests.conftest import NOW, Client, StandingClock
from tests.interactions.chat import open_chat
from tests.orders.shop import perform

OVER = timedelta(days=30) + SESSIONS_KEPT + timedelta(microseconds=1)
PULL = """query($after: Cursor!) { events(after: $after, first: 100) {
  items { __typename ... on CustomerCreated { customer { id } } } hasNextPage } }"""


async def welcome(works: Works) -> UUID:
    """Let a guest in; return the customer who they are."""
    signed_in = await welcome_visitor(works, locale="it-IT", caller=Caller(actor=ANONYMOUS))
    async with works.database.reading() as session:
        statement = select(SessionRecord.subject_id).where(SessionRecord.id == signed_in.session_id)
        return (await session.scalars(statement)).one()


async def purge(works: Works) -> None:
    """Do what is done every hour, in whichever order."""
    await purge_sign_in(works, PurgeSignIn())
    await purge_visitors(works, PurgeVisitors())


async def left(works: Works, *tables: type[Any]) -> list[int]:
    """Return how many rows the tables have."""
    async with works.database.reading() as session:
        return [(await session.execute(select(func.count()).select_from(each))).scalar_one() for each in tables]


async def customers(works: Works) -> set[UUID]:
    """Return all customers."""
    async with works.database.reading() as session:
        return set(await session.scalars(select(Customer.id)))


async def test_who_said_nothing_is_removed(works: Works, clock: StandingClock) -> None:
    """A week after their session was over, with everything; not an hour before, and no customer of the shop."""
    assert HANDLERS[PurgeVisitors] is purge_visitors
    assert any(isinstance(each.job, PurgeVisitors) for each in SCHEDULES)
    known = await perform(works, lambda work: create_customer(work, details=CustomerDetails()))
    gone = await welcome(works)
    clock.advance(timedelta(hours=1))
    stays = await welcome(works)
    clock.advance(OVER - timedelta(hours=1, microseconds=1))
    await purge(works)
    assert await customers(works) == {known, gone, stays}
    clock.advance(timedelta(microseconds=1))
    await purge(works)
    assert await customers(works) == {known, stays}
    assert await left(works, CustomerRecord, SessionRecord, RefreshToken) == [2, 1, 1]
    async with works.database.reading() as session:
        assert (await session.scalars(select(CustomerTerm.term).where(CustomerTerm.customer_id == gone))).all() == []


Doing = Callable[[Works, UUID], Awaitable[Any]]


async def consent(works: Works, key: UUID) -> None:
    """Decide on something."""
    details = ConsentDetails(purpose=ConsentPurpose.MARKETING, channel=None, decision=ConsentDecision.GRANTED)
    await perform(works, lambda work: record_consent(work, customer_id=key, details=details))


async def order(works: Works, key: UUID) -> None:
    """Buy something."""
    lines = [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))]
    details = OrderDetails(
        external_id="o-1", placed_at=NOW, currency_code="EUR", lines=lines, buyer=Buyer(given_name="Ada")
    )
    order_id = await perform(works, lambda work: upsert_order(work, order=details))
    async with works.database.writing() as session:
        await session.execute(update(Order).where(Order.id == order_id).values(customer_id=key))
        await session.commit()


async def merge(works: Works, key: UUID) -> None:
    """Absorb somebody."""
    other = await perform(works, lambda work: create_customer(work, details=CustomerDetails()))
    await perform(works, lambda work: merge_customers(work, survivor_id=key, absorbed_id=other, reason=None))


async def part(works: Works, key: UUID) -> None:
    """Absorb somebody by mistake."""
    other = await perform(works, lambda work: create_customer(work, details=CustomerDetails()))
    merged = await perform(works, lambda work: merge_customers(work, survivor_id=other, absorbed_id=key, reason=None))
    await perform(works, lambda work: unmerge_customers(work, merge_id=merged, reason=None))


async def name(works: Works, key: UUID) -> None:
    """Say who they are."""
    changes = CustomerChanges(given_name="Ada")
    await perform(works, lambda work: update_customer(work, customer_id=key, changes=changes, expected_version=None))


async def tag(works: Works, key: UUID) -> None:
    """Be put into a drawer."""
    changes = CustomerChanges(tags=["vip"])
    await perform(works, lambda work: update_customer(work, customer_id=key, changes=changes, expected_version=None))


async def chat(works: Works, key: UUID) -> None:
    """Say something."""
    guest = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=key, session_id=new_id(), is_visitor=True)
    await (await open_chat(works)).start(by=guest)


async def register(works: Works, key: UUID) -> None:
    """Have an account."""
    async with works.database.writing() as session:
        email = "ada@example.org"
        account = Account(
            customer_id=key, email=email, email_key=email, password_hash="", created_at=NOW, updated_at=NOW
        )
        session.add(account)
        await session.commit()


async def come_through_the_shop(works: Works, key: UUID) -> None:
    """Have another session."""

    async def story(work: Work) -> UUID:
        lifetime = timedelta(hours=1)
        signed_in = await create_customer_token(work, customer_id=key, external_id=None, lifetime=lifetime)
        return signed_in.session_id

    await perform(works, story)


@pytest.mark.parametrize("does", [consent, order, merge, part, name, tag, chat, register, come_through_the_shop])
async def test_of_whom_anything_came_stays(works: Works, clock: StandingClock, does: Doing) -> None:
    """Whatever it is; only the session goes, and they are not looked at again."""
    stays = await welcome(works)
    clock.advance(timedelta(days=30))
    await does(works, stays)
    before = await customers(works)
    clock.advance(OVER - timedelta(days=30))
    await purge(works)
    assert stays in before
    assert await customers(works) == before
    async with works.database.reading() as session:
        assert not (await session.scalars(select(SessionRecord.id).where(SessionRecord.is_visitor))).all()


def test_every_table_that_names_a_customer_is_looked_at() -> None:
    """Also those of later areas: what names a customer lets them stay, unless it goes with them."""
    named = {column.table.name for column in _references()}
    assert {"orders", "credit_notes", "consents", "customer_merges", "conversations", "customer_tags"} <= named
    assert not named & {table.__tablename__ for table in _OWN}


async def test_many_are_removed_some_at_a_time_and_by_several(
    works: Works, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes at once take none from each other, and none is left."""
    monkeypatch.setattr(upkeep, "VISITORS_AT_ONCE", 2)
    guests = [await welcome(works) for _ in range(7)]
    clock.advance(timedelta(days=30))
    await name(works, guests[3])
    clock.advance(OVER - timedelta(days=30))
    await asyncio.gather(*(purge_visitors(works, PurgeVisitors()) for _ in range(3)))
    assert await customers(works) == {guests[3]}
    assert await left(works, SessionRecord) == [0]


async def test_something_that_comes_meanwhile_is_kept_or_refused(works: Works, clock: StandingClock) -> None:
    """Whoever is first decides; nobody is removed of whom something came, and nothing is of nobody."""
    for number in range(6):
        guest = await welcome(works)
        clock.advance(OVER)
        outcomes = await asyncio.gather(
            purge_visitors(works, PurgeVisitors()), consent(works, guest), return_exceptions=True
        )
        assert outcomes[0] is None, number
        is_kept = guest in await customers(works)
        assert isinstance(outcomes[1], CustomerNotFound) is not is_kept, outcomes
    async with works.database.reading() as session:
        assert set(await session.scalars(select(Consent.customer_id))) == await customers(works)


async def test_what_was_told_of_them_leads_nowhere(client: Client, clock: StandingClock) -> None:
    """Whoever reads the log later is not told of a customer who is none."""
    begin = (await client.ask("{ eventCursor }")).data["eventCursor"]
    guest = await welcome(client.works)
    await client.works.feed.settle()
    known = (await client.ask(PULL, {"after": begin})).data["events"]["items"]
    assert [each["customer"]["id"] for each in known] == [global_id("Customer", guest)]
    clock.advance(OVER)
    await purge(client.works)
    assert (await client.ask(PULL, {"after": begin})).data["events"]["items"] == []
