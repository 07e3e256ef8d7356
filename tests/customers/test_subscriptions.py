"""Following a customer: everything that happens to them, in its order, as far as the listener may see it."""

import asyncio
from datetime import timedelta

import pytest

from domain.base.actors import ANONYMOUS, Actor, ActorKind, Permission
from domain.base.feed import Place
from tests.conftest import NOW, Client, StandingClock
from tests.customers.family_changing import change, merge, unmerge
from tests.customers.following import Follower, begin, following, shopper
from tests.orders.shop import Input, new_customer, note_input, send_delivery, send_note, send_order, write
from tests.waiting import until

MISSING = "Q3VzdG9tZXI6AAAAAAAAAAAAAAAAAAAAAA"
"""The id of a customer who does not exist."""

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


async def update(client: Client, customer: Input, **more: object) -> None:
    """Change something about a customer."""
    current = (await client.ask("query($i: ID!) { customer(id: $i) { version } }", {"i": customer["id"]})).data
    given = {"customerId": customer["id"], "expectedVersion": current["customer"]["version"], **more}
    assert (await change(client, "customerUpdate", **given)).errors == []


async def consent(client: Client, customer: Input, decision: str = "GRANTED") -> None:
    """Record a decision."""
    given = {"customerId": customer["id"], "purpose": "MARKETING", "decision": decision}
    assert (await change(client, "consentRecord", **given)).errors == []


def only(*permissions: Permission) -> Actor:
    """Return an app that may do no more than this."""
    return Actor(kind=ActorKind.APP, permissions=frozenset(permissions))


