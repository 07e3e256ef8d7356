"""What customers brought, to the last digit at each commit, and where that places them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.base.actors import SYSTEM
from domain.base.work import Organisation, Works
from domain.customers.actions.spending import refresh_ranking
from domain.customers.repository.customers import list_customers_by_id
from domain.customers.repository.spending import list_keys_at_ranks
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails
from schema.base.ids import parse_id
from tests.conftest import NOW, Client, StandingClock
from tests.orders.shop import (
    VALUE,
    add_store,
    customer_ids,
    days_ago,
    line,
    new_customer,
    read_customer,
    read_value,
    send_delivery,
    send_note,
    send_order,
    with_organisation,
)
from tests.snapshots import snapshot

SORTS = [{"field": field, "direction": "ASC"} for field in ("LIFETIME_VALUE", "LAST_ORDER_AT")]


async def sums(client: Client, customer_id: str) -> tuple[int, str, str | None]:
    """Return a customer's orders, net sum and mean order in the organisation's currency."""
    value = await read_value(client, customer_id)
    assert value["netSpent"]["currencyCode"] == "EUR"
    average = value["averageOrder"]
    return value["orderCount"], value["netSpent"]["amount"], average and average["amount"]


async def test_sums_follow_every_write(client: Client) -> None:
    """Orders, credit notes, corrections, cancellation and its end, moving away and back: exact after each."""
    ada = {"externalId": "ada"}
    first = await send_order(client, "o-1", customer=ada, lines=[line(price="10.0001")])
    customer = first["customer"]["id"]
    assert await sums(client, customer) == (1, "10.0001", "10.0001")
    await send_order(client, "o-2", customer=ada, lines=[line(price="20")], placedAt=days_ago(3))
    assert await sums(client, customer) == (2, "30.0001", "15.00")
    await send_note(client, "c-1", orderExternalId="o-2")
    assert await sums(client, customer) == (2, "26.0001", "15.00")
    await send_note(client, "c-1", orderExternalId="o-2", lines=[line(price="5")])
    assert await sums(client, customer) == (2, "25.0001", "15.00")
    await send_note(client, "c-2", customer=ada, lines=[line(price="100")])
    assert await sums(client, customer) == (2, "-74.9999", "15.00")
    await send_order(
        client, "o-2", customer=ada, lines=[line(price="20")], placedAt=days_ago(3), cancelledAt=days_ago(1)
    )
    assert await sums(client, customer) == (1, "-89.9999", "10.0001")
    await send_order(client, "o-2", customer=ada, lines=[line(price="21")], placedAt=days_ago(3))
    assert await sums(client, customer) == (2, "-73.9999", "15.50")
    await send_order(client, "o-2", customer={"externalId": "bob"}, lines=[line(price="21")], placedAt=days_ago(3))
    assert await sums(client, customer) == (1, "-89.9999", "10.0001")
    await send_note(client, "c-2", customer={"externalId": "bob"}, lines=[line(price="100")])
    assert await sums(client, customer) == (1, "10.0001", "10.0001")
    await send_delivery(client, order="o-1", shippedAt=days_ago(0))
    await send_order(client, "o-1", lines=[line(price="10.0001")])
    assert await sums(client, customer) == (0, "0.00", None)


async def test_first_and_last_order_are_those_that_stand(client: Client) -> None:
    """Cancelled orders are none: the first and the last move with what stands."""
    for name, days in (("o-1", 10), ("o-2", 5), ("o-3", 1)):
        order = await send_order(client, name, customer={"externalId": "k"}, placedAt=days_ago(days))
    customer = order["customer"]["id"]
    await send_order(client, "o-1", customer={"externalId": "k"}, placedAt=days_ago(10), cancelledAt=days_ago(9))
    value = await read_value(client, customer)
    assert (value["firstOrderAt"], value["lastOrderAt"]) == ("2026-11-17T12:00:00Z", "2026-11-21T12:00:00Z")
    for name, days in (("o-2", 5), ("o-3", 1)):
        await send_order(client, name, customer={"externalId": "k"}, placedAt=days_ago(days), cancelledAt=days_ago(0))
    found = await read_customer(client, customer)
    assert (found["value"]["firstOrderAt"], found["value"]["lastOrderAt"]) == (None, None)
    assert found["lifecycleStage"] == "LEAD"
    assert [found["value"][name] for name in ("recencyScore", "frequencyScore", "monetaryScore", "decile")] == [
        None
    ] * 4


async def test_other_currencies_stand_apart(client: Client) -> None:
    """Dollars are never added to euros: they are shown beside, and counted as orders."""
    order = await send_order(client, "o-1", customer={"externalId": "k"})
    await send_order(client, "o-2", customer={"externalId": "k"}, currencyCode="USD", lines=[line(price="7")])
    await send_order(client, "o-3", customer={"externalId": "k"}, currencyCode="JPY", lines=[line(price="700")])
    await send_note(client, "c-1", customer={"externalId": "k"}, currencyCode="GBP")
    value = await read_value(client, order["customer"]["id"])
    assert (value["orderCount"], value["netSpent"]["amount"], value["averageOrder"]["amount"]) == (3, "10.00", "10.00")
    assert [(each["currencyCode"], each["amount"]) for each in value["otherCurrencies"]] == [
        ("GBP", "-4.00"),
        ("JPY", "700"),
        ("USD", "7.00"),
    ]
    stranger = await send_order(client, "o-4", customer={"externalId": "s"}, currencyCode="USD")
    value = await read_value(client, stranger["customer"]["id"])
    assert (value["orderCount"], value["netSpent"]["amount"], value["averageOrder"]) == (1, "0.00", None)


async def test_a_mean_is_rounded_to_four_decimals(client: Client) -> None:
    """A third of ten euros is 3.3333; half of a ten-thousandth goes to the even one."""
    for number, price in enumerate(("10", "0", "0")):
        order = await send_order(client, f"o-{number}", customer={"externalId": "k"}, lines=[line(price=price)])
    assert (await sums(client, order["customer"]["id"]))[2] == "3.3333"
    for number, price in enumerate(("0.0001", "0")):
        order = await send_order(client, f"p-{number}", customer={"externalId": "l"}, lines=[line(price=price)])
    assert (await sums(client, order["customer"]["id"]))[2] == "0.00"


async def test_large_sums_are_exact(client: Client) -> None:
    """Amounts far beyond a float's 53 bits add up to the last ten-thousandth."""
    for number in range(5):
        order = await send_order(
            client, f"o-{number}", customer={"externalId": "k"}, lines=[line(price="9999999999.9999")]
        )
    assert (await sums(client, order["customer"]["id"]))[1] == "49999999999.9995"


