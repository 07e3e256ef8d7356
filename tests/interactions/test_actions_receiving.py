"""What comes in from outside: once each, in the conversation of whoever wrote, recognised by what is proven."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from domain.base.actors import Actor, ActorKind, Permission, StaffRole
from domain.base.errors import Forbidden, IdempotencyMismatch, NotFound, Refusal, Refusals
from domain.base.identifiers import new_id
from domain.base.work import Works
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.identities import IdentityKind
from domain.identity.rules import ROLE_PERMISSIONS
from domain.interactions.actions.conversations import ConversationChanges, set_status, update_conversation
from domain.interactions.errors import ChannelClosed, ConversationNotFound
from domain.interactions.rules.channels import EXTERNAL_ID_LENGTH_MAX, Contact
from domain.interactions.rules.conversations import (
    REOPEN_WITHIN,
    TEXT_LENGTH_MAX,
    ConversationStatus,
    DeliveryState,
    WaitingOn,
)
from tests.conftest import NOW, StandingClock
from tests.customers.family_changing import join
from tests.interactions.mail import ADA, BOB, SERVER, Post, know, lose, open_door, open_post
from tests.orders.shop import UNITED_KINGDOM, add_store, nothing_changes

PHONE = Contact(kind=IdentityKind.PHONE, value="06 69812345")


@pytest.fixture
async def post(works: Works) -> Post:
    """Return a shop that is written to."""
    return await open_post(works)


async def become(post: Post, key: UUID, status: ConversationStatus) -> None:
    """Give a conversation another status, as the agent."""
    await post.works.perform(
        lambda work: set_status(work, conversation_id=key, status=status),
        actor=post.chat.agent,
        action="conversationStatusSet",
    )


async def test_a_proven_sign_recognises_its_customer(post: Post) -> None:
    """In whatever spelling; the message is theirs, stands in their timeline and waits for us."""
    await know(post.works, post.chat.shopper, ADA)
    loud = Contact(kind=IdentityKind.EMAIL, value=" ADA@Mail.example ", name="Ada\tL.".replace("\t", " "))
    message = await post.message(await post.receive("One\r\ntwo", sign=loud, subject=" Parcel "))
    conversation = await post.conversation_of(message.id)
    assert (conversation.customer_id, conversation.contact_value) == (post.chat.shopper.id, ADA.value)
    assert (conversation.subject, conversation.contact_name, conversation.thread_key) == ("Parcel", "Ada L.", None)
    assert (conversation.status, conversation.waiting_on) == (ConversationStatus.NEW, WaitingOn.US)
    assert (message.author_kind, message.author_id) == ("CUSTOMER", post.chat.shopper.id)
    assert (message.text, message.delivery, message.seq, message.shopper_seq) == ("One\ntwo", "RECEIVED", 1, 1)


async def test_a_telephone_number_is_read_as_in_the_shop_s_country(post: Post) -> None:
    """As it is dialled there; the sign that is kept is the whole number."""
    await know(post.works, post.chat.stranger, PHONE)
    door = await open_door(post.works, ChannelKind.SMS)
    found = await post.conversation_of(await post.receive(sign=PHONE, channel_id=door))
    assert (found.customer_id, found.contact_value) == (post.chat.stranger.id, "+390669812345")


@pytest.mark.parametrize("how", ["claimed", "shared", "unknown", "relay", "nobody's"])
async def test_what_is_not_proven_recognises_nobody(post: Post, how: str) -> None:
    """A claim, an address of several people, one that nobody has, a marketplace's: the caller is unknown."""
    sign = {"relay": "x@marketplace.amazon.it", "nobody's": "noreply@mail.example"}.get(how, ADA.value)
    contact = Contact(kind=IdentityKind.EMAIL, value=sign)
    if how in ("claimed", "relay", "nobody's"):
        await know(post.works, post.chat.shopper, contact, is_verified=False)
    if how == "shared":
        await know(post.works, post.chat.shopper, contact, is_shared=True)
    message = await post.message(await post.receive(sign=contact))
    conversation = await post.conversation_of(message.id)
    assert (conversation.customer_id, message.author_kind, message.author_id) == (None, "CUSTOMER", None)


