"""What a shopper's app runs (`contract/operations/shopper.graphql`), from registering to signing out."""

from datetime import timedelta

from tests.conftest import Client, StandingClock
from tests.customers.people import run_jobs
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD
from tests.interactions.operations import chat_as_a_guest, chat_as_a_shopper
from tests.operations import ORDER, Documents

EMAIL = "ada@shop.example"


async def test_a_shoppers_app_runs_its_documents(client: Client, clock: StandingClock) -> None:
    """A guest who registers with the address of an order finds it; chats, decides, hears what is stored, is gone."""
    mailbox, shopper, integrator = Mailbox(client.works), Documents("shopper"), Documents("integrator")
    owner = client.key or ""
    await integrator.write(client, "PushOrder", ORDER)
    conversation_id = await chat_as_a_guest(client, shopper)
    await shopper.write(client, "Register", {"email": EMAIL, "password": PASSWORD, "givenName": "Ada"})
    code = await mailbox.code()
    registered = await shopper.write(client, "ConfirmRegistration", {"email": EMAIL, "code": code})
    client.key = None
    await shopper.write(client, "ForgetPassword", {"email": EMAIL})
    new = {"email": EMAIL, "code": await mailbox.code(), "newPassword": f"{PASSWORD}!"}
    await shopper.write(client, "SetPassword", new)
    session = (await shopper.write(client, "SignIn", {"email": EMAIL, "password": f"{PASSWORD}!"}))["session"]
    assert session["viewer"]["customer"] == registered["session"]["viewer"]["customer"]
    clock.advance(timedelta(minutes=9))
    session = (await shopper.write(client, "Refresh", {"refreshToken": session["refreshToken"]}))["session"]

    client.key = session["accessToken"]
    me = (await shopper.send(client, "Home", {})).data["me"]
    assert [order["number"] for order in me["orders"]["nodes"]] == ["web-1"]
    page = (await shopper.send(client, "Orders", {"first": 1})).data["me"]["orders"]
    assert [line["title"] for line in page["nodes"][0]["lines"]] == ["Mug", "Tea"]
    letters = {"customerId": me["id"], "purpose": "MARKETING", "channel": "EMAIL", "decision": "GRANTED"}
    decided = (await shopper.write(client, "SetConsent", letters))["customer"]["consents"]
    assert [each["decision"] for each in decided] == ["GRANTED"]
    assert (await shopper.send(client, "Consents", {})).data["me"]["consents"][0]["purpose"] == "MARKETING"
    await chat_as_a_shopper(client, shopper, conversation_id, owner=owner)
    await hear_and_forget(client, clock, shopper)
    assert shopper.sent == shopper.names


async def hear_and_forget(client: Client, clock: StandingClock, shopper: Documents) -> None:
    """What is stored is handed out to who signed out meanwhile; who is erased is nobody at once."""
    export = (await shopper.write(client, "Export", {"idempotencyKey": "settings-1"}))["export"]
    await run_jobs(client.works)
    ready = (await shopper.send(client, "ExportState", {"id": export["id"]})).data["node"]
    assert ready["state"] == "READY"
    assert (await shopper.send(client, "SignOut", {})).data["sessionRevoke"]["revokedCount"] == 1
    clock.advance(timedelta(seconds=2))
    assert (await shopper.send(client, "Home", {})).status == 401
    document = (await client.http.get(ready["url"])).json()
    assert [account["email"] for account in document["accounts"]] == [EMAIL]
    assert [order["number"] for order in document["orders"]] == ["web-1"]

    client.key = None
    session = (await shopper.write(client, "SignIn", {"email": EMAIL, "password": f"{PASSWORD}!"}))["session"]
    client.key = session["accessToken"]
    erased = await shopper.write(client, "Erase", {"password": f"{PASSWORD}!"})
    assert erased["erasedCustomerId"] == session["viewer"]["customer"]["id"]
    clock.advance(timedelta(seconds=2))
    assert (await shopper.send(client, "Home", {})).status == 401
