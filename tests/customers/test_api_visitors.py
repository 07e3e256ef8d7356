"""Guests: they chat without an account, and keep what was said when they come to be known."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.base.actors import SYSTEM, Actor, ActorKind
from domain.base.errors import Refusals
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.shoppers import canonical_actor
from domain.customers.errors import MergeBlocked
from domain.customers.model import Customer
from domain.customers.rules.consents import ChannelKind
from domain.identity.rules import VISITORS_FROM_ADDRESS
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from schema.base.ids import global_id, key_of
from tests.conftest import Client, StandingClock
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, is_let_in
from tests.identity.test_api_registration import CONFIRM, EMAIL, enrolled, register
from tests.orders.shop import new_customer

VISIT = """mutation($input: VisitorSessionCreateInput!) { visitorSessionCreate(input: $input) {
  session { accessToken refreshToken viewer { kind permissions customer { id displayName email locale } } }
  userErrors { code field } } }"""
START = """mutation($input: ConversationStartInput!) { conversationStart(input: $input) {
  conversation { id } userErrors { code } } }"""
SEND = """mutation($id: ID!, $text: String!) { messageSend(input: { conversationId: $id, text: $text }) {
  message { text author { ... on Customer { id } } } userErrors { code } } }"""
OWN = "{ viewer { kind customer { id displayName } } conversations(first: 10) { nodes { id lastMessage { text } } } }"
SIGN_IN = """mutation($input: SessionCreateInput!) { sessionCreate(input: $input) {
  session { accessToken viewer { customer { id } } } userErrors { code } } }"""
REFRESH = """mutation($token: String!) { sessionRefresh(input: { refreshToken: $token }) {
  session { accessToken } userErrors { code } } }"""
LAST = "query($id: ID!) { conversation(id: $id) { lastMessage { text } customer { id } } }"
WHOSE = "query($id: ID!) { conversation(id: $id) { customer { id displayName } } }"


@pytest.fixture
def mailbox(client: Client) -> Mailbox:
    """Return where the mails go."""
    return Mailbox(client.works)


async def open_channel(client: Client) -> str:
    """Return a web chat."""
    details = ChannelDetails(name="Chat", kind=ChannelKind.WEB_CHAT)
    key = await client.works.perform(
        lambda work: upsert_channel(work, details=details), actor=SYSTEM, action="channelUpsert"
    )
    return global_id("Channel", key)


async def ask(client: Client, document: str, values: dict[str, Any], *, token: str | None = None) -> Any:  # noqa: ANN401
    """Return the payload of a mutation, asked with a token or as nobody in particular."""
    key, client.key = client.key, None
    (payload,) = (await client.ask(document, values, key=token)).data.values()
    client.key = key
    return payload


async def visit(client: Client, *, token: str | None = None, **fields: Any) -> Any:  # noqa: ANN401
    """Come in as a guest; return the session."""
    payload = await ask(client, VISIT, {"input": fields}, token=token)
    assert payload["userErrors"] == []
    return payload["session"]


async def chat(client: Client, token: str, text: str = "Do you deliver to Trieste?") -> str:
    """Begin a conversation as a guest; return its id."""
    payload = await ask(client, START, {"input": {"channelId": await open_channel(client), "text": text}}, token=token)
    assert payload["userErrors"] == []
    return str(payload["conversation"]["id"])


async def own(client: Client, token: str) -> Any:  # noqa: ANN401
    """Return who a token is, and their conversations."""
    return (await client.ask(OWN, key=token)).data


async def test_a_guest_chats_and_then_registers(client: Client, mailbox: Mailbox) -> None:
    """With the guest's token sent along the conversation is theirs; the guest's session is over."""
    guest = await visit(client, locale="it-IT")
    assert (guest["viewer"]["kind"], guest["viewer"]["permissions"]) == ("CUSTOMER", [])
    assert (guest["viewer"]["customer"]["locale"], guest["viewer"]["customer"]["email"]) == ("it-IT", None)
    key = await chat(client, guest["accessToken"])
    await register(client)
    payload = await ask(
        client, CONFIRM, {"input": {"email": EMAIL, "code": await mailbox.code()}}, token=guest["accessToken"]
    )
    session = payload["session"]
    assert session["viewer"]["customer"]["displayName"] == "Ada Byron"
    seen = await own(client, session["accessToken"])
    assert [each["id"] for each in seen["conversations"]["nodes"]] == [key]
    assert not await is_let_in(client, guest["accessToken"])
    again = await ask(client, REFRESH, {"token": guest["refreshToken"]})
    assert [each["code"] for each in again["userErrors"]] == ["BAD_CREDENTIALS"]


async def test_a_guest_signs_in(client: Client, mailbox: Mailbox) -> None:
    """What was said is with the customer, who goes on in it."""
    known = await enrolled(client, mailbox)
    guest = await visit(client)
    key = await chat(client, guest["accessToken"])
    said = {"email": EMAIL, "password": PASSWORD}
    session = (await ask(client, SIGN_IN, {"input": said}, token=guest["accessToken"]))["session"]
    customer_id = known["viewer"]["customer"]["id"]
    assert session["viewer"]["customer"]["id"] == customer_id
    message = (await ask(client, SEND, {"id": key, "text": "It is me"}, token=session["accessToken"]))["message"]
    assert message["author"]["id"] == customer_id
    assert (await client.ask(WHOSE, {"id": key})).data["conversation"]["customer"]["id"] == customer_id
    assert not await is_let_in(client, guest["accessToken"])


async def test_without_the_guests_token_they_stay_apart(client: Client, mailbox: Mailbox) -> None:
    """Whoever signs in elsewhere is nobody's guest; the guest goes on."""
    await enrolled(client, mailbox)
    guest = await visit(client)
    key = await chat(client, guest["accessToken"])
    session = (await ask(client, SIGN_IN, {"input": {"email": EMAIL, "password": PASSWORD}}))["session"]
    assert (await own(client, session["accessToken"]))["conversations"]["nodes"] == []
    assert [each["id"] for each in (await own(client, guest["accessToken"]))["conversations"]["nodes"]] == [key]


