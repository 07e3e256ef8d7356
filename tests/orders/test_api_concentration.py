"""How concentrated the revenue is, against a plain computation over the documents."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.base.actors import SYSTEM
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.orders.shop import Input, instant, line, send_note, send_order

PERCENTS = (1, 5, 10, 20, 50)

QUERY = """query($from: DateTime, $to: DateTime) {
  valueConcentration(from: $from, to: $to) {
    customerCount total { amount currencyCode } points { percent customerCount share } } }"""


@dataclass(frozen=True)
class Document:
    """An order (a positive amount) or a credit note (a negative one) of the plain computation."""

    customer: str
    at: datetime
    amount: Decimal


def concentration(documents: list[Document]) -> Input:
    """Return the answer that these documents come to: the first ⌈p % of N⌉ by net, ties by id."""
    nets: dict[str, Decimal] = {}
    for document in documents:
        nets[document.customer] = nets.get(document.customer, Decimal(0)) + document.amount
    ranked = [net for _, net in sorted(nets.items(), key=lambda item: (-item[1], item[0]))]
    total = sum(ranked, Decimal(0))
    points = []
    for percent in PERCENTS:
        count = -(-percent * len(ranked) // 100)
        share = sum(ranked[:count], Decimal(0)) / total if total > 0 else Decimal(0)
        points.append((percent, count, share.quantize(Decimal("0.000001"))))
    return {"customers": len(ranked), "total": total, "points": points}


async def ask(client: Client, *, start: datetime | None = None, end: datetime | None = None) -> Input:
    """Return the API's answer in the same form."""
    bounds = {"from": start and instant(start), "to": end and instant(end)}
    found = (await client.ask(QUERY, bounds)).data["valueConcentration"]
    assert found["total"]["currencyCode"] == "EUR"
    return {
        "customers": found["customerCount"],
        "total": Decimal(found["total"]["amount"]),
        "points": [(each["percent"], each["customerCount"], Decimal(each["share"])) for each in found["points"]],
    }


def cups(amount: int) -> list[LineDetails]:
    """Return the lines of a document of this amount."""
    return [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(amount))]


async def fill(client: Client, chance: random.Random) -> list[Document]:
    """Send random documents of 43 customers, some cancelled, foreign or nobody's; return those that count."""
    orders, notes, documents = [], [], []
    for number in range(150):
        name, at = f"k-{chance.randint(0, 42)}", NOW - timedelta(days=chance.randint(0, 20))
        is_cancelled, is_guest = chance.random() < 0.1, chance.random() < 0.1
        currency_code, amount = chance.choice(["EUR"] * 9 + ["USD"]), chance.randint(0, 9)
        is_counted = currency_code == "EUR" and not is_cancelled and not is_guest
        orders.append(
            OrderDetails(
                external_id=f"o-{number}",
                placed_at=at,
                currency_code=currency_code,
                lines=cups(amount),
                buyer=None if is_guest else Buyer(external_id=name),
                cancelled_at=NOW if is_cancelled else None,
            )
        )
        if is_counted:
            documents.append(Document(name, at, Decimal(amount)))
        if chance.random() < 0.3:
            issued_at = NOW - timedelta(days=chance.randint(0, 20))
            has_order = chance.random() < 0.5
            more: dict[str, Any] = {"order_external_id": f"o-{number}"} if has_order else {}
            notes.append(
                CreditNoteDetails(
                    external_id=f"c-{number}",
                    issued_at=issued_at,
                    currency_code=currency_code,
                    lines=cups(2),
                    buyer=Buyer(external_id=name),
                    **more,
                )
            )
            if is_counted or (not has_order and currency_code == "EUR"):
                documents.append(Document(name, issued_at, Decimal(-2)))
    await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    await client.works.perform(lambda work: upsert_credit_notes(work, notes=notes), actor=SYSTEM, action="test")
    return documents


async def test_the_concentration_is_that_of_the_plain_computation(client: Client) -> None:
    """With and without bounds, from included and to not, the figures are those of the documents inside."""
    documents = await fill(client, random.Random(7))  # noqa: S311  a seed makes it the same each time
    assert await ask(client) == concentration(documents)
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert await ask(client, start=earliest, end=latest) == concentration(documents)
    for start, end in ((20, 10), (10, None), (None, 10), (3, 2), (2, 3), (5, 5), (None, 30)):
        from_, to = (None if days is None else NOW - timedelta(days=days) for days in (start, end))
        inside = [each for each in documents if (from_ is None or each.at >= from_) and (to is None or each.at < to)]
        found = await ask(client, start=from_, end=to)
        assert found == concentration(inside), (start, end)


async def test_the_bounds_are_exact_to_the_microsecond(client: Client) -> None:
    """From is included, to is not."""
    at = NOW - timedelta(days=1)
    await send_order(client, placedAt=instant(at), customer={"externalId": "k"})
    tick = timedelta(microseconds=1)
    for start, end, count in ((at, at + tick, 1), (at - tick, at, 0), (at + tick, None, 0), (None, at, 0)):
        found = await ask(client, start=start, end=end)
        assert found["customers"] == count


async def test_nothing_sold_is_no_share(client: Client) -> None:
    """Without customers, and where more was given back than sold, every share is 0."""
    assert await ask(client) == concentration([])
    await send_order(client, customer={"externalId": "a"})
    await send_note(client, customer={"externalId": "b"}, lines=[line(price="11")])
    nobody = [Document("a", NOW, Decimal(10)), Document("b", NOW, Decimal(-11))]
    assert await ask(client) == concentration(nobody)
    assert (await ask(client))["points"] == [(percent, 1, Decimal(0)) for percent in PERCENTS]
    assert await ask(client, start=NOW - timedelta(days=30)) == concentration(nobody)


async def test_the_best_bring_what_they_bring(client: Client) -> None:
    """One hand-made case: the better of two customers brings three quarters."""
    await send_order(client, "o-1", customer={"externalId": "a"}, lines=[line(price="30")])
    await send_order(client, "o-2", customer={"externalId": "b"}, lines=[line(price="10")])
    found = await ask(client)
    assert (found["customers"], found["total"]) == (2, Decimal(40))
    assert found["points"] == [(percent, 1, Decimal("0.75")) for percent in PERCENTS]
