"""Conversations as a whole: how they begin, who is at them, what becomes of them, and who may decide that."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.base.actors import SYSTEM, Actor, ActorKind, Permission
from domain.base.errors import (
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    InvalidState,
    NotFound,
    Refusal,
    Refusals,
    VersionConflict,
)
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.actions.erasure import erase_customer
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.profiles import Buyer
from domain.identity.model import StaffMember
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.conversations import (
    ConversationChanges,
    assign,
    mark_read,
    set_status,
    update_conversation,
)
from domain.interactions.actions.presence import keep_present, set_typing
from domain.interactions.actions.upkeep import WakeConversations, wake_conversations
from domain.interactions.errors import ChannelClosed, ConversationNotFound
from domain.interactions.rules.conversations import REOPEN_WITHIN, ConversationStatus, Priority, WaitingOn
from domain.orders.actions.orders import upsert_order
from domain.orders.repository.orders import list_orders_by_id
from domain.orders.rules import LineDetails, OrderDetails
from tests.conftest import NOW, StandingClock
from tests.customers.family_changing import join
from tests.interactions.chat import Chat, open_chat
from tests.interactions.mail import Post, open_door
from tests.orders.shop import nothing_changes, perform

HOUR = timedelta(hours=1)
PROGRAM = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.CONVERSATIONS_READ}))

Action = Callable[..., Awaitable[Any]]


@pytest.fixture
async def chat(works: Works) -> Chat:
    """Return a shop with a chat."""
    return await open_chat(works)


async def act(chat: Chat, action: Action, key: UUID, *, by: Actor | None = None, **words: Any) -> Any:  # noqa: ANN401
    """Do something with a conversation, as the agent if nobody else is named."""
    return await chat.works.perform(
        lambda work: action(work, conversation_id=key, **words), actor=by or chat.agent, action="test"
    )


async def buy(chat: Chat, number: int, buyer: str) -> UUID:
    """Let somebody buy something; return the order."""
    lines = [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))]
    order = OrderDetails(
        external_id=f"o-{number}", placed_at=NOW, currency_code="EUR", lines=lines, buyer=Buyer(external_id=buyer)
    )
    return await perform(chat.works, lambda work: upsert_order(work, order=order))


async def customer_of(chat: Chat, order_id: UUID) -> UUID:
    """Return who bought something."""
    async with chat.works.database.reading() as session:
        found: UUID = (await list_orders_by_id(session, [order_id]))[order_id].customer_id
    return found


async def test_who_begins_and_with_whom(chat: Chat) -> None:
    """Staff name the customer, a shopper is it; on a channel that takes something in."""
    start = {"by": chat.agent, "customer_id": chat.shopper.id}
    key = await chat.start("Good day", **start)  # type: ignore[arg-type]
    begun = await chat.read(key)
    assert (begun.status, begun.waiting_on) == (ConversationStatus.OPEN, WaitingOn.CUSTOMER)
    assert (begun.customer_id, begun.assignee_id) == (chat.shopper.id, chat.agent.id)
    closed = await open_door(chat.works, ChannelKind.WEB_CHAT, is_active=False)
    mail = await open_door(chat.works, ChannelKind.EMAIL)
    async with nothing_changes(chat.works):
        with pytest.raises(Refusal, match="Say with which customer"):
            await chat.start(by=chat.agent)
        for missing in (new_id(), chat.channel_id):
            with pytest.raises(NotFound):
                await chat.start(by=chat.agent, customer_id=missing)
        with pytest.raises(Forbidden):
            await chat.start(by=PROGRAM, customer_id=chat.shopper.id)
        for door, by in ((closed, chat.shopper), (mail, chat.shopper)):
            with pytest.raises(ChannelClosed):
                await chat.start(by=by, channel_id=door)
        with pytest.raises(Refusals):
            await chat.start(subject="x" * 201)


async def test_nobody_begins_with_who_is_erased(chat: Chat) -> None:
    """Neither the team, nor they themselves with a token that still counts for a moment."""
    customer_id = chat.shopper.id
    await perform(chat.works, lambda work: erase_customer(work, customer_id=customer_id))
    async with nothing_changes(chat.works):
        for by in (chat.agent, chat.shopper):
            with pytest.raises(NotFound):
                await chat.start(by=by, customer_id=customer_id if by is chat.agent else None)


async def test_an_order_is_the_customer_s_own(chat: Chat) -> None:
    """Also of whom they are merged with; a stranger's is one that is not there, from the beginning and later."""
    own, strange = await buy(chat, 1, "ada"), await buy(chat, 2, "else")
    assert chat.shopper.id is not None
    await join(chat.works, chat.shopper.id, await customer_of(chat, own))
    key = await chat.start(order_id=own)
    assert (await chat.read(key)).order_id == own
    with pytest.raises(NotFound):
        await chat.start(order_id=strange)
    with pytest.raises(NotFound):
        await act(chat, update_conversation, key, changes=ConversationChanges(order_id=strange))
    await act(chat, update_conversation, key, changes=ConversationChanges(order_id=None))
    assert (await chat.read(key)).order_id is None
    await act(chat, update_conversation, key, changes=ConversationChanges(order_id=own))
    assert (await chat.read(key)).order_id == own


