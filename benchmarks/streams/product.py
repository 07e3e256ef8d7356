"""The product's server, as `sportello serve` runs it, that also says messages when it is told to.

As a program (`python -m benchmarks.streams.product PORT CONVERSATIONS`) it makes the conversations first. What it
writes is written by the product's own action, one transaction for each message or for some of them.
"""

import gc
import sys
import time
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from api import logs
from api.app import create_app, open_works
from api.serving import listen, new_server
from api.settings import Settings
from benchmarks.streams.talk import publish
from domain.base.actors import EVERY_PERMISSION, SYSTEM, Actor, ActorKind
from domain.base.work import Work, Works
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.profiles import CustomerDetails
from domain.identity.actions.keys import create_api_key
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.conversations import ConversationStart, start_conversation
from domain.interactions.actions.messages import send_message
from domain.interactions.rules.conversations import MessageDetails
from schema.base.ids import global_id

TOGETHER = 100
"""Conversations that are made in one transaction."""


class Talk:
    """The conversations of the measurement."""

    def __init__(self, works: Works) -> None:
        """Begin without any."""
        self.works = works
        self.ids: list[Any] = []
        self.secret = ""
        self._program: Actor | None = None

    async def begin(self, count: int) -> None:
        """Make a key that opens every door, and so many conversations."""

        async def open_doors(work: Work) -> tuple[Any, str, Any]:
            key, secret = await create_api_key(work, name="Benchmark", permissions=sorted(EVERY_PERMISSION))
            details = ChannelDetails(name="Chat", kind=ChannelKind.WEB_CHAT, store_code=None)
            return key, secret, await upsert_channel(work, details=details)

        key, self.secret, channel_id = await self._perform(open_doors, SYSTEM)
        self._program = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=key)

        async def some(work: Work, size: int) -> list[Any]:
            customer_id = await create_customer(work, details=CustomerDetails(external_id=f"c-{len(self.ids)}"))
            start = ConversationStart(
                channel_id=channel_id, message=MessageDetails(text="Hello"), customer_id=customer_id
            )
            return [await start_conversation(work, start=start) for _ in range(size)]

        while len(self.ids) < count:
            size = min(TOGETHER, count - len(self.ids))
            self.ids += await self._perform(partial(some, size=size), self._program)

    async def say(self, messages: list[tuple[int, str]]) -> int:
        """Send these messages, in one transaction; return when it was committed."""

        async def send(work: Work) -> None:
            for place, text in messages:
                details = MessageDetails(text=text)
                await send_message(work, conversation_id=self.ids[place], details=details, expected_last_seq=None)

        await self._perform(send, self._program)
        return time.monotonic_ns()

    async def _perform(self, story: Any, actor: Actor | None) -> Any:  # noqa: ANN401
        return await self.works.perform(story, actor=actor or SYSTEM, action="messageSend")


def main() -> None:
    """Serve until somebody ends it."""
    port, count = map(int, sys.argv[1:])
    settings = Settings(
        _env_file=None,
        log_level="error",
        port=port,
        explorer=False,
        background=False,
        streams_per_address=1_000_000,
        cost_budget=10**12,
        cost_restore_rate=10**9,
    )
    logs.configure(settings)
    works = open_works(settings)
    talk = Talk(works)
    app = create_app(settings, works=works)
    groups = app.state.streams.groups

    async def begin(_: Request) -> JSONResponse:
        await talk.begin(count)
        ids = [global_id("Conversation", key) for key in talk.ids]
        return JSONResponse({"ids": ids, "token": talk.secret})

    async def following(_: Request) -> JSONResponse:
        return JSONResponse(groups.member_count)

    async def say(request: Request) -> JSONResponse:
        return JSONResponse(await publish(await request.json(), talk.say))

    app.router.routes += [
        Route("/begin", begin, methods=["POST"]),
        Route("/following", following),
        Route("/publish", say, methods=["POST"]),
    ]
    gc.collect()
    gc.freeze()
    server = new_server(app, settings, host="127.0.0.1", port=port)
    with listen(server) as listening:
        server.run([listening])


if __name__ == "__main__":
    main()