async def test_ranks_are_at_most_a_minute_old(client: Client, clock: StandingClock) -> None:
    """Counts are exact at once; ranks are as of an instant that is shown, and computed anew after 60 seconds."""
    for name in ("a", "b"):
        order = await send_order(client, f"o-{name}", customer={"externalId": name})
    customer = order["customer"]["id"]
    value = await read_value(client, customer)
    assert (value["asOf"], value["frequencyScore"], value["decile"]) == ("2026-11-22T12:00:00Z", 5, 10)
    for number in range(2):
        await send_order(client, f"o-{number}", customer={"externalId": "a"})
    written = await snapshot(client.works)
    clock.advance(timedelta(seconds=60) - timedelta(microseconds=1))
    value = await read_value(client, customer)
    assert (value["asOf"], value["frequencyScore"]) == ("2026-11-22T12:00:00Z", 5)
    clock.advance(timedelta(microseconds=1))
    value = await read_value(client, customer)
    assert (value["asOf"], value["frequencyScore"], value["decile"]) == ("2026-11-22T12:01:00Z", 3, 10)
    assert {table for table, rows in (await snapshot(client.works)).items() if rows != written[table]} == {
        "value_rankings"
    }


async def test_fresh_ranks_are_computed_anew_only_when_forced(works: Works, client: Client) -> None:
    """After an import nobody waits for the minute."""
    order = await send_order(client, customer={"externalId": "k"})
    assert (await read_value(client, order["customer"]["id"]))["decile"] == 10
    for number in range(9):
        await send_order(client, f"p-{number}", customer={"externalId": f"k-{number}"}, lines=[line(price="1")])
    for is_forced, decile in ((False, 10), (True, 1)):

        async def story(work: Any, is_forced: bool = is_forced) -> None:  # noqa: ANN401, FBT001
            await refresh_ranking(work, is_forced=is_forced)

        await works.perform(story, actor=SYSTEM, action="test")
        assert (await read_value(client, order["customer"]["id"]))["decile"] == decile


@pytest.mark.parametrize("is_ranked_before", [True, False], ids=["ranked before", "never ranked"])
async def test_another_currency_of_the_organisation_ranks_by_its_sums(
    works: Works,
    client: Client,
    is_ranked_before: bool,  # noqa: FBT001
) -> None:
    """Changed in the settings, the currency counts for sums, ranks and order of lists, whatever was known before."""
    await add_store(works)
    for name, pounds in (("a", "1"), ("b", "2"), ("c", "3")):
        await send_order(client, f"e-{name}", customer={"externalId": name}, lines=[line(price=str(9 - int(pounds)))])
        await send_order(
            client, f"p-{name}", customer={"externalId": name}, currencyCode="GBP", lines=[line(price=pounds)]
        )
    if is_ranked_before:
        await read_value(client, (await customer_ids(client))[0])
    settings = with_organisation(works, Organisation(default_store_code="uk"))
    await settings.perform(refresh_ranking, actor=SYSTEM, action="test")
    async with works.database.reading() as session:
        keys = await list_keys_at_ranks(session, "monetary", [1, 2, 3])
        ids = [parse_id(each)[1] for each in await customer_ids(client)]
        rows = (await list_customers_by_id(session, ids)).values()
    assert [key and key[1] for key in keys] == ["a", "b", "c"]
    assert {row.external_id: row.net_spent for row in rows} == {"a": 1, "b": 2, "c": 3}


