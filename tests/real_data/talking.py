"""Who asks what in the conversation of docs/clients.md, and with what."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from api.demo_logins import ready_logins
from tests.conftest import Client
from tests.identity.staff import enter

Told: TypeAlias = dict[str, dict[str, Any]]
"""What each operation of the walk was answered, by its name."""

PICTURE = b"a cracked plate"
MINT = 'mutation { customerTokenCreate(input: {externalId: "13050"}) { accessToken } }'
ANSWER = "mutation($input: MessageSendInput!) { messageSend(input: $input) { message { id } userErrors { code } } }"

AS: Mapping[str, str] = {
    **dict.fromkeys(("Inbox", "OpenConversation", "AnswerTooLate", "Answer", "PutAside"), "AGENT"),
    **dict.fromkeys(("MyChat", "Write", "Announce", "SendPicture"), "CLARA"),
}
"""By operation who asks it; the others are a program's."""


def conversation_of(told: Told) -> str:
    """Return the id of the conversation that is opened."""
    key: str = told["Inbox"]["conversations"]["nodes"][0]["id"]
    return key


def said(text: str, **more: Any) -> Callable[[Told], dict[str, Any]]:  # noqa: ANN401
    """Return what is written in the conversation."""
    return lambda told: {"input": {"conversationId": conversation_of(told), "text": text, **more}}


TALKING: Mapping[str, Callable[[Told], dict[str, Any]]] = {
    "Inbox": lambda _: {"filter": {"isUnread": True, "status": ["OPEN", "PENDING"]}},
    "OpenConversation": lambda told: {"id": conversation_of(told)},
    "MyChat": lambda told: {"id": conversation_of(told)},
    "Write": said("It is the plate in the middle, to be precise.", clientMessageId="5f0c"),
    "AnswerTooLate": said("The top plate comes on Thursday.", clientMessageId="a7e1", expectedLastSeq=6),
    "Answer": said("The middle plate comes on Thursday.", clientMessageId="a7e2", expectedLastSeq=7),
    "PutAside": lambda told: {"input": {"conversationId": conversation_of(told), "status": "SNOOZED"}},
    "Announce": lambda _: {
        "input": {"filename": "plate.jpg", "contentType": "image/jpeg", "byteSize": len(PICTURE)},
    },
    "SendPicture": lambda told: said("", attachmentIds=[told["Announce"]["attachmentCreate"]["attachment"]["id"]])(
        told
    ),
    "ComeIn": lambda _: {"input": {"locale": "en-GB"}},
    "OpenChannel": lambda _: {"input": {"name": "WhatsApp", "kind": "WHATSAPP"}},
    "Receive": lambda told: {
        "input": {
            "channelId": told["OpenChannel"]["channelUpsert"]["channel"]["id"],
            "externalId": "wamid-1",
            "from": {"kind": "PHONE", "value": "020 7946 0018", "name": "Clara"},
            "text": "And do you have it in pink?",
        }
    },
    "ToSend": lambda told: {"after": told["begin"]["cursor"]},
    "Sent": lambda told: {"input": {"messageId": told["reply"]["id"], "state": "SENT"}},
}
"""What the operations take, of what was answered before."""


async def tokens_of(demo: Client, folder: Path) -> dict[str, str]:
    """Return a token of the demo's agent, and one of Clara."""
    password, logins = await ready_logins(demo.works, folder)
    agent = await enter(demo, logins["AGENT"], password)
    clara = (await demo.ask(MINT)).data["customerTokenCreate"]
    return {"AGENT": agent["accessToken"], "CLARA": clara["accessToken"]}


async def send_picture(demo: Client, folder: Path, told: Told) -> None:
    """Send the file that was announced."""
    answer = await demo.http.put(told["Announce"]["attachmentCreate"]["uploadUrl"], content=PICTURE)
    assert answer.status_code == 204


async def answer_outside(demo: Client, _folder: Path, told: Told) -> None:
    """Let somebody answer what came in from outside, behind a cursor."""
    await demo.works.feed.settle()
    told["begin"] = {"cursor": (await demo.ask("{ eventCursor }")).data["eventCursor"]}
    key = told["Receive"]["messageReceive"]["conversation"]["id"]
    sent = await demo.ask(ANSWER, {"input": {"conversationId": key, "text": "In pink from March on, Clara."}})
    told["reply"] = sent.data["messageSend"]["message"]
    await demo.works.feed.settle()


BEFORE: Mapping[str, Callable[[Client, Path, Told], Awaitable[None]]] = {
    "SendPicture": send_picture,
    "ToSend": answer_outside,
}
"""What happens before an operation is asked."""
