"""Codes that prove an e-mail identity."""

from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission
from domain.base.identifiers import new_id
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, codes
from tests.identity.test_api_registration import enrolled

SEND = """mutation($id: ID!) { customerIdentityCodeSend(input: { identityId: $id }) {
  identity { id } userErrors { code field } } }"""
VERIFY = """mutation($input: CustomerIdentityVerifyInput!) { customerIdentityVerify(input: $input) {
  identity { verification } customer { id } userErrors { code field } } }"""
ADD = """mutation($input: CustomerIdentityAddInput!) { customerIdentityAdd(input: $input) {
  identity { id } userErrors { code } } }"""
CUSTOMER = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"


@pytest.fixture
def mailbox(client: Client) -> Mailbox:
    """Return where the mails go."""
    return Mailbox(client.works)


@pytest.fixture
async def ada(client: Client) -> str:
    """Return the id of a customer."""
    return str((await client.ask(CUSTOMER, {"input": {"givenName": "Ada"}})).data["customerCreate"]["customer"]["id"])


async def add(client: Client, customer: str, value: str, kind: str = "EMAIL") -> str:
    """Add an identity; return its id."""
    said = {"customerId": customer, "kind": kind, "value": value}
    return str((await client.ask(ADD, {"input": said})).data["customerIdentityAdd"]["identity"]["id"])


async def send(client: Client, identity: str, *, key: str | None = None) -> dict[str, Any]:
    """Send a code; return the payload."""
    payload: dict[str, Any] = (await client.ask(SEND, {"id": identity}, key=key)).data["customerIdentityCodeSend"]
    return payload


async def verify(client: Client, identity: str, code: str, *, key: str | None = None, **more: str) -> dict[str, Any]:
    """Bring a code back; return the payload."""
    values = {"input": {"identityId": identity, "code": code, **more}}
    payload: dict[str, Any] = (await client.ask(VERIFY, values, key=key)).data["customerIdentityVerify"]
    return payload


async def test_a_code_proves_an_address(client: Client, mailbox: Mailbox, ada: str) -> None:
    """The customer reads it out, the agent types it in; it counts once, and for this identity only."""
    identity = await add(client, ada, "ada@example.org")
    assert codes(await verify(client, identity, "12345678")) == ["CODE_INVALID"]
    assert (await send(client, identity))["identity"] == {"id": identity}
    code = await mailbox.code()
    other = await add(client, ada, "other@example.org")
    assert codes(await verify(client, other, code)) == ["CODE_INVALID"]
    proven = await verify(client, identity, code)
    assert proven == {"identity": {"verification": "VERIFIED"}, "customer": {"id": ada}, "userErrors": []}
    assert codes(await verify(client, identity, code)) == ["CODE_INVALID"]
    assert codes(await send(client, identity)) == ["INVALID_STATE"]


async def test_five_wrong_codes_end_it(client: Client, mailbox: Mailbox, ada: str, clock: StandingClock) -> None:
    """Each is counted although it is refused; an old one is wrong too."""
    identity = await add(client, ada, "ada@example.org")
    await send(client, identity)
    code = await mailbox.code()
    for _ in range(5):
        assert codes(await verify(client, identity, "1")) == ["CODE_INVALID"]
    assert codes(await verify(client, identity, code)) == ["CODE_INVALID"]
    await send(client, identity)
    code = await mailbox.code()
    clock.advance(timedelta(minutes=15))
    assert codes(await verify(client, identity, code)) == ["CODE_INVALID"]


async def test_a_shopper_proves_their_own_and_no_others(client: Client, mailbox: Mailbox, ada: str) -> None:
    """A stranger's identity is like none; without a code a shopper vouches for nothing."""
    session = await enrolled(client, mailbox, "bob@example.org")
    token, bob = session["accessToken"], session["viewer"]["customer"]["id"]
    own, strangers = await add(client, bob, "bob@work.example"), await add(client, ada, "ada@example.org")
    assert codes(await send(client, strangers)) == []
    code = await mailbox.code()
    for payload in (
        await send(client, strangers, key=token),
        await verify(client, strangers, code, key=token, password=PASSWORD),
    ):
        assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["identityId"]}]
    assert (await client.ask(SEND, {"id": own}, key=token)).body["data"]["customerIdentityCodeSend"]["userErrors"] == []
    assert codes(await verify(client, own, await mailbox.code(), key=token, password=PASSWORD)) == []
    assert (await client.ask(VERIFY, {"input": {"identityId": own}}, key=token)).codes == ["FORBIDDEN"]


async def test_a_token_alone_lets_nobody_in_for_good(client: Client, mailbox: Mailbox) -> None:
    """Who has a shopper's token for ten minutes adds an address of their own, reads its code, and cannot prove it."""
    session = await enrolled(client, mailbox, "bob@example.org")
    token = session["accessToken"]
    identity = await add(client, session["viewer"]["customer"]["id"], "thief@example.net")
    await send(client, identity, key=token)
    code = await mailbox.code()
    assert codes(await verify(client, identity, code, key=token)) == ["REQUIRED"]
    assert codes(await verify(client, identity, code, key=token, password="wrong password")) == ["BAD_CREDENTIALS"]
    proven = await verify(client, identity, code, key=token, password=PASSWORD)
    assert (codes(proven), proven["identity"]["verification"]) == ([], "VERIFIED")


async def test_an_address_of_two_is_a_decision(client: Client, mailbox: Mailbox, ada: str) -> None:
    """Verified as another customer's, the code proves both sides: nothing is merged without the setting."""
    identity = await add(client, ada, "bob@example.org")
    await enrolled(client, mailbox, "bob@example.org")
    assert codes(await send(client, identity)) == []
    assert codes(await verify(client, identity, await mailbox.code())) == ["TAKEN"]


async def test_what_takes_no_mail_gets_no_code(client: Client, ada: str) -> None:
    """A telephone number, a relay, nothing at all; and who may not is refused."""
    phone = await add(client, ada, "06 69812345", "PHONE")
    relay = await add(client, ada, "x@guest.booking.com")
    assert codes(await send(client, phone)) == ["INVALID"]
    assert codes(await send(client, relay)) == ["INVALID"]
    for nothing in (global_id("CustomerIdentity", new_id()), ada, "nonsense"):
        assert codes(await send(client, nothing)) == ["NOT_FOUND"]
        assert codes(await verify(client, nothing, "1")) == ["NOT_FOUND"]
    other = await client.new_key(*(EVERY_PERMISSION - {Permission.CUSTOMERS_WRITE}))
    for query, values in ((SEND, {"id": relay}), (VERIFY, {"input": {"identityId": relay, "code": "1"}})):
        assert (await client.ask(query, values, key=other)).codes == ["FORBIDDEN"]
