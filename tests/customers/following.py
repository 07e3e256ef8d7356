"""Following a customer in tests: a subscription without any transport, whose items are taken one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import AsyncGeneratorType
from typing import Any

import orjson

from api.operations import Operation, Operations, Prepared
from api.requests import written
from api.settings import Settings
from domain.base.actors import EVERY_PERMISSION, Actor, ActorKind
from domain.base.work import Works
from schema.base.context import Context
from schema.base.ids import parse_id
from schema.root import make_schema
from tests.orders.shop import Input
from tests.waiting import until

ITEMS = """__typename
  ... on Event { cursor occurredAt }
  ... on CustomerCreated { customer { id displayName } }
  ... on CustomerUpdated { customer { id displayName } }
  ... on CustomerMerged { customer { id } merge { id survivor { id } } }
  ... on ConsentChanged { customer { id } consent { id purpose decision } }
  ... on OrderChanged { order { id number state } }
  ... on ResyncRequired { reason }"""
FOLLOW = f"subscription($id: ID, $after: Cursor) {{ customerEvents(customerId: $id, after: $after) {{ {ITEMS} }} }}"

EVERYBODY = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION)


def shopper(customer_id: str) -> Actor:
    """Return a shopper who is this customer."""
    return Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=parse_id(customer_id)[1])


class Follower:
    """One who follows: takes item by item."""

    def __init__(self, answers: AsyncIterator[dict[str, Any]], context: Context) -> None:
        """Take what comes."""
        self._answers = answers
        self._next: asyncio.Future[dict[str, Any]] | None = None
        self.context = context

    async def listen(self) -> None:
        """Wait until the subscription listens: what is committed from then on is not missed."""
        self._begin()
        await until(lambda: self.context.works.feed.listener_count)

    def _begin(self) -> asyncio.Future[dict[str, Any]]:
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._answers))
        return self._next

    async def take(self) -> Input:
        """Return the next item."""
        answer = orjson.loads(written(await asyncio.wait_for(self._begin(), 5)))
        self._next = None
        assert "errors" not in answer, answer
        item = answer["data"]["customerEvents"]
        assert isinstance(item, dict)
        return item

    async def kinds(self, count: int) -> list[str]:
        """Return what the next items are."""
        return [(await self.take())["__typename"] for _ in range(count)]

    async def is_silent(self) -> bool:
        """Tell whether nothing comes for a moment."""
        done, _ = await asyncio.wait([self._begin()], timeout=0.1)
        return not done

    async def close(self) -> None:
        """End it, as a transport does whose client is gone."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])
        assert isinstance(self._answers, AsyncGeneratorType)
        await self._answers.aclose()
        await self.context.close()


async def begin(
    works: Works, customer_id: str | None, *, actor: Actor = EVERYBODY, after: str | None = None
) -> dict[str, Any] | Follower:
    """Begin to follow; return the answer where that is refused."""
    operations = Operations(make_schema(), settings=Settings(_env_file=None), clock=works.clock)
    variables = {"id": customer_id, "after": after}
    prepared = operations.prepare(Operation(FOLLOW, variables=variables), actor=actor)
    assert isinstance(prepared, Prepared)
    context = Context(works, actor=actor, request_id="r-1")
    found = await operations.subscribe(prepared, context)
    if isinstance(found, dict):
        await context.close()
        return found
    return Follower(found, context)


@asynccontextmanager
async def following(
    works: Works, customer_id: str | None, *, actor: Actor = EVERYBODY, after: str | None = None
) -> AsyncIterator[Follower]:
    """Follow a customer; nothing is left over afterwards."""
    count = works.feed.listener_count
    follower = await begin(works, customer_id, actor=actor, after=after)
    assert isinstance(follower, Follower), follower
    await follower.listen()
    try:
        yield follower
    finally:
        await follower.close()
    assert works.feed.listener_count == count