@dataclass
class Person:
    """A customer of the plain computation."""

    tie: str
    placed: list[datetime] = field(default_factory=list)
    net: Decimal = Decimal(0)


def group(people: Sequence[Person], count: int, key: Any) -> dict[str, int]:  # noqa: ANN401
    """Return ⌈count · rank / N⌉ for each, ranks by `key`, ties by id: the definition, word by word."""
    ordered = sorted(people, key=lambda person: (key(person), person.tie))
    return {person.tie: -(-count * rank // len(ordered)) for rank, person in enumerate(ordered, 1)}


async def add_people(works: Works, chance: random.Random, people: dict[str, Person], count: int) -> None:
    """Add so many customers with orders and credit notes, many of them alike; write down what they are to come to."""
    orders, notes = [], []
    for number in range(len(people), len(people) + count):
        name = f"{chance.choice('Zaéz')}{number}"
        person = people[name] = Person(name)
        buyer = Buyer(external_id=name)
        for position in range(chance.randint(1, 3)):
            price, at = Decimal(chance.randint(0, 4)), NOW - timedelta(days=chance.randint(1, 5))
            currency_code = chance.choice(["EUR", "EUR", "EUR", "USD"])
            cup = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=price)
            orders.append(
                OrderDetails(
                    external_id=f"{name}/{position}",
                    placed_at=at,
                    currency_code=currency_code,
                    lines=[cup],
                    buyer=buyer,
                )
            )
            person.placed.append(at)
            person.net += price if currency_code == "EUR" else 0
        if chance.random() < 0.2:
            cup = LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(3))
            notes.append(
                CreditNoteDetails(external_id=name, issued_at=NOW, currency_code="EUR", lines=[cup], buyer=buyer)
            )
            person.net -= 3
    await works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    await works.perform(lambda work: upsert_credit_notes(work, notes=notes), actor=SYSTEM, action="test")


async def test_ranks_are_those_of_the_plain_computation(client: Client, works: Works, clock: StandingClock) -> None:
    """For 0 to 60 random customers with many ties, scores and deciles are what the definition says, one by one."""
    chance = random.Random(2026)  # noqa: S311  a seed makes it the same each time
    people: dict[str, Person] = {}
    await new_customer(client, externalId="lead")
    query = f"{{ customers(first: 100) {{ nodes {{ externalId {VALUE} }} }} }}"
    for step in (0, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 8, 1, 18, 1, 19):
        await add_people(works, chance, people, step)
        clock.advance(timedelta(seconds=60))
        nodes = (await client.ask(query)).data["customers"]["nodes"]
        known = list(people.values())
        expected = [
            group(known, 5, lambda person: max(person.placed)),
            group(known, 5, lambda person: len(person.placed)),
            group(known, 5, lambda person: person.net),
            group(known, 10, lambda person: -person.net),
        ]
        names = ("recencyScore", "frequencyScore", "monetaryScore", "decile")
        found = {node["externalId"]: [node["value"][name] for name in names] for node in nodes}
        assert found.pop("lead") == [None] * 4
        assert found == {person.tie: [each[person.tie] for each in expected] for person in known}
        assert {
            n["externalId"]: Decimal(n["value"]["netSpent"]["amount"]) for n in nodes if n["externalId"] != "lead"
        } == {person.tie: person.net for person in known}
    assert len(people) == 59


async def test_ties_of_customers_without_external_id_are_broken_too(client: Client, clock: StandingClock) -> None:
    """Who has no external id is placed among the ties by the product's own id: every fifth has its share."""
    for number in range(10):
        buyer = {"email": f"{number}@example.org"}
        await send_order(client, f"o-{number}", customer=buyer)
    clock.advance(timedelta(seconds=60))
    query = f"{{ customers(first: 100) {{ nodes {{ id {VALUE} }} }} }}"
    nodes = (await client.ask(query)).data["customers"]["nodes"]
    nodes.sort(key=lambda node: parse_id(node["id"])[1].hex)
    assert [node["value"]["monetaryScore"] for node in nodes] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [node["value"]["decile"] for node in nodes] == list(range(1, 11))
    for sort in SORTS:
        ids = await customer_ids(client, sort=sort)
        assert ids == [node["id"] for node in nodes]