async def test_a_wrong_password_joins_nobody(client: Client, mailbox: Mailbox) -> None:
    """And the guest goes on."""
    await enrolled(client, mailbox)
    guest = await visit(client)
    said = {"email": EMAIL, "password": "not this one, sorry"}
    payload = await ask(client, SIGN_IN, {"input": said}, token=guest["accessToken"])
    assert [each["code"] for each in payload["userErrors"]] == ["BAD_CREDENTIALS"]
    assert (await own(client, guest["accessToken"]))["viewer"]["kind"] == "CUSTOMER"


@pytest.mark.parametrize("is_guest_survivor", [True, False])
async def test_staff_say_who_a_guest_is(client: Client, is_guest_survivor: bool) -> None:  # noqa: FBT001
    """The guest has proven nothing: merged either way, their token opens nothing of the customer's."""
    guest = await visit(client)
    key = await chat(client, guest["accessToken"])
    known = await new_customer(client, givenName="Bob")
    ids = [key_of(each, "Customer") for each in (guest["viewer"]["customer"]["id"], known["id"])]
    survivor, absorbed = ids if is_guest_survivor else reversed(ids)
    assert survivor is not None
    assert absorbed is not None
    await client.works.perform(
        lambda work: merge_customers(work, survivor_id=survivor, absorbed_id=absorbed, reason="He says so."),
        actor=SYSTEM,
        action="customerMerge",
    )
    assert not await is_let_in(client, guest["accessToken"])
    assert (await client.ask(WHOSE, {"id": key})).data["conversation"]["customer"]["displayName"] == "Bob"


async def test_a_guest_comes_in_twice(client: Client) -> None:
    """Each visit is somebody of their own, also with the token of another one."""
    first = await visit(client)
    second = await visit(client, token=first["accessToken"])
    assert first["viewer"]["customer"]["id"] != second["viewer"]["customer"]["id"]
    await chat(client, first["accessToken"])
    assert (await own(client, second["accessToken"]))["conversations"]["nodes"] == []
    assert len((await own(client, first["accessToken"]))["conversations"]["nodes"]) == 1


