"""All rows of one real month, with guests, stock corrections and returns of earlier purchases: nothing is invented."""

from decimal import Decimal

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
from tests.real_data.conftest import DECEMBER
from tests.real_data.expected_ranks import Invoice, buyers_of, read_invoices

FIGURES = FACTS["2010-12"]


@pytest.fixture(scope="module")
def invoices() -> dict[str, Invoice]:
    """Return the invoices as the plain computation has them."""
    return read_invoices(DECEMBER)


async def test_the_counts_are_those_of_the_file(
    december: Client, december_summary: Summary, invoices: dict[str, Invoice]
) -> None:
    """1,699 invoices less 70 stock corrections are orders, 326 cancellations are credit notes, none was refused."""
    assert FIGURES["invoices"] - FIGURES["stock_corrections"] == 1_629
    assert sum(invoice.is_order for invoice in invoices.values()) == 1_629
    counts = {"order": 1_629, "credit note": 326, "stock correction": 70, "line": 42_481 - 70}
    assert december_summary.counts == counts
    assert (december_summary.is_clean, december_summary.report) == (True, None)
    answer = await december.ask("{ customers(first: 1) { totalCount } orders(first: 1) { totalCount } }")
    assert answer.data["orders"]["totalCount"] == 1_629
    assert answer.data["customers"]["totalCount"] == FIGURES["customers"] == 948


async def test_stock_corrections_are_listed(december_summary: Summary, invoices: dict[str, Invoice]) -> None:
    """Each of the 70 is named with its article and pieces, and no other invoice is left out."""
    expected = {
        invoice.number: f"corrects the stock of {invoice.rows[0].sku} by {invoice.rows[0].quantity}"
        for invoice in invoices.values()
        if invoice.is_stock_correction
    }
    assert {problem.name: problem.reason for problem in december_summary.left_out} == expected
    assert len(december_summary.left_out) == len(expected) == FIGURES["stock_corrections"] == 70


async def test_a_stock_correction_is_nowhere(december: Client, december_summary: Summary) -> None:
    """It is no order and no credit note."""
    names = {problem.name for problem in december_summary.left_out}
    async with december.works.database.reading() as session:
        orders = set((await session.execute(text("SELECT external_id FROM orders"))).scalars())
        notes = set((await session.execute(text("SELECT external_id FROM credit_notes"))).scalars())
    assert names.isdisjoint(orders | notes)
    assert {name[0] for name in notes} == {"C"}


async def test_guests_have_no_customer(december: Client, invoices: dict[str, Invoice]) -> None:
    """Every order has the customer, the sum and the instant of the file; 229 orders have nobody's."""
    nodes = await read_all(december, EVERY_ORDER, "orders")
    found = {
        node["externalId"]: (
            "" if node["customer"] is None else node["customer"]["externalId"],
            Decimal(node["total"]["amount"]),
            node["placedAt"],
        )
        for node in nodes
    }
    assert found == {
        number: (invoice.customer, invoice.amount, f"{invoice.at:%Y-%m-%dT%H:%M:%SZ}")
        for number, invoice in invoices.items()
        if invoice.is_order
    }
    assert sum(customer == "" for customer, _, _ in found.values()) == 1_629 - FIGURES["orders_of_customers"] == 229


async def test_no_customer_and_no_money_is_invented(december: Client, invoices: dict[str, Invoice]) -> None:
    """The customers are those of the file; what orders and credit notes come to is what all rows come to."""
    nodes = await read_all(december, EVERY_CUSTOMER, "customers")
    assert {node["externalId"] for node in nodes} == {each.customer for each in invoices.values() if each.customer}
    async with december.works.database.reading() as session:
        ordered, guests = (
            await session.execute(text("SELECT sum(total), count(*) - count(customer_id) FROM orders"))
        ).one()
        credited, unnamed, linked = (
            await session.execute(
                text("SELECT sum(total), count(*) - count(customer_id), count(order_id) FROM credit_notes")
            )
        ).one()
    assert (guests, unnamed) == (229, 18)
    assert linked == 0  # the file does not say which order was cancelled
    assert guests + unnamed + 70 == FIGURES["invoices_without_customer"]
    assert Decimal(int(ordered)).scaleb(-4) == Decimal(FIGURES["gross"])
    assert -Decimal(int(credited)).scaleb(-4) == Decimal(FIGURES["cancelled"])
    assert Decimal(int(ordered) - int(credited)).scaleb(-4) == Decimal(FIGURES["net"])


async def test_every_customer_has_the_figures_of_the_plain_computation(
    december: Client, invoices: dict[str, Invoice]
) -> None:
    """Counts, sums and ranks of all 948, also of those who only gave back what they bought before the month."""
    buyers = buyers_of(invoices.values())
    nodes = await read_all(december, EVERY_CUSTOMER, "customers")
    assert {node["externalId"]: shown_value(node["value"]) for node in nodes} == expected_values(buyers)
    negative = [node for node in nodes if Decimal(node["value"]["netSpent"]["amount"]) < 0]
    orderless = [node for node in nodes if node["value"]["orderCount"] == 0]
    assert len(negative) == FIGURES["customers_with_negative_net"] == 67
    assert len(orderless) == FIGURES["customers_with_only_cancellations"] == 63
    best = [(node["externalId"], Decimal(node["value"]["netSpent"]["amount"])) for node in nodes[:5]]
    assert best == [(name, Decimal(net)) for name, net in FIGURES["top_5"].items()]


async def test_the_shares_count_customers_only(december: Client, invoices: dict[str, Invoice]) -> None:
    """What guests bought is in no share: the best 20 % bring 65.3080 % of what customers bring."""
    found = shown_concentration((await december.ask(CONCENTRATION)).data["valueConcentration"])
    assert found == expected_concentration(buyers_of(invoices.values()))
    assert (found["customerCount"], found["total"]) == (948, Decimal("554604.02"))
    best = next(point for point in found["points"] if point["percent"] == 20)
    assert best == {"percent": 20, "customerCount": 190, "share": Decimal("0.653080")}


async def test_a_guest_order_is_found_by_its_number(december: Client, invoices: dict[str, Invoice]) -> None:
    """Without a customer there is still the number on the receipt."""
    guest = next(each for each in invoices.values() if each.is_order and not each.customer)
    answer = await december.ask(
        "query($search: String!) { orders(first: 2, filter: {search: $search}) { nodes { number customer { id } } } }",
        {"search": guest.number},
    )
    assert answer.data["orders"]["nodes"] == [{"number": guest.number, "customer": None}]