async def test_what_happens_to_a_customer_is_told(client: Client, clock: StandingClock) -> None:
    """Over all areas, each with what is so now, in the order of the commits, and nothing of anybody else."""
    customer = await new_customer(client, externalId="k", givenName="Ada")
    other = await new_customer(client, externalId="o", givenName="Bob")
    async with following(client.works, customer["id"]) as follower:
        clock.advance(timedelta(seconds=1))
        await update(client, other, givenName="Bill")
        await update(client, customer, givenName="Eva")
        updated = await follower.take()
        assert updated["__typename"] == "CustomerUpdated"
        assert updated["customer"] == {"id": customer["id"], "displayName": "Eva"}
        assert updated["occurredAt"] == (NOW + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
        order = await send_order(client, "o-1", customer={"externalId": "k"})
        await send_order(client, "o-2", customer={"externalId": "o"})
        placed = await follower.take()
        assert placed["order"] == {"id": order["id"], "number": "o-1", "state": "PLACED"}
        await send_delivery(client, "d-1", "o-1", shippedAt="2026-11-22T08:00:00Z")
        assert (await follower.take())["order"]["state"] == "SHIPPED"
        await send_note(client, orderExternalId="o-1")
        assert (await follower.take())["order"]["id"] == order["id"]
        await consent(client, customer)
        agreed = await follower.take()
        assert (agreed["customer"]["id"], agreed["consent"]["decision"]) == (customer["id"], "GRANTED")
        assert await follower.is_silent()


async def test_a_credit_note_without_an_order_is_nothing_of_an_order(client: Client) -> None:
    """There is no order to show."""
    customer = await new_customer(client, externalId="k")
    async with following(client.works, customer["id"]) as follower:
        written = await write(client, "creditNoteUpsert", note_input(customer={"externalId": "k"}))
        assert written.found["customer"]["id"] == customer["id"]
        await update(client, customer, givenName="Ada")
        assert await follower.kinds(1) == ["CustomerUpdated"]


async def test_a_merged_family_is_one_stream(client: Client) -> None:
    """What happens to an absorbed customer comes under the canonical id, also of merges made while one listens."""
    survivor, absorbed, third = [await new_customer(client, externalId=name) for name in ("s", "a", "t")]
    await merge(client, absorbed["id"], third["id"])
    async with following(client.works, survivor["id"]) as follower:
        await send_order(client, "before", customer={"externalId": "a"})
        merged = await merge(client, survivor["id"], absorbed["id"])
        await send_order(client, "after-a", customer={"externalId": "a"})
        await send_order(client, "after-t", customer={"externalId": "t"})
        found = [await follower.take() for _ in range(3)]
        assert found[0]["__typename"] == "CustomerMerged"
        assert found[0]["merge"] == {"id": merged["id"], "survivor": {"id": survivor["id"]}}
        assert found[0]["customer"]["id"] == survivor["id"]
        assert [item["order"]["number"] for item in found[1:]] == ["after-a", "after-t"]
        await unmerge(client, merged["id"])
        assert await follower.kinds(1) == ["CustomerUpdated"]
        await send_order(client, "parted", customer={"externalId": "a"})
        await send_order(client, "own", customer={"externalId": "s"})
        assert (await follower.take())["order"]["number"] == "own"


async def test_who_follows_an_absorbed_customer_follows_who_absorbed_them(client: Client) -> None:
    """Before and after the merge, by either id."""
    survivor, absorbed = [await new_customer(client, externalId=name) for name in ("s", "a")]
    async with following(client.works, absorbed["id"]) as follower:
        await merge(client, survivor["id"], absorbed["id"])
        await update(client, survivor, givenName="Ada")
        assert await follower.kinds(2) == ["CustomerMerged", "CustomerUpdated"]
        async with following(client.works, absorbed["id"]) as later:
            await update(client, survivor, givenName="Eva")
            assert (await later.take())["customer"] == {"id": survivor["id"], "displayName": "Eva"}


async def test_a_burst_while_merging_is_told_whole(client: Client) -> None:
    """Orders that are sent while the listener has not yet read who belongs to the family are not lost."""
    survivor, absorbed = [await new_customer(client, externalId=name) for name in ("s", "a")]
    async with following(client.works, survivor["id"]) as follower:
        await merge(client, survivor["id"], absorbed["id"])
        async with asyncio.TaskGroup() as tasks:
            for number in range(6):
                name = "sao"[number % 3]
                tasks.create_task(send_order(client, f"o-{number}", customer={"externalId": name}))
        assert await follower.kinds(1) == ["CustomerMerged"]
        found = {(await follower.take())["order"]["number"] for _ in range(4)}
        assert found == {f"o-{number}" for number in range(6) if number % 3 < 2}
        assert await follower.is_silent()


async def test_a_cursor_resumes_without_a_hole(client: Client) -> None:
    """What came while nobody listened comes first; the cursor of a query misses nothing that came after it."""
    customer = await new_customer(client, externalId="k")
    await client.works.feed.settle()  # a cursor may be before what was committed a moment ago
    cursor = (await client.ask("{ eventCursor }")).data["eventCursor"]
    await update(client, customer, givenName="Ada")
    async with following(client.works, customer["id"], after=cursor) as follower:
        first = await follower.take()
        await send_order(client, customer={"externalId": "k"})
        assert await follower.kinds(1) == ["OrderChanged"]
    await update(client, customer, givenName="Eva")
    async with following(client.works, customer["id"], after=first["cursor"]) as follower:
        assert await follower.kinds(2) == ["OrderChanged", "CustomerUpdated"]
        assert await follower.is_silent()


async def ends_with(follower: Follower, reason: str) -> None:
    """Hold that the stream says that something was missed, and ends."""
    assert await follower.take() == {"__typename": "ResyncRequired", "reason": reason}
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(follower._answers), 5)


async def test_an_expired_cursor_is_told_first(client: Client) -> None:
    """A cursor of another life of the database cannot be resumed: the first item says so, and is the last."""
    customer = await new_customer(client)
    follower = await begin(client.works, customer["id"], after=Place("0" * 16, 1).cursor)
    assert isinstance(follower, Follower)
    await ends_with(follower, "RESTORED")
    await follower.close()
    assert client.works.feed.listener_count == 0


async def test_who_falls_behind_is_told_so(client: Client) -> None:
    """Silence would be a lie; and nobody waits for who does not take."""
    customer = await new_customer(client, externalId="k")
    client.works.feed._waiting_max = 3
    async with following(client.works, customer["id"]) as follower:
        await update(client, customer, givenName="Ada")
        await follower.take()
        for number in range(5):
            await update(client, customer, givenName=f"Ada {number}")
        await ends_with(follower, "FELL_BEHIND")


@pytest.mark.parametrize("customer_id", [MISSING, "T3JkZXI6AAAAAAAAAAAAAAAAAAAAAA"])
async def test_a_missing_customer_is_refused(client: Client, customer_id: str) -> None:
    """There is nothing to follow."""
    answer = await begin(client.works, customer_id)
    assert isinstance(answer, dict)
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("There is no customer with this id.", "BAD_USER_INPUT")


