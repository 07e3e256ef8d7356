"""Many at once: on PostgreSQL these writes really meet, on SQLite they wait for each other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from domain.base.database import Database
from domain.base.repository.events import list_events
from domain.base.work import Works
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.profiles import Buyer, CustomerDetails
from domain.orders.actions.credit_notes import upsert_credit_note
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import (
    CreditNoteDetails,
    DeliveredLine,
    DeliveryDetails,
    LineDetails,
    OrderDetails,
)
from tests.conftest import NOW, Client
from tests.orders.shop import ask_write, order_input, perform, read_customer, read_value, send_order
from tests.snapshots import snapshot

CUP = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(10))


@pytest.fixture
async def many(works: Works, kind: str) -> AsyncIterator[list[Works]]:
    """Return the doors of several processes to one database; SQLite allows one process only."""
    if kind == "sqlite":
        yield [works]
        return
    others = [
        Works(database=Database(works.database.url, pool_size=8), reactions=works.reactions, clock=works.clock)
        for _ in range(2)
    ]
    yield [works, *others]
    for other in others:
        await other.database.dispose()


def order(external_id: str, buyer: Buyer | None = None, *, quantity: int = 1) -> OrderDetails:
    """Return an order over some cups."""
    lines = [LineDetails(sku="cup", title="Cup", quantity=quantity, unit_price=Decimal(10), external_id="l")]
    return OrderDetails(external_id=external_id, placed_at=NOW, currency_code="EUR", lines=lines, buyer=buyer)


def note(external_id: str, order_external_id: str) -> CreditNoteDetails:
    """Return a credit note over one cup."""
    return CreditNoteDetails(
        external_id=external_id,
        issued_at=NOW,
        currency_code="EUR",
        lines=[CUP],
        order_external_id=order_external_id,
    )


async def send_at_once(many: list[Works], orders: list[OrderDetails]) -> list[Any]:
    """Send all orders at the same time, through all doors in turn."""
    return await asyncio.gather(
        *(
            perform(many[index % len(many)], lambda work, each=each: upsert_order(work, order=each))  # type: ignore[misc]
            for index, each in enumerate(orders)
        )
    )


async def counts(works: Works) -> dict[str, int]:
    """Return how many rows each table has."""
    return {name: len(rows) for name, rows in (await snapshot(works)).items()}


async def test_the_same_order_twenty_times_at_once_is_one(many: list[Works]) -> None:
    """Twenty clicks on one order leave one order with one line, one customer, one event for each."""
    same = order("o-1", Buyer(external_id="k-1", email="ada@example.org", is_email_verified=True))
    ids = await send_at_once(many, [same] * 20)
    assert len(set(ids)) == 1
    found = await counts(many[0])
    assert {name: found[name] for name in ("orders", "order_lines", "customers", "customer_identities")} == {
        "orders": 1,
        "order_lines": 1,
        "customers": 1,
        "customer_identities": 2,
    }
    async with many[0].database.reading() as session:
        types = Counter(event.type for event in await list_events(session, limit=100))
    assert {name: types[name] for name in ("CustomerCreated", "OrderChanged", "CustomerUpdated")} == {
        "CustomerCreated": 1,
        "OrderChanged": 1,
        "CustomerUpdated": 0,
    }


@pytest.mark.parametrize(
    "buyer",
    [
        Buyer(external_id="k-1"),
        Buyer(email="ada@example.org", is_email_verified=True),
        Buyer(email="ada@example.org"),
        Buyer(external_id="k-1", email="ada@example.org", is_email_verified=True, given_name="Ada"),
    ],
    ids=["external id", "verified e-mail", "unverified e-mail", "both"],
)
async def test_ten_orders_of_a_new_customer_at_once_are_one_customer(
    many: list[Works], client: Client, buyer: Buyer
) -> None:
    """Whatever the buyer is known by, ten first orders at the same time find one customer, and all are counted."""
    await send_at_once(many, [order(f"o-{number}", buyer) for number in range(10)])
    found = await counts(many[0])
    assert (found["orders"], found["customers"]) == (10, 1)
    nodes = (await client.ask("{ customers(first: 9) { nodes { id orders(first: 1) { totalCount } } } }")).data
    (customer,) = nodes["customers"]["nodes"]
    assert customer["orders"]["totalCount"] == 10
    value = await read_value(client, customer["id"])
    assert (value["orderCount"], value["netSpent"]["amount"]) == (10, "100.00")


async def test_two_orders_of_one_customer_at_once_count_both(many: list[Works], client: Client) -> None:
    """Whichever is committed last has seen the other one."""
    known = await send_order(client, "o-0", customer={"externalId": "k-1"})
    for round_number in range(1, 6):
        pair = [order(f"o-{round_number}-{side}", Buyer(external_id="k-1")) for side in "ab"]
        await send_at_once(many, pair)
        value = await read_value(client, known["customer"]["id"])
        expected = 1 + 2 * round_number
        assert (value["orderCount"], value["netSpent"]["amount"]) == (expected, f"{10 * expected}.00")


async def test_ten_credit_notes_of_one_customer_at_once_count_all(many: list[Works], client: Client) -> None:
    """Credit notes on different orders of one customer do not wait for each other in a circle."""
    orders = [order(f"o-{number}", Buyer(external_id="k-1")) for number in range(10)]
    for each in orders:
        await perform(many[0], lambda work, each=each: upsert_order(work, order=each))  # type: ignore[misc]
    await asyncio.gather(
        *(
            perform(
                many[number % len(many)],
                lambda work, number=number: upsert_credit_note(work, note=note(f"c-{number}", f"o-{number}")),  # type: ignore[misc]
            )
            for number in range(10)
        )
    )
    (customer,) = (await client.ask("{ customers(first: 9) { nodes { id } } }")).data["customers"]["nodes"]
    value = await read_value(client, customer["id"])
    assert (value["orderCount"], value["netSpent"]["amount"]) == (10, "0.00")


async def test_orders_that_move_both_ways_at_once_end_consistent(many: list[Works], client: Client) -> None:
    """Two orders that change hands in opposite directions at the same time leave both sums right."""
    ada, bob = Buyer(external_id="ada"), Buyer(external_id="bob")
    await send_at_once(many, [order("o-1", ada, quantity=1), order("o-2", bob, quantity=3)])
    for first, second in ((bob, ada), (ada, bob), (bob, ada)):
        await send_at_once(many, [order("o-1", first, quantity=1), order("o-2", second, quantity=3)])
    nodes = (await client.ask("{ customers(first: 9) { nodes { id externalId } } }")).data["customers"]["nodes"]
    sums = {
        node["externalId"]: (await read_customer(client, node["id"]))["value"]["netSpent"]["amount"] for node in nodes
    }
    assert sums == {"bob": "10.00", "ada": "30.00"}


async def test_a_delivery_twenty_times_at_once_is_one(many: list[Works]) -> None:
    """The same delivery recorded by twenty clicks holds its pieces once."""
    await perform(many[0], lambda work: upsert_order(work, order=order("o-1", quantity=5)))
    delivery = DeliveryDetails(external_id="d-1", shipped_at=NOW)
    ids = await asyncio.gather(
        *(
            perform(
                many[number % len(many)],
                lambda work: record_delivery(work, delivery=delivery, order_external_id="o-1"),
            )
            for number in range(20)
        )
    )
    assert len(set(ids)) == 1
    found = await counts(many[0])
    assert (found["deliveries"], found["delivery_lines"]) == (1, 1)


async def test_deliveries_at_once_never_hold_more_than_was_ordered(many: list[Works]) -> None:
    """Twenty deliveries of one piece each, of an order of ten: ten are recorded, ten are refused."""
    await perform(many[0], lambda work: upsert_order(work, order=order("o-1", quantity=10)))
    one = [DeliveredLine(quantity=1, order_line_external_id="l")]
    outcomes = await asyncio.gather(
        *(
            perform(
                many[number % len(many)],
                lambda work, number=number: record_delivery(  # type: ignore[misc]
                    work, delivery=DeliveryDetails(external_id=f"d-{number}", lines=one), order_external_id="o-1"
                ),
            )
            for number in range(20)
        ),
        return_exceptions=True,
    )
    names = Counter(type(outcome).__name__ for outcome in outcomes)
    assert names == {"UUID": 10, "MoreDeliveredThanOrdered": 10}
    found = await counts(many[0])
    assert (found["deliveries"], found["delivery_lines"]) == (10, 10)


async def test_twenty_customers_with_one_email_at_once_are_one(many: list[Works]) -> None:
    """Of twenty sign-ups with the same e-mail in different spellings one is taken; the others are told whose it is."""
    outcomes = await asyncio.gather(
        *(
            perform(
                many[number % len(many)],
                lambda work, number=number: create_customer(  # type: ignore[misc]
                    work, details=CustomerDetails(email=["ada@example.org", "ADA@example.org"][number % 2])
                ),
            )
            for number in range(20)
        ),
        return_exceptions=True,
    )
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"UUID": 1, "EmailTaken": 19}
    assert (await counts(many[0]))["customers"] == 1


async def test_the_same_key_twenty_times_at_once_is_one_effect(client: Client) -> None:
    """Twenty calls with one idempotency key get twenty equal answers and make one customer."""
    given = {"givenName": "Ada", "tags": ["vip"], "idempotencyKey": "key-1"}
    answers = await asyncio.gather(*(ask_write(client, "customerCreate", given) for _ in range(20)))
    ids = {answer.data["customerCreate"]["customer"]["id"] for answer in answers}
    assert len(ids) == 1
    found = await counts(client.works)
    assert (found["customers"], found["customer_tags"], found["idempotency_keys"]) == (1, 1, 1)


async def test_orders_at_once_through_the_api(client: Client) -> None:
    """The same order from twenty requests at once: twenty equal answers."""
    given = order_input(customer={"email": "ada@example.org", "emailVerified": True})
    answers = await asyncio.gather(*(ask_write(client, "orderUpsert", given) for _ in range(20)))
    shown = [answer.data["orderUpsert"] for answer in answers]
    assert all(each == shown[0] for each in shown)
    assert shown[0]["userErrors"] == []