async def test_an_unknown_caller_comes_to_be_known(post: Post) -> None:
    """With the next message after the sign was proven, or by hand: all that they said is theirs from then on."""
    first = await post.receive("first")
    await know(post.works, post.chat.shopper, ADA)
    second = await post.receive("second")
    key = (await post.message(first)).conversation_id
    rows = await post.chat.interactions(key)
    assert [(row.id, row.author_id) for row in rows] == [(first, post.chat.shopper.id), (second, post.chat.shopper.id)]
    assert (await post.chat.read(key)).customer_id == post.chat.shopper.id
    other = await post.message(await post.receive(sign=BOB))
    stranger_id = post.chat.stranger.id
    assert stranger_id is not None

    async def recognise(customer_id: UUID) -> None:
        changes = ConversationChanges(customer_id=customer_id)
        await post.works.perform(
            lambda work: update_conversation(work, conversation_id=other.conversation_id, changes=changes),
            actor=post.chat.agent,
            action="conversationUpdate",
        )

    with pytest.raises(NotFound):
        await recognise(new_id())
    await recognise(stranger_id)
    assert (await post.message(other.id)).author_id == stranger_id
    with pytest.raises(Refusal):
        await recognise(post.chat.shopper.id or stranger_id)


async def test_the_same_message_comes_in_once(post: Post) -> None:
    """Told again, and by twenty at once; another text, or another channel, is something else."""
    told = await asyncio.gather(*(post.receive("once", external_id="e1") for _ in range(20)))
    assert len(set(told)) == 1
    (conversation,) = await post.conversations()
    assert conversation.last_seq == 1
    async with nothing_changes(post.works, without=["audit_entries"]):
        assert await post.receive("once", external_id="e1") == told[0]
    async with nothing_changes(post.works):
        with pytest.raises(IdempotencyMismatch):
            await post.receive("twice", external_id="e1")
    other = await open_door(post.works, ChannelKind.EMAIL, name="Other")
    assert await post.receive("twice", external_id="e1", channel_id=other) not in told


async def test_under_one_id_two_people_at_once_write_one_message(post: Post) -> None:
    """A server that mixes up its ids: one of them is taken in, the other is told."""
    found = await asyncio.gather(
        *(post.receive(text, sign=sign, external_id="e1") for text, sign in (("a", ADA), ("b", BOB)) * 3),
        return_exceptions=True,
    )
    assert len({each for each in found if isinstance(each, UUID)}) == 1
    assert sum(isinstance(each, IdempotencyMismatch) for each in found) == 3
    assert len(await post.conversations()) == 1


async def test_messages_that_come_at_once_are_of_one_conversation(post: Post) -> None:
    """Ten of a sign that nobody knew, in whatever order, numbered without a hole."""
    await asyncio.gather(*(post.receive(f"m{number}") for number in range(10)))
    (conversation,) = await post.conversations()
    rows = await post.chat.interactions(conversation.id)
    assert [row.seq for row in rows] == list(range(1, 11))


async def test_a_message_goes_on_with_its_conversation(post: Post, clock: StandingClock) -> None:
    """Of the same sign, on the same channel, in the same thread; within a week it opens what was resolved."""
    await know(post.works, post.chat.shopper, ADA)
    key = (await post.message(await post.receive(subject="Parcel"))).conversation_id
    threads = {
        "another channel": {"channel_id": await open_door(post.works, ChannelKind.EMAIL, name="Other")},
        "another thread": {"thread_key": "t1"},
        "somebody else": {"sign": BOB},
    }
    for more in threads.values():
        assert (await post.message(await post.receive(**more))).conversation_id != key  # type: ignore[arg-type]
    assert (await post.message(await post.receive())).conversation_id == key
    await post.chat.say(key, "It is on its way.", by=post.chat.agent)
    await become(post, key, ConversationStatus.RESOLVED)
    clock.advance(REOPEN_WITHIN)
    assert (await post.message(await post.receive("It broke"))).conversation_id == key
    opened = await post.chat.read(key)
    assert (opened.status, opened.waiting_on) == (ConversationStatus.OPEN, WaitingOn.US)


