"""Every fifth customer of a real shop: the figures that the import and the API must come to, to the last digit."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from api.imports.run import Summary
from tests.conftest import Client
from tests.real_data.asking import (
    CONCENTRATION,
    EVERY_CUSTOMER,
    EVERY_ORDER,
    FACTS,
    expected_concentration,
    expected_values,
    read_all,
    shown_concentration,
    shown_value,
)
from tests.real_data.conftest import MOD5
from tests.real_data.expected_ranks import Buyer, buyers_of, read_invoices

FIGURES = FACTS["mod5"]
COUNTRIES = {"United Kingdom": "GB", "Australia": "AU", "France": "FR", "Norway": "NO", "Germany": "DE"}

PROFILE = """query($search: String!) {
  customers(first: 2, filter: {search: $search}) {
    nodes {
      externalId displayName country
      value { orderCount netSpent { amount currencyCode } averageOrder { amount } lastOrderAt }
      orders(first: 100) { totalCount nodes { placedAt total { amount } lines { id } } }
      creditNotes(first: 100) { totalCount nodes { total { amount } lines { id } } }
    }
  }
}"""


@pytest.fixture(scope="module")
def buyers() -> dict[str, Buyer]:
    """Return the customers as the plain computation has them."""
    return buyers_of(read_invoices(MOD5).values())


async def test_the_counts_are_those_of_the_file(mod5: Client, mod5_summary: Summary) -> None:
    """All customers, orders, credit notes and lines are there, and nothing was refused or left out."""
    answer = await mod5.ask("{ customers(first: 1) { totalCount } orders(first: 1) { totalCount } }")
    assert answer.data["customers"]["totalCount"] == FIGURES["customers"] == 879
    assert answer.data["orders"]["totalCount"] == FIGURES["invoices"] == 3_417
    assert mod5_summary.counts == {"order": 3_417, "credit note": 614, "line": 74_523}
    assert (mod5_summary.is_clean, mod5_summary.left_out, mod5_summary.report) == (True, [], None)
    async with mod5.works.database.reading() as session:
        lines = (await session.execute(text("SELECT count(*), sum(total) FROM order_lines"))).one()
        returned = (await session.execute(text("SELECT count(*), sum(total) FROM credit_note_lines"))).one()
    assert (lines[0], returned[0]) == (74_523 - 1_536, 1_536)
    assert Decimal(int(lines[1])).scaleb(-4) == Decimal(FIGURES["gross"])
    assert Decimal(int(returned[1])).scaleb(-4) == -Decimal(FIGURES["cancelled"])


async def test_the_best_fifth_brings_seven_tenths(mod5: Client) -> None:
    """The revenue and the share of the best 20 % are the known ones."""
    found = shown_concentration((await mod5.ask(CONCENTRATION)).data["valueConcentration"])
    assert found["customerCount"] == 879
    assert found["total"] == Decimal("1565768.091")
    best = next(point for point in found["points"] if point["percent"] == 20)
    assert best == {"percent": 20, "customerCount": 176, "share": Decimal("0.709587")}


async def test_every_share_is_that_of_the_plain_computation(mod5: Client, buyers: dict[str, Buyer]) -> None:
    """The shares for all percents are right, also where the period is named in which everything lies."""
    whole = {"from": "2010-12-01T00:00:00Z", "to": "2011-12-10T00:00:00Z"}
    for variables in (None, whole):
        answer = await mod5.ask(CONCENTRATION, variables)
        assert shown_concentration(answer.data["valueConcentration"]) == expected_concentration(buyers)


async def test_a_period_counts_what_lies_in_it(mod5: Client) -> None:
    """From an instant to before another one: those documents alone, and no customer without any."""
    start, end = datetime(2011, 3, 1, tzinfo=UTC), datetime(2011, 6, 1, tzinfo=UTC)
    invoices = [each for each in read_invoices(MOD5).values() if start <= each.at < end]
    answer = await mod5.ask(CONCENTRATION, {"from": start.isoformat(), "to": end.isoformat()})
    found = shown_concentration(answer.data["valueConcentration"])
    assert found == expected_concentration(buyers_of(invoices))
    assert 0 < found["customerCount"] < 879


async def test_the_best_customers_are_the_known_ones(mod5: Client) -> None:
    """The five who spent most come first, with what they spent."""
    answer = await mod5.ask(
        """{ customers(first: 5, orderBy: {field: LIFETIME_VALUE, direction: DESC}) {
             nodes { displayName value { netSpent { amount } } } } }"""
    )
    found = [(n["displayName"], Decimal(n["value"]["netSpent"]["amount"])) for n in answer.data["customers"]["nodes"]]
    assert found == [(name, Decimal(net)) for name, net in FIGURES["top_5"].items()]


async def test_every_customer_has_the_figures_of_the_plain_computation(mod5: Client, buyers: dict[str, Buyer]) -> None:
    """All 879: counts, sums, means, instants, the three scores and the decile; and the list's order."""
    nodes = await read_all(mod5, EVERY_CUSTOMER, "customers")
    assert {node["externalId"]: shown_value(node["value"]) for node in nodes} == expected_values(buyers)
    expected_order = sorted(buyers.values(), key=lambda buyer: (buyer.net, buyer.number), reverse=True)
    assert [node["externalId"] for node in nodes] == [buyer.number for buyer in expected_order]
    documents = {n["externalId"]: (n["orders"]["totalCount"], n["creditNotes"]["totalCount"]) for n in nodes}
    assert documents == {number: (len(each.orders), len(each.cancellations)) for number, each in buyers.items()}
    assert sum(count for _, count in documents.values()) == FIGURES["cancellations"] == 614


