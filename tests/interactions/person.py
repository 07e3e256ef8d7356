"""A person who talks to the shop in every way that there is, and somebody else who does so too."""

from typing import Any

from domain.base.actors import Actor
from schema.base.ids import global_id, parse_id
from tests.conftest import Client
from tests.customers.people import EMAIL, Person, ask_as, shopper
from tests.orders.shop import new_customer

_CHANNEL = "mutation($input: ChannelUpsertInput!) { channelUpsert(input: $input) { channel { id } } }"
_VISIT = "mutation { visitorSessionCreate(input: {}) { session { accessToken viewer { customer { id } } } } }"
_MERGE = """mutation($a: ID!, $b: ID!) { customerMerge(input: {survivorId: $a, absorbedId: $b}) {
  userErrors { message } } }"""
_WRITES = {
    "conversationStart": "conversation { id }",
    "messageSend": "message { id }",
    "noteAdd": "note { id }",
    "conversationRead": "conversation { id }",
    "conversationUpdate": "conversation { id }",
    "attachmentCreate": "attachment { id } uploadUrl",
    "messageReceive": "message { id } conversation { id customer { id } }",
    "messageDeliveryRecord": "message { id }",
}


def _mutation(name: str) -> str:
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {_WRITES[name]} userErrors {{ code message }} }} }}"


async def write(client: Client, by: Actor | None, name: str, /, **fields: Any) -> Any:  # noqa: ANN401
    """Write what is not refused, as somebody or with the client's key; return the payload."""
    query, variables = _mutation(name), {"input": fields}
    if by is None:
        payload = (await client.ask(query, variables)).data[name]
    else:
        payload = (await ask_as(client.works, by, query, variables))[name]
    assert payload["userErrors"] == []
    return payload


async def open_door(client: Client, kind: str) -> str:
    """Open a channel of a kind, and return it; the one that is there already."""
    given = {"name": f"Door {kind}", "kind": kind}
    return str((await client.ask(_CHANNEL, {"input": given})).data["channelUpsert"]["channel"]["id"])


async def send_file(client: Client, by: Actor, word: str) -> str:
    """Send a file; return it."""
    content = f"the picture of {word}".encode()
    given = {"filename": f"{word}.txt", "contentType": "text/plain", "byteSize": len(content)}
    announced = await write(client, by, "attachmentCreate", **given)
    assert (await client.http.put(announced["uploadUrl"], content=content)).status_code == 204
    return str(announced["attachment"]["id"])


async def talk(client: Client, customer_id: str, *, word: str, address: str) -> str:
    """Let a customer chat, send files and write e-mails; return the conversation of the e-mails."""
    chat, mail, actor = await open_door(client, "WEB_CHAT"), await open_door(client, "EMAIL"), shopper(customer_id)
    said = {"text": f"Where is the hat of {word}?", "subject": f"Hat of {word}", "clientMessageId": f"{word}-1"}
    started = await write(client, actor, "conversationStart", channelId=chat, **said)
    here = {"conversationId": started["conversation"]["id"]}
    await send_file(client, actor, f"unused {word}")
    picture = await send_file(client, actor, word)
    await write(client, actor, "messageSend", **here, text=f"See, {word}", attachmentIds=[picture])
    await write(client, None, "messageSend", **here, text=f"Dear {word}", clientMessageId=f"to {word}")
    await write(client, None, "noteAdd", **here, text=f"{word} calls every day", clientMessageId=f"note {word}")
    await write(client, None, "conversationUpdate", **here, tags=[f"{word} vip"])
    await write(client, actor, "conversationRead", **here, seq=2)
    sign = {"kind": "EMAIL", "value": address, "name": f"{word} by mail"}
    told = {"externalId": f"{word}-m", "threadKey": f"{word}-t", "subject": f"Mail of {word}", "text": f"I am {word}"}
    received = await write(client, None, "messageReceive", channelId=mail, **{"from": sign}, **told)
    conversation_id = str(received["conversation"]["id"])
    reply = await write(client, None, "messageSend", conversationId=conversation_id, text=f"Good day {word}")
    failed = {"state": "FAILED", "failureReason": f"no mailbox of {word}"}
    await write(client, None, "messageDeliveryRecord", messageId=reply["message"]["id"], **failed)
    return conversation_id


async def visit(client: Client, *, word: str) -> tuple[str, str]:
    """Let a guest chat; return who they are, and the token that they have."""
    key, client.key = client.key, None
    session = (await client.ask(_VISIT)).data["visitorSessionCreate"]["session"]
    client.key = key
    said = {"channelId": await open_door(client, "WEB_CHAT"), "text": f"A guest called {word}"}
    answer = await client.ask(_mutation("conversationStart"), {"input": said}, key=session["accessToken"])
    assert answer.data["conversationStart"]["userErrors"] == []
    return session["viewer"]["customer"]["id"], session["accessToken"]


async def let_talk(client: Client, person: Person) -> str:
    """Let the person, and somebody else, talk in every way; return the guest who the person had been before."""
    other = await new_customer(client, givenName="Other")
    await talk(client, other["id"], word="other-talk", address="other9@mail.example")
    conversation_id = await talk(client, person.id, word="quixo", address=EMAIL)
    shown = "query($id: ID!) { conversation(id: $id) { customer { id } } }"
    seen = (await client.ask(shown, {"id": conversation_id})).data["conversation"]
    assert seen["customer"] == {"id": person.id}, "the address is verified as theirs"
    guest_id, _ = await visit(client, word="quixo")
    merged = await client.ask(_MERGE, {"a": person.id, "b": guest_id})
    assert merged.data["customerMerge"]["userErrors"] == []
    assert guest_id == global_id("Customer", parse_id(guest_id)[1])
    return guest_id