async def test_what_is_final_is_followed_by_another_one(post: Post, clock: StandingClock) -> None:
    """With the same sign and thread; what is final stays as it is, and what comes then goes on with the new one."""
    key = (await post.message(await post.receive(subject="Parcel", thread_key="t"))).conversation_id
    await post.chat.say(key, "Done.", by=post.chat.agent)
    await become(post, key, ConversationStatus.RESOLVED)
    clock.advance(REOPEN_WITHIN + timedelta(seconds=1))
    before = await post.chat.read(key)
    following = await post.conversation_of(await post.receive("It broke", thread_key="t"))
    assert (following.follow_up_of_id, following.subject) == (key, "Parcel")
    assert (following.contact_value, following.contact_name, following.thread_key) == (ADA.value, "Ada L.", "t")
    assert await post.chat.read(key) == before
    assert (await post.conversation_of(await post.receive("Really", thread_key="t"))).id == following.id


async def test_an_answer_to_what_the_shop_began(post: Post) -> None:
    """Stands in that conversation, whose thread it is from then on; another thread is another conversation."""
    await know(post.works, post.chat.shopper, ADA)
    key = await post.chat.start(
        "About your order", by=post.chat.agent, channel_id=post.mail, customer_id=post.chat.shopper.id
    )
    assert (await post.conversation_of(await post.receive("Yes?", thread_key="t"))).id == key
    assert (await post.chat.read(key)).thread_key == "t"
    assert (await post.conversation_of(await post.receive("Else", thread_key="other"))).id != key
    second = await post.chat.start(
        "And another", by=post.chat.agent, channel_id=post.mail, customer_id=post.chat.shopper.id
    )
    assert (await post.conversation_of(await post.receive("More", thread_key="t"))).id == key
    assert (await post.conversation_of(await post.receive("New", thread_key="n"))).id == second


async def test_spam_stays_spam(post: Post) -> None:
    """What comes in is kept, and bothers nobody."""
    key = (await post.message(await post.receive())).conversation_id
    await become(post, key, ConversationStatus.SPAM)
    found = await post.conversation_of(await post.receive("Buy now"))
    assert (found.id, found.status, found.waiting_on) == (key, ConversationStatus.SPAM, WaitingOn.NOBODY)


async def test_a_sign_that_is_somebody_else_s_by_now_begins_anew(post: Post) -> None:
    """The number was given to another subscriber: what the one before said stays theirs."""
    identity_id = await know(post.works, post.chat.shopper, ADA)
    key = (await post.message(await post.receive())).conversation_id
    await lose(post.works, identity_id)
    assert (await post.message(await post.receive("As before"))).conversation_id == key
    await know(post.works, post.chat.stranger, ADA)
    found = await post.conversation_of(await post.receive("Somebody else"))
    assert (found.id != key, found.customer_id) == (True, post.chat.stranger.id)
    assert (await post.conversation_of(await post.receive("Once more"))).id == found.id
    left = await post.chat.read(key)
    assert (left.customer_id, left.last_seq) == (post.chat.shopper.id, 2)


@pytest.mark.parametrize("wrong", ["inactive", "missing", "a stranger's"])
async def test_a_door_that_is_shut_takes_nothing_in(post: Post, wrong: str) -> None:
    """Closed, never there, or of a store that whoever brings it does not work for."""
    await add_store(post.works, UNITED_KINGDOM)
    closed = await open_door(post.works, ChannelKind.SOCIAL, store_code="uk", is_active=wrong != "inactive")
    partner = Actor(
        kind=ActorKind.STAFF,
        permissions=frozenset({Permission.CHANNELS_WRITE}),
        id=new_id(),
        role=StaffRole.PARTNER_AGENT,
        store_ids=frozenset({new_id()}),
    )
    by = partner if wrong == "a stranger's" else SERVER
    async with nothing_changes(post.works):
        with pytest.raises(ChannelClosed if wrong == "inactive" else NotFound) as refused:
            await post.receive(channel_id=new_id() if wrong == "missing" else closed, by=by)
    assert refused.value.field == ("channel_id",)


