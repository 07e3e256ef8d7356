"""Those who write without end: a few things at once in each request, each sent again until it is acknowledged."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.processes import Server
from tests.faults.shop import Shop, Unanswered, ask

CONVERSATIONS = 200
AT_ONCE = 5
"""Writes in one request: each is a transaction of its own."""

PAUSE_S = 0.05
_ORDER_EVERY = 25

_KINDS = {
    "messageSend": ("MessageSendInput", "message"),
    "noteAdd": ("NoteAddInput", "note"),
    "orderUpsert": ("OrderUpsertInput", "order"),
    "conversationStart": ("ConversationStartInput", "conversation"),
}


@dataclass(eq=False)
class Writer:
    """One who writes; nothing is kept but how much of what was acknowledged."""

    name: str
    servers: Sequence[Server]
    shop: Shop
    conversations: Sequence[str]
    chance: random.Random
    written: Counter[str] = field(default_factory=Counter)
    """How much of each kind was acknowledged."""
    failures: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    _number: int = 0

    async def run(self) -> None:
        """Write until cancelled between two requests."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            while True:
                finishing = asyncio.ensure_future(self._write(http))
                try:
                    await asyncio.shield(finishing)
                except asyncio.CancelledError:
                    await finishing  # what was begun is to be acknowledged
                    raise

    async def _write(self, http: httpx.AsyncClient) -> None:
        writes = [self._next() for _ in range(AT_ONCE)]
        is_done = False
        while not is_done:
            try:
                await send(http, self.chance.choice(self.servers), self.shop, writes)
            except Unanswered as unanswered:
                self.failures[unanswered.why] += 1
                self.repeats += 1
                await asyncio.sleep(PAUSE_S)
            else:
                is_done = True
        self.written.update(kind for kind, _ in writes)

    def _next(self) -> tuple[str, dict[str, Any]]:
        self._number += 1
        own_id = f"{self.name}-{self._number}"
        if self._number % _ORDER_EVERY == 0:
            line = {"externalId": "1", "sku": "cup", "title": "A cup", "quantity": 1, "unitPrice": "2.5"}
            return "orderUpsert", {
                "externalId": own_id,
                "placedAt": "2026-11-01T12:00:00Z",
                "currencyCode": "EUR",
                "customer": {"externalId": f"b-{self.chance.randrange(1_000)}"},
                "lines": [line],
            }
        kind = "noteAdd" if self.chance.random() < 0.2 else "messageSend"
        said = {"conversationId": self.chance.choice(self.conversations), "text": f"About {self._number}"}
        return kind, {**said, "clientMessageId": own_id}


async def send(
    http: httpx.AsyncClient, server: Server, shop: Shop, writes: Sequence[tuple[str, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Send some writes in one request; return what they made. Raises `Unanswered`, whatever became of some of them."""
    variables = {f"v{place}": given for place, (_, given) in enumerate(writes)}
    types = ", ".join(f"$v{place}: {_KINDS[kind][0]}!" for place, (kind, _) in enumerate(writes))
    fields = " ".join(
        f"r{place}: {kind}(input: $v{place}) {{ made: {_KINDS[kind][1]} {{ id }} userErrors {{ code message }} }}"
        for place, (kind, _) in enumerate(writes)
    )
    data = await ask(http, server, f"mutation({types}) {{ {fields} }}", key=shop.key, variables=variables)
    for payload in data.values():
        if payload["userErrors"]:
            raise RuntimeError(payload)
    return [payload["made"] for payload in data.values()]


async def begin_conversations(http: httpx.AsyncClient, server: Server, shop: Shop, *, customer_id: str) -> list[str]:
    """Begin the conversations that are written to."""
    found: list[str] = []
    while len(found) < CONVERSATIONS:
        starts = [
            (
                "conversationStart",
                {
                    "channelId": shop.channel_id,
                    "customerId": customer_id,
                    "text": "Hello",
                    "clientMessageId": f"c-{len(found) + place}",
                },
            )
            for place in range(AT_ONCE)
        ]
        with suppress(Unanswered):
            found += [made["id"] for made in await send(http, server, shop, starts)]
    return found
