"""Following a customer past the API: what is told, and what only had to be looked at."""

import asyncio
from contextlib import aclosing
from uuid import UUID

import pytest

from domain.base.actors import SYSTEM
from domain.base.feed import find_end
from domain.base.following import Following
from domain.base.identifiers import new_id
from domain.base.work import Work
from domain.customers.actions.streams import _Family, follow_customer
from domain.customers.errors import CustomerNotFound
from domain.customers.events import CustomerMerged, CustomerUpdated
from schema.base.ids import parse_id
from tests.conftest import Client
from tests.customers.family_changing import merge
from tests.orders.shop import new_customer


async def test_a_customer_who_is_not_there_cannot_be_followed(client: Client) -> None:
    """And nothing listens afterwards."""
    followed = follow_customer(
        client.works, following=Following(client.works.feed), customer_id=new_id(), kinds={CustomerUpdated}
    )
    async with aclosing(followed):
        with pytest.raises(CustomerNotFound):
            await anext(followed)
    assert client.works.feed.listener_count == 0


async def test_what_turns_out_to_be_somebody_elses_is_not_told(client: Client) -> None:
    """From a merge on, until the family is read anew, everything is wanted; what is told is the customer's only."""
    survivor, absorbed, other = [await new_customer(client, externalId=name) for name in ("s", "a", "o")]
    key, absorbed_key, other_key = (parse_id(each["id"])[1] for each in (survivor, absorbed, other))
    await client.works.feed.settle()
    async with client.works.database.reading() as session:
        end = await find_end(session)
    await merge(client, survivor["id"], absorbed["id"])
    for changed in (other_key, absorbed_key, other_key, key):

        async def story(work: Work, changed: UUID = changed) -> None:
            work.record(CustomerUpdated(customer_id=changed))

        await client.works.perform(story, actor=SYSTEM, action="change")
    following = Following(client.works.feed, place=end)
    followed = follow_customer(client.works, following=following, customer_id=key, kinds={CustomerUpdated})
    async with aclosing(followed):
        told = [await asyncio.wait_for(anext(followed), 5) for _ in range(2)]
        waiting = asyncio.ensure_future(anext(followed))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
    assert [each.committed.event for each in told] == [
        CustomerUpdated(customer_id=absorbed_key),
        CustomerUpdated(customer_id=key),
    ]
    assert told[0].family == {key, absorbed_key}


def test_a_merge_before_anybody_listens_is_wanted() -> None:
    """While a stream begins, what may turn out to be about the customer is kept for it."""
    family = _Family(new_id(), frozenset({CustomerMerged}))
    assert family.wants(CustomerMerged(customer_id=new_id(), absorbed_id=new_id(), merge_id=new_id()))