async def test_a_door_that_was_shut_answers_what_came_before(post: Post) -> None:
    """A server that tells again what it told before the door was shut is answered as then."""
    message = await post.receive(external_id="e1")
    await open_door(post.works, ChannelKind.EMAIL, is_active=False)
    assert await post.receive(external_id="e1") == message
    with pytest.raises(ChannelClosed):
        await post.receive(external_id="e2")


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"text": ""}, ["text"]),
        ({"text": " \n\t "}, ["text"]),
        ({"text": "a\x00b"}, ["text"]),
        ({"text": "x" * (TEXT_LENGTH_MAX + 1)}, ["text"]),
        ({"external_id": " "}, ["external_id"]),
        ({"external_id": "x" * (EXTERNAL_ID_LENGTH_MAX + 1)}, ["external_id"]),
        ({"thread_key": "x" * (EXTERNAL_ID_LENGTH_MAX + 1), "subject": "x" * 201}, ["thread_key", "subject"]),
        ({"sign": Contact(kind=IdentityKind.EMAIL, value="nobody")}, ["from.value"]),
        ({"sign": Contact(kind=IdentityKind.PHONE, value="call me")}, ["from.value"]),
        ({"sign": Contact(kind=IdentityKind.SOCIAL_HANDLE, value="@ada")}, ["from.namespace"]),
        ({"sign": Contact(kind=IdentityKind.EMAIL, value="", name="x" * 201)}, ["from.value", "from.name"]),
    ],
)
async def test_what_is_no_message_is_refused(post: Post, fields: dict[str, object], places: list[str]) -> None:
    """With everything that is wrong at once, and without a trace."""
    async with nothing_changes(post.works):
        with pytest.raises(Refusals) as refused:
            await post.receive(**fields)  # type: ignore[arg-type]
    assert [".".join(map(str, each.field or ())) for each in refused.value.refusals] == places


async def test_who_may_bring_messages(post: Post) -> None:
    """Servers of channels; no agent, whatever else they may do, and no shopper."""
    agent = Actor(kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[StaffRole.AGENT], id=new_id())
    for by in (agent, post.chat.shopper):
        with pytest.raises(Forbidden):
            await post.receive(by=by)


async def test_what_is_dated_later_than_now_came_now(post: Post) -> None:
    """A clock that is fast puts nothing into the future; one that brings old mail is believed."""
    late = await post.message(await post.receive(occurred_at=NOW + timedelta(days=1)))
    early = await post.message(await post.receive(occurred_at=NOW - timedelta(days=1)))
    assert (late.occurred_at, early.occurred_at) == (NOW, NOW - timedelta(days=1))


async def test_one_customer_s_other_sign_has_a_conversation_of_its_own(post: Post) -> None:
    """Merged or not: a reply leaves to the sign that it is about."""
    await know(post.works, post.chat.shopper, ADA)
    await know(post.works, post.chat.stranger, BOB)
    ada, bob = post.chat.shopper.id, post.chat.stranger.id
    assert ada is not None
    assert bob is not None
    keys = [(await post.message(await post.receive(sign=sign))).conversation_id for sign in (ADA, BOB)]
    await join(post.works, ada, bob)
    for key, sign in zip(keys, (ADA, BOB), strict=True):
        reply = await post.message(await post.chat.say(key, "Hello", by=post.chat.agent))
        assert (reply.conversation_id, reply.delivery) == (key, DeliveryState.ACCEPTED)
        again = await post.conversation_of(await post.receive(sign=sign))
        assert (again.id, again.contact_value) == (key, sign.value)


async def test_a_reply_goes_as_far_as_the_server_says(post: Post) -> None:
    """Forwards only, however late and often it is told; what failed is tried again."""
    key = (await post.message(await post.receive())).conversation_id
    reply = await post.chat.say(key, "Hello", by=post.chat.agent)
    assert (await post.message(reply)).delivery == DeliveryState.ACCEPTED
    for state in (DeliveryState.DELIVERED, DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.DELIVERED):
        await post.deliver(reply, state)
        assert (await post.message(reply)).delivery == DeliveryState.DELIVERED
    async with nothing_changes(post.works, without=["audit_entries"]):
        await post.deliver(reply, DeliveryState.DELIVERED)
    await post.deliver(reply, DeliveryState.READ)
    await post.deliver(reply, DeliveryState.FAILED, "too late")
    read = await post.message(reply)
    assert (read.delivery, read.failure_reason) == (DeliveryState.READ, None)