@SQLITE_ONLY
async def test_what_is_no_cursor_and_nobody_in_particular_is_refused(client: Client) -> None:
    """Staff and apps say whom they follow; a cursor is one that came from here; an id as well."""
    customer = await new_customer(client)
    unnamed, unknown = await begin(client.works, None), await begin(client.works, "?")
    assert isinstance(unnamed, dict)
    assert isinstance(unknown, dict)
    assert "customerId" in unnamed["errors"][0]["message"]
    assert unknown["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    answer = await begin(client.works, customer["id"], after="x")
    assert isinstance(answer, dict)
    assert "no cursor" in answer["errors"][0]["message"]


@pytest.mark.parametrize(("actor", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (only(), "FORBIDDEN")])
async def test_following_needs_a_permission(client: Client, actor: Actor, code: str) -> None:
    """Whoever may not read customers may not follow them, whether they exist or not."""
    customer = await new_customer(client)
    for customer_id in (customer["id"], MISSING, None):
        answer = await begin(client.works, customer_id, actor=actor)
        assert isinstance(answer, dict)
        assert answer["errors"][0]["extensions"]["code"] == code


async def test_orders_are_told_to_who_may_read_them(client: Client) -> None:
    """Others are not told of them, nor of gaps where they would be."""
    customer = await new_customer(client, externalId="k")
    async with following(client.works, customer["id"], actor=only(Permission.CUSTOMERS_READ)) as follower:
        await send_order(client, customer={"externalId": "k"})
        await update(client, customer, givenName="Ada")
        assert await follower.kinds(1) == ["CustomerUpdated"]


async def test_a_shopper_follows_themselves(client: Client) -> None:
    """Without an id or with their own; the orders of others and the reasons of a merge are not theirs."""
    customer, absorbed, other = [await new_customer(client, externalId=name) for name in ("k", "a", "o")]
    me = shopper(customer["id"])
    async with following(client.works, None, actor=me) as follower:
        await send_order(client, "o-1", customer={"externalId": "k"})
        await send_order(client, "o-2", customer={"externalId": "o"})
        assert (await follower.take())["order"]["number"] == "o-1"
        await merge(client, customer["id"], absorbed["id"])
        assert await follower.kinds(1) == ["CustomerUpdated"]
        await send_order(client, "o-1", customer={"externalId": "o"})  # it was another one's after all
        await consent(client, customer)
        assert await follower.kinds(1) == ["ConsentChanged"]
    async with following(client.works, absorbed["id"], actor=me):
        pass
    for stranger in (other["id"], MISSING):
        answer = await begin(client.works, stranger, actor=me)
        assert isinstance(answer, dict)
        assert answer["errors"][0]["message"] == "There is no customer with this id."


async def test_what_is_told_is_decided_when_it_is_sent(client: Client) -> None:
    """A permission that is lost while one listens is lost at once."""
    customer = await new_customer(client, externalId="k")
    async with following(client.works, customer["id"]) as follower:
        await send_order(client, customer={"externalId": "k"})
        await follower.take()
        follower.context.actor = only(Permission.CUSTOMERS_READ)
        await send_order(client, "o-2", customer={"externalId": "k"})
        await update(client, customer, givenName="Ada")
        assert await follower.kinds(1) == ["CustomerUpdated"]
        follower.context.actor = only(Permission.ORDERS_READ)
        await update(client, customer, givenName="Eva")
        await send_order(client, "o-3", customer={"externalId": "k"})
        assert await follower.kinds(1) == ["OrderChanged"]


async def test_no_connection_is_held_while_one_waits(client: Client) -> None:
    """Twice as many listeners as the pool has connections, and everybody is told."""
    customer = await new_customer(client)
    followers = [await begin(client.works, customer["id"]) for _ in range(16)]
    listening = [each for each in followers if isinstance(each, Follower)]
    for follower in listening:
        await follower.listen()
    await until(lambda: client.works.feed.listener_count == len(listening))
    await update(client, customer, givenName="Ada")
    assert [await follower.kinds(1) for follower in listening] == [["CustomerUpdated"]] * 16
    database = client.works.database
    assert database.lanes.busy + database.writers.busy == 0
    for follower in listening:
        await follower.close()
    assert client.works.feed.listener_count == 0
