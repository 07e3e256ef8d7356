"""A shop whose server fails: what clients send, until they know what became of it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from api.app import open_works
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, SYSTEM
from domain.identity.actions.keys import create_api_key
from domain.identity.actions.stores import upsert_store
from tests.conftest import ITALY
from tests.faults.processes import Server

CUSTOMER = "mutation($key: String!) { customerCreate(input: {externalId: $key}) { customer { id } } }"
MINT = "mutation($key: String!) { customerTokenCreate(input: {externalId: $key}) { accessToken } }"
CHANNEL = 'mutation { channelUpsert(input: {name: "Chat", kind: WEB_CHAT}) { channel { id } } }'

_ERRORS = "userErrors { code message field }"
_DOCUMENTS = {
    "conversationStart": "mutation($input: ConversationStartInput!) { conversationStart(input: $input) {"
    f" result: conversation {{ id number createdAt }} {_ERRORS} }} }}",
    "messageSend": "mutation($input: MessageSendInput!) { messageSend(input: $input) {"
    f" result: message {{ id seq text clientMessageId occurredAt }} {_ERRORS} }} }}",
    "noteAdd": "mutation($input: NoteAddInput!) { noteAdd(input: $input) {"
    f" result: note {{ id seq text occurredAt }} {_ERRORS} }} }}",
    "orderUpsert": "mutation($input: OrderUpsertInput!) { orderUpsert(input: $input) {"
    f" result: order {{ id externalId total {{ amount }} lines {{ id quantity }} }} {_ERRORS} }} }}",
    "customerCreate": "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) {"
    f" result: customer {{ id displayName createdAt }} {_ERRORS} }} }}",
}
"""Each asks for what stays as it is, so that a repeated write has the same answer."""

TYPED = {"TIMEOUT", "INTERNAL"}
"""What a client may be told while the database is away; it tries again."""


class Unanswered(Exception):  # noqa: N818  reads as what it is
    """Nobody said what became of a write: the connection broke, or the server could not. It is tried again."""

    def __init__(self, why: str) -> None:
        """Carry why: a code, or `broken`."""
        super().__init__(why)
        self.why = why


@dataclass(eq=False)
class Write:
    """One write with an id of its client's own, and what is known of it."""

    name: str
    input: dict[str, Any]
    own_id: str
    is_shoppers: bool
    attempts: int = 0
    answer: dict[str, Any] | None = None
    """What it was answered; None as long as nobody knows."""


@dataclass(eq=False)
class Shop:
    """Who writes."""

    key: str
    channel_id: str = ""
    customer: str = "s-1"
    token: str = ""
    conversations: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    """Why nobody said what became of a write."""

    async def open(self, server: Server, http: httpx.AsyncClient) -> None:
        """Let a shopper and a channel be there, and a first conversation."""
        await ask(http, server, CUSTOMER, key=self.key, variables={"key": self.customer})
        self.channel_id = (await ask(http, server, CHANNEL, key=self.key))["channelUpsert"]["channel"]["id"]
        await self.enter(server, http)
        await self.send(server, http, self.new_write(random.Random(0), name="conversationStart"))  # noqa: S311

    async def enter(self, server: Server, http: httpx.AsyncClient) -> None:
        """Let the shopper have a token that counts for the next minutes."""
        minted = await ask(http, server, MINT, key=self.key, variables={"key": self.customer})
        self.token = minted["customerTokenCreate"]["accessToken"]

    def new_write(self, chance: random.Random, *, name: str | None = None) -> Write:
        """Return a write of any sort, or of this one, which nobody has sent yet."""
        chosen = name or chance.choices(list(_DOCUMENTS), weights=[1, 6, 2, 2, 1])[0]
        own_id = f"w{uuid4().hex}"
        is_shoppers = chosen == "conversationStart" or (chosen == "messageSend" and chance.random() < 0.5)
        write = Write(chosen, self._input_of(chosen, own_id, chance), own_id, is_shoppers)
        self.writes.append(write)
        return write

    def _input_of(self, name: str, own_id: str, chance: random.Random) -> dict[str, Any]:
        text = f"About {own_id}"
        match name:
            case "conversationStart":
                return {"channelId": self.channel_id, "text": text, "clientMessageId": own_id}
            case "messageSend" | "noteAdd":
                chosen = chance.choice(self.conversations)
                return {"conversationId": chosen, "text": text, "clientMessageId": own_id}
            case "orderUpsert":
                line = {"sku": "cup", "title": "A cup", "quantity": 1 + chance.randrange(5), "unitPrice": "2.5"}
                return {
                    "externalId": own_id,
                    "placedAt": "2026-11-01T12:00:00Z",
                    "currencyCode": "EUR",
                    "customer": {"externalId": f"b-{chance.randrange(3)}"},
                    "lines": [{**line, "externalId": "1"}, {**line, "externalId": "2"}],
                }
        return {"givenName": own_id, "idempotencyKey": own_id}

    async def send(self, server: Server, http: httpx.AsyncClient, write: Write) -> dict[str, Any]:
        """Send a write once; return its answer, which is the same however often it is sent. Raises `Unanswered`."""
        write.attempts += 1
        key = self.token if write.is_shoppers else self.key
        try:
            data = await ask(http, server, _DOCUMENTS[write.name], key=key, variables={"input": write.input})
        except Unanswered as unanswered:
            self.failures[unanswered.why] += 1
            raise
        payload = data[write.name]
        assert payload["userErrors"] == [], (write, payload)
        answer: dict[str, Any] = payload["result"]
        assert write.answer in (None, answer), "a repeated write was answered otherwise"
        if write.answer is None and write.name == "conversationStart":
            self.conversations.append(answer["id"])
        write.answer = answer
        return answer

    @property
    def acknowledged(self) -> list[Write]:
        """Return the writes that were answered."""
        return [write for write in self.writes if write.answer is not None]

    @property
    def waiting(self) -> list[Write]:
        """Return the writes of which nobody knows what became."""
        return [write for write in self.writes if write.answer is None]


async def new_shop(url: str) -> Shop:
    """Return a shop in an empty database, with a key that opens every door; nobody serves it yet."""
    works = open_works(Settings(_env_file=None, database_url=url))
    await works.perform(lambda work: upsert_store(work, details=ITALY), actor=SYSTEM, action="storeUpsert")
    _, secret = await works.perform(
        lambda work: create_api_key(work, name="Faults", permissions=[each.value for each in EVERY_PERMISSION]),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    await works.database.dispose()
    return Shop(secret)


async def ask(
    http: httpx.AsyncClient, server: Server, query: str, *, key: str, variables: dict[str, Any] | None = None
) -> Any:  # noqa: ANN401  whatever was asked for
    """Return the data of an answer; raises `Unanswered` where there is none."""
    body = {"query": query, "variables": variables or {}}
    try:
        response = await http.post(server.url, json=body, headers={"Authorization": f"Bearer {key}"})
    except httpx.TimeoutException as error:
        message = f"it hangs: {error!r}"
        raise AssertionError(message) from None
    except httpx.TransportError:
        why = "broken"
        raise Unanswered(why) from None
    answer = response.json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    if codes:
        assert set(codes) <= TYPED, (response.status_code, answer)
        raise Unanswered(codes[0])
    return answer["data"]