async def test_scores_and_deciles_are_even(mod5: Client) -> None:
    """Each fifth and each tenth of the 872 customers with an order has its share of them, no more."""
    nodes = await read_all(mod5, EVERY_CUSTOMER, "customers")
    values = [node["value"] for node in nodes if node["value"]["orderCount"]]
    assert len(values) == 872
    for name in ("recencyScore", "frequencyScore", "monetaryScore"):
        assert Counter(value[name] for value in values) == {1: 174, 2: 174, 3: 175, 4: 174, 5: 175}
    assert set(Counter(value["decile"] for value in values).values()) == {87, 88}


async def test_customers_who_brought_less_than_nothing(mod5: Client, buyers: dict[str, Buyer]) -> None:
    """Seven have only cancellations: a negative sum, no order, and so no rank."""
    nodes = await read_all(mod5, EVERY_CUSTOMER, "customers")
    negative = {n["externalId"] for n in nodes if Decimal(n["value"]["netSpent"]["amount"]) < 0}
    orderless = {n["externalId"]: n["value"] for n in nodes if n["value"]["orderCount"] == 0}
    assert negative == {number for number, buyer in buyers.items() if buyer.net < 0}
    assert set(orderless) == {number for number, buyer in buyers.items() if not buyer.orders}
    assert len(negative) == FIGURES["customers_with_negative_net"] == 7
    assert len(orderless) == FIGURES["customers_with_only_cancellations"] == 7
    unranked = ("averageOrder", "firstOrderAt", "lastOrderAt", "recencyScore", "frequencyScore", "monetaryScore")
    assert all(value[name] is None for value in orderless.values() for name in (*unranked, "decile"))


async def test_every_order_is_as_the_file_has_it(mod5: Client) -> None:
    """All 3,417: the customer, the sum and the instant, read in the shop's time zone."""
    nodes = await read_all(mod5, EVERY_ORDER, "orders")
    expected = {
        number: (invoice.customer, invoice.amount, f"{invoice.at:%Y-%m-%dT%H:%M:%SZ}")
        for number, invoice in read_invoices(MOD5).items()
        if invoice.is_order
    }
    assert {
        node["externalId"]: (node["customer"]["externalId"], Decimal(node["total"]["amount"]), node["placedAt"])
        for node in nodes
    } == expected
    assert len(nodes) == len(expected) == 3_417


@pytest.mark.parametrize("profile", FACTS["profiles"], ids=lambda profile: profile["customer"])
async def test_a_customer_known_by_hand(mod5: Client, profile: dict[str, Any]) -> None:
    """Documents, lines, sums, country and the last order are those that were counted in the file."""
    (customer,) = (await mod5.ask(PROFILE, {"search": profile["customer"]})).data["customers"]["nodes"]
    assert customer["externalId"] == customer["displayName"] == profile["customer"]
    assert customer["country"] == COUNTRIES[profile["country"]]
    orders, notes, value = customer["orders"], customer["creditNotes"], customer["value"]
    assert orders["totalCount"] == len(orders["nodes"]) == value["orderCount"] == profile["orders"]
    assert notes["totalCount"] == len(notes["nodes"]) == profile["cancellations"]
    assert sum(len(each["lines"]) for each in (*orders["nodes"], *notes["nodes"])) == profile["rows"]
    gross = sum((Decimal(order["total"]["amount"]) for order in orders["nodes"]), Decimal(0))
    assert gross == Decimal(profile["gross"])
    assert -sum((Decimal(n["total"]["amount"]) for n in notes["nodes"]), Decimal(0)) == Decimal(profile["cancelled"])
    assert (Decimal(value["netSpent"]["amount"]), value["netSpent"]["currencyCode"]) == (Decimal(profile["net"]), "GBP")
    rounding = Decimal("0.00005") * profile["orders"]
    assert abs(Decimal(value["averageOrder"]["amount"]) * profile["orders"] - gross) <= rounding
    last = datetime.fromisoformat(value["lastOrderAt"]).astimezone(ZoneInfo("Europe/London"))
    assert f"{last:%Y-%m-%d %H:%M:%S}" == profile["last_order"]
    assert max(order["placedAt"] for order in orders["nodes"]) == value["lastOrderAt"]


async def test_equal_rows_are_lines_of_their_own(mod5: Client) -> None:
    """A row that stands twice in an invoice was bought twice: the 882 duplicates are all there."""
    statement = text(
        """SELECT sum(copies - 1) FROM (
             SELECT count(*) AS copies FROM order_lines JOIN orders ON orders.id = order_id
             GROUP BY order_id, sku, title, quantity, unit_price
             UNION ALL
             SELECT count(*) FROM credit_note_lines GROUP BY credit_note_id, sku, title, quantity, unit_price
           ) AS counted"""
    )
    async with mod5.works.database.reading() as session:
        assert (await session.execute(statement)).scalar_one() == FIGURES["duplicate_rows"] == 882