async def test_an_id_of_the_client_is_of_one_conversation(chat: Chat) -> None:
    """The same id and text in another conversation is a mistake of the client."""
    first, second = await chat.start(), await chat.start()
    await chat.say(first, "same", by=chat.shopper, own_id="m1")
    with pytest.raises(IdempotencyMismatch):
        await chat.say(second, "same", by=chat.shopper, own_id="m1")
    with pytest.raises(IdempotencyMismatch):
        await chat.start("other", client_message_id="m1")


async def test_a_status_is_set(chat: Chat, clock: StandingClock) -> None:
    """One that follows; a second click changes nothing, another end of a snooze that alone."""
    key = await chat.start()
    await chat.say(key, "Hello", by=chat.agent)
    await act(chat, set_status, key, status=ConversationStatus.SNOOZED, snoozed_until=NOW + HOUR)
    asleep = await chat.read(key)
    async with nothing_changes(chat.works, without=["audit_entries"]):
        await act(chat, set_status, key, status=ConversationStatus.SNOOZED, snoozed_until=NOW + HOUR)
    await act(chat, set_status, key, status=ConversationStatus.SNOOZED, snoozed_until=NOW + 2 * HOUR)
    longer = await chat.read(key)
    assert (longer.snoozed_until, longer.last_seq) == (NOW + 2 * HOUR, asleep.last_seq)
    assert longer.version == asleep.version + 1
    async with nothing_changes(chat.works):
        with pytest.raises(InvalidState):
            await act(chat, set_status, key, status=ConversationStatus.CLOSED)
        with pytest.raises(Invalid):
            await act(chat, set_status, key, status=ConversationStatus.SNOOZED, snoozed_until=NOW)
        with pytest.raises(VersionConflict) as conflict:
            await act(chat, set_status, key, status=ConversationStatus.OPEN, expected_version=asleep.version)
        assert conflict.value.current_version == longer.version
        with pytest.raises(Forbidden):
            await act(chat, set_status, key, by=chat.shopper, status=ConversationStatus.OPEN)
    clock.advance(HOUR)
    await act(chat, set_status, key, status=ConversationStatus.OPEN, expected_version=longer.version)
    awake = await chat.read(key)
    assert (awake.snoozed_until, awake.updated_at) == (None, NOW + HOUR)


async def test_of_two_who_decide_on_the_same_version_one_does(chat: Chat) -> None:
    """The other one reads it again."""
    key = await chat.start()
    await chat.say(key, "Hello", by=chat.agent)
    version = (await chat.read(key)).version
    found = await asyncio.gather(
        *(
            act(chat, set_status, key, status=status, expected_version=version)
            for status in (ConversationStatus.PENDING, ConversationStatus.RESOLVED)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, VersionConflict) for each in found) == 1


async def test_somebody_is_at_it(chat: Chat) -> None:
    """A member of staff who is active, or nobody."""
    key = await chat.start()
    await act(chat, assign, key, assignee_id=chat.colleague.id)
    assert (await chat.read(key)).assignee_id == chat.colleague.id
    async with nothing_changes(chat.works, without=["audit_entries"]):
        await act(chat, assign, key, assignee_id=chat.colleague.id)
    await act(chat, assign, key, assignee_id=None)
    assert (await chat.read(key)).assignee_id is None

    async def leave(work: Work) -> None:
        await work.session.execute(
            update(StaffMember).where(StaffMember.id == chat.colleague.id).values(is_active=False)
        )

    await chat.works.perform(leave, actor=SYSTEM, action="test")
    for member in (chat.colleague.id, new_id(), chat.shopper.id):
        with pytest.raises(NotFound) as refused:
            await act(chat, assign, key, assignee_id=member)
        assert refused.value.field == ("assignee_id",)
    with pytest.raises(Forbidden):
        await act(chat, assign, key, by=PROGRAM, assignee_id=None)
    with pytest.raises(ConversationNotFound):
        await act(chat, assign, new_id(), assignee_id=None)


