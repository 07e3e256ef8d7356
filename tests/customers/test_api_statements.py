"""A list costs as many statements as one object: relations are read a level at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from domain.base.actors import SYSTEM
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, DeliveryDetails, LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.orders.shop import CREDIT_NOTE, CUSTOMER, ORDER, perform
from tests.statements import hearing

NESTED = f"""query($first: Int!) {{ customers(first: $first, orderBy: {{field: NAME}}) {{ totalCount nodes {{
  {CUSTOMER}
  orders(first: 10) {{ totalCount pageInfo {{ hasNextPage }}
    nodes {{ {ORDER} customer {{ orders(last: 1) {{ totalCount }} }} }} }}
  creditNotes(first: 10) {{ totalCount nodes {{ {CREDIT_NOTE} }} }} }} }} }}"""

ORDERS = f"query($first: Int!) {{ orders(first: $first) {{ totalCount nodes {{ {ORDER} }} }} }}"


@contextmanager
def counting() -> Iterator[list[str]]:
    """Yield the statements that any database is sent inside."""
    statements: list[str] = []
    with hearing() as heard:
        yield statements
    statements.extend(statement for statement, _ in heard)


async def fill(client: Client) -> None:
    """Add 50 customers with two orders of two lines each, deliveries of the newer ones and two credit notes."""
    lines = [LineDetails(sku=sku, title=sku, quantity=1, unit_price=Decimal(1)) for sku in ("cup", "pot")]
    orders: list[OrderDetails] = []
    notes: list[CreditNoteDetails] = []
    for number in range(50):
        buyer = Buyer(external_id=f"k-{number}")
        orders += [
            OrderDetails(
                external_id=f"o-{number}-{position}",
                placed_at=NOW - timedelta(days=position),
                currency_code="EUR",
                lines=lines,
                buyer=buyer,
            )
            for position in range(2)
        ]
        notes += [
            CreditNoteDetails(
                external_id=f"c-{number}-{name}",
                issued_at=NOW,
                currency_code="EUR",
                lines=lines[:1],
                order_external_id=order,
                buyer=buyer,
            )
            for name, order in (("a", f"o-{number}-0"), ("b", None))
        ]
    await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    await client.works.perform(lambda work: upsert_credit_notes(work, notes=notes), actor=SYSTEM, action="test")
    for number in range(50):
        await perform(
            client.works,
            lambda work, number=number: record_delivery(  # type: ignore[misc]
                work, delivery=DeliveryDetails(external_id="d"), order_external_id=f"o-{number}-0"
            ),
        )


async def test_fifty_customers_cost_the_statements_of_one(client: Client) -> None:
    """Whatever is asked below customers and orders, the number of statements does not depend on how many there are."""
    await fill(client)
    await client.ask(NESTED, {"first": 1})  # the ranks are computed, the key is known
    for query, field, most in ((NESTED, "customers", 24), (ORDERS, "orders", 13)):
        counts = {}
        for first in (1, 2, 50):
            with counting() as statements:
                answer = await client.ask(query, {"first": first})
            assert len(answer.data[field]["nodes"]) == first
            counts[first] = sum(1 for statement in statements if statement.lstrip().upper().startswith("SELECT"))
        assert counts[1] == counts[2] == counts[50] <= most, (field, counts)


async def test_a_batch_costs_few_statements(client: Client) -> None:
    """Writing 50 orders of 50 new customers at once takes fewer statements than orders."""
    lines = [LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))]
    orders = [
        OrderDetails(
            external_id=f"o-{number}",
            placed_at=NOW,
            currency_code="EUR",
            lines=lines,
            buyer=Buyer(external_id=f"k-{number}", email=f"{number}@example.org", is_email_verified=True),
        )
        for number in range(50)
    ]
    with counting() as statements:
        await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    assert len(statements) < 50