async def test_a_guest_signs_in_twice_at_once(client: Client, mailbox: Mailbox) -> None:
    """They are one customer with one conversation, whichever came first."""
    await enrolled(client, mailbox)
    guest = await visit(client)
    key = await chat(client, guest["accessToken"])
    said = {"input": {"email": EMAIL, "password": PASSWORD}}
    client.key = None
    answers = await asyncio.gather(*(client.ask(SIGN_IN, said, key=guest["accessToken"]) for _ in range(2)))
    entered = [each.data["sessionCreate"]["session"] for each in answers if each.data]
    assert entered
    for session in entered:
        seen = await own(client, session["accessToken"])
        assert [each["id"] for each in seen["conversations"]["nodes"]] == [key]


async def test_guests_without_end(client: Client, clock: StandingClock) -> None:
    """From one address only so many in an hour; what is no language is refused before."""
    refused = await ask(client, VISIT, {"input": {"locale": "not a language"}})
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [("INVALID", ["locale"])]
    async with client.works.database.reading() as session:
        before = (await session.execute(select(func.count()).select_from(Customer))).scalar_one()
    payloads = [await ask(client, VISIT, {"input": {}}) for _ in range(VISITORS_FROM_ADDRESS.attempts_max + 2)]
    assert sum(payload["session"] is not None for payload in payloads) == VISITORS_FROM_ADDRESS.attempts_max
    assert [each["code"] for each in payloads[-1]["userErrors"]] == ["RATE_LIMITED"]
    async with client.works.database.reading() as session:
        after = (await session.execute(select(func.count()).select_from(Customer))).scalar_one()
    assert after - before == VISITORS_FROM_ADDRESS.attempts_max
    clock.advance(timedelta(hours=1, seconds=1))
    await visit(client)


async def test_a_guest_erases_themselves(client: Client) -> None:
    """They need no password, having none; the session is over, and nothing that they said is left."""
    guest = await visit(client)
    key = await chat(client, guest["accessToken"], "My name is Rumpelstilzchen")
    document = "mutation { customerErase(input: {}) { erasedCustomerId userErrors { code field } } }"
    answer = await client.ask(document, key=guest["accessToken"])
    assert answer.data["customerErase"]["userErrors"] == []
    assert not await is_let_in(client, guest["accessToken"])
    shown = (await client.ask(LAST, {"id": key})).data
    assert shown["conversation"] == {"lastMessage": {"text": ""}, "customer": None}


async def test_where_the_two_cannot_be_one(client: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing in is not refused for it: the guest stays by themselves, with their conversation."""
    await enrolled(client, mailbox)
    guest = await visit(client)
    key = await chat(client, guest["accessToken"])

    async def blocked(*_: object, **__: object) -> None:
        raise Refusals([MergeBlocked("They cannot be one.")])

    monkeypatch.setattr("domain.customers.actions.visitors.join_customers", blocked)
    said = {"email": EMAIL, "password": PASSWORD}
    session = (await ask(client, SIGN_IN, {"input": said}, token=guest["accessToken"]))["session"]
    assert (await own(client, session["accessToken"]))["conversations"]["nodes"] == []
    assert [each["id"] for each in (await own(client, guest["accessToken"]))["conversations"]["nodes"]] == [key]


async def test_a_guest_who_was_merged_is_nobody(client: Client) -> None:
    """Also where the session had not been ended yet."""
    guest, known = [key_of((await new_customer(client))["id"], "Customer") for _ in range(2)]
    assert guest is not None
    assert known is not None
    await client.works.perform(
        lambda work: merge_customers(work, survivor_id=known, absorbed_id=guest, reason=None),
        actor=SYSTEM,
        action="customerMerge",
    )
    async with client.works.database.reading() as session:
        for is_visitor, found in ((True, None), (False, known)):
            actor = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=guest, is_visitor=is_visitor)
            acting = await canonical_actor(session, actor=actor)
            assert (acting and acting.id) == found