async def test_what_is_known_of_it_changes(chat: Chat) -> None:
    """What is left out stays; nothing else is nothing; what is wrong is refused whole."""
    key = await chat.start(subject="Parcel")
    changes = ConversationChanges(priority=Priority.URGENT, tags=["b", "a", "b "], waiting_on=WaitingOn.THIRD_PARTY)
    await act(chat, update_conversation, key, changes=changes)
    changed = await chat.read(key)
    assert (changed.subject, changed.priority, changed.priority_rank) == ("Parcel", Priority.URGENT, 3)
    assert changed.waiting_on == WaitingOn.THIRD_PARTY
    async with nothing_changes(chat.works, without=["audit_entries"]):
        await act(chat, update_conversation, key, changes=changes)
        await act(chat, update_conversation, key, changes=ConversationChanges())
    await act(chat, update_conversation, key, changes=ConversationChanges(tags=[], subject=None))
    emptied = await chat.read(key)
    assert (emptied.subject, emptied.priority) == (None, Priority.URGENT)
    async with nothing_changes(chat.works):
        for wrong in (
            ConversationChanges(tags=[f"t{number}" for number in range(51)]),
            ConversationChanges(tags=[" "]),
            ConversationChanges(tags=["x" * 51]),
            ConversationChanges(subject="x" * 201),
            ConversationChanges(customer_id=chat.stranger.id or new_id()),
        ):
            with pytest.raises((Refusal, Refusals)):
                await act(chat, update_conversation, key, changes=wrong)
        with pytest.raises(VersionConflict):
            await act(chat, update_conversation, key, changes=ConversationChanges(), expected_version=1)
        with pytest.raises(Forbidden):
            await act(chat, update_conversation, key, by=chat.shopper, changes=ConversationChanges())


async def test_a_program_without_an_account_reads_and_keeps_no_place(chat: Chat) -> None:
    """Nor does it type, nor is it there with a stream open; what it has read is nobody's."""
    key = await chat.start()
    async with nothing_changes(chat.works, without=["audit_entries"]):
        assert await act(chat, mark_read, key, by=PROGRAM, seq=1) == key
    with pytest.raises(Forbidden):
        await act(chat, mark_read, key, by=Actor(kind=ActorKind.APP, permissions=frozenset()), seq=1)
    keep_present(chat.works.signals, actor=PROGRAM)
    nobody = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.CONVERSATIONS_WRITE}))
    async with chat.works.database.reading() as session:
        typing = {"session": session, "conversation_id": key, "is_typing": True, "is_note": False}
        await set_typing(chat.works.signals, actor=nobody, **typing)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            await set_typing(chat.works.signals, actor=PROGRAM, **typing)  # type: ignore[arg-type]


async def test_whom_nobody_knows_has_no_order(chat: Chat) -> None:
    """A conversation with an unknown caller is about no order, until it is known whose it is."""
    post = Post(chat, await open_door(chat.works, ChannelKind.EMAIL))
    key = (await post.message(await post.receive())).conversation_id
    order_id = await buy(chat, 1, "ada")
    with pytest.raises(NotFound, match="no order with this id"):
        await act(chat, update_conversation, key, changes=ConversationChanges(order_id=order_id))


async def test_a_channel_is_known_by_its_name(works: Works) -> None:
    """It keeps its kind and store; opened again it is the same, shut it takes nothing in."""

    async def open_it(**given: Any) -> UUID:  # noqa: ANN401
        details = ChannelDetails(**{"name": " Chat ", "kind": ChannelKind.WEB_CHAT, "store_code": "it"} | given)
        return await works.perform(lambda work: upsert_channel(work, details=details), actor=SYSTEM, action="test")

    key = await open_it()
    async with nothing_changes(works, without=["audit_entries"]):
        assert await open_it() == key
    assert await open_it(is_active=False) == key
    async with nothing_changes(works):
        for wrong in ({"kind": ChannelKind.EMAIL}, {"store_code": None}):
            with pytest.raises(InvalidState):
                await open_it(**wrong)
        with pytest.raises(NotFound):
            await open_it(store_code="nowhere")
        for name in ("", " ", "x" * 201, "\x00"):
            with pytest.raises(Refusals):
                await open_it(name=name)
    found = await asyncio.gather(*(open_it(name="Two") for _ in range(6)))
    assert len(set(found)) == 1


@pytest.mark.parametrize("what", ["wake", "close"])
async def test_what_somebody_decided_meanwhile_stays(
    chat: Chat, clock: StandingClock, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Between looking for what is due and doing it, an agent did something else."""
    key = await chat.start()
    await chat.say(key, "Hello", by=chat.agent)
    if what == "wake":
        await act(chat, set_status, key, status=ConversationStatus.SNOOZED, snoozed_until=NOW + HOUR)
    else:
        await act(chat, set_status, key, status=ConversationStatus.RESOLVED)
    clock.advance(REOPEN_WITHIN + HOUR)
    name = f"domain.interactions.actions.upkeep.{'list_snoozed' if what == 'wake' else 'list_resolved'}"
    told: list[bool] = []

    async def meanwhile(*_: object, **__: object) -> list[UUID]:
        if not told:
            told.append(True)
            await act(chat, set_status, key, status=ConversationStatus.OPEN)
            await chat.note(key, "mine", by=chat.agent)
        return [key]

    monkeypatch.setattr(name, meanwhile)
    await wake_conversations(chat.works, WakeConversations())
    decided = await chat.read(key)
    assert (decided.status, told) == (ConversationStatus.OPEN, [True])
    assert [row.kind for row in await chat.interactions(key)][-1] == "NOTE"