async def test_what_failed_is_tried_again(post: Post) -> None:
    """With its reason until then; a second click changes nothing, and what did not fail is not sent twice."""
    key = (await post.message(await post.receive())).conversation_id
    reply = await post.chat.say(key, "Hello", by=post.chat.agent)
    await post.deliver(reply, DeliveryState.FAILED, " No such mailbox ")
    failed = await post.message(reply)
    assert (failed.delivery, failed.failure_reason) == (DeliveryState.FAILED, "No such mailbox")
    await post.deliver(reply, DeliveryState.SENT)
    assert (await post.message(reply)).delivery == DeliveryState.FAILED
    assert await asyncio.gather(*(post.retry(reply) for _ in range(4))) == [reply] * 4
    again = await post.message(reply)
    assert (again.delivery, again.failure_reason) == (DeliveryState.ACCEPTED, None)
    await post.deliver(reply, DeliveryState.SENT)
    with pytest.raises(Refusal, match="only what is FAILED is sent again"):
        await post.retry(reply)
    with pytest.raises(Forbidden):
        await post.retry(reply, by=SERVER)


async def test_a_message_that_is_not_there_comes_nowhere(post: Post) -> None:
    """None that nobody has, no note, none of a store that whoever asks does not work for."""
    key = (await post.message(await post.receive())).conversation_id
    note = await post.chat.note(key, "n", by=post.chat.agent)
    reply = await post.chat.say(key, "Hello", by=post.chat.agent)
    partner = Actor(
        kind=ActorKind.STAFF,
        permissions=ROLE_PERMISSIONS[StaffRole.PARTNER_AGENT],
        id=new_id(),
        role=StaffRole.PARTNER_AGENT,
        store_ids=frozenset({new_id()}),
    )
    for message_id in (new_id(), note):
        with pytest.raises(NotFound):
            await post.deliver(message_id, DeliveryState.SENT)
        with pytest.raises(NotFound):
            await post.retry(message_id)
    with pytest.raises(NotFound) as refused:
        await post.retry(reply, by=partner)
    assert not isinstance(refused.value, ConversationNotFound)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (DeliveryState.RECEIVED, None),
        (DeliveryState.ACCEPTED, None),
        (DeliveryState.SENT, "why"),
        (DeliveryState.FAILED, "x" * 501),
        (DeliveryState.FAILED, "\x00"),
    ],
)
async def test_what_is_no_report_is_refused(post: Post, state: DeliveryState, reason: str | None) -> None:
    """No server reports it, or not with such a reason."""
    key = (await post.message(await post.receive())).conversation_id
    reply = await post.chat.say(key, "Hello", by=post.chat.agent)
    async with nothing_changes(post.works):
        with pytest.raises(Refusals):
            await post.deliver(reply, state, reason)


async def test_what_came_in_is_never_anything_else(post: Post) -> None:
    """A server that reports on a message of the customer changes nothing."""
    message = await post.receive()
    await post.deliver(message, DeliveryState.READ)
    assert (await post.message(message)).delivery == DeliveryState.RECEIVED


@pytest.mark.parametrize("kind_of_door", [ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP])
async def test_the_shop_begins_only_where_it_can_write_to(post: Post, kind_of_door: ChannelKind) -> None:
    """A customer without an address there is not written to; with one, it leaves to that."""
    door = await open_door(post.works, kind_of_door)
    customer_id = post.chat.shopper.id
    async with nothing_changes(post.works):
        with pytest.raises(Refusal, match="no address on this channel"):
            await post.chat.start("Good day", by=post.chat.agent, channel_id=door, customer_id=customer_id)
    sign = ADA if kind_of_door is ChannelKind.EMAIL else PHONE
    await know(post.works, post.chat.shopper, sign, is_verified=False)
    key = await post.chat.start("Good day", by=post.chat.agent, channel_id=door, customer_id=customer_id)
    *_, message = await post.chat.interactions(key)
    begun = await post.chat.read(key)
    assert (message.delivery, begun.contact_kind) == (DeliveryState.ACCEPTED, sign.kind)
    assert begun.contact_value in (ADA.value, "+390669812345")
