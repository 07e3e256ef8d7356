"""Places orders for ever and tells the id of each one that was committed: a process to be killed."""

import asyncio
import sys
from datetime import UTC, datetime
from decimal import Decimal

from domain.base.actors import SYSTEM
from domain.base.clock import SystemClock
from domain.base.database import Database
from domain.base.work import Works
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.orders import upsert_order
from domain.orders.rules import LineDetails, OrderDetails
from domain.reactions import REACTIONS


def an_order(number: int, run: str) -> OrderDetails:
    """Return an order with two lines of one of three buyers."""
    line = LineDetails(sku="A", title="A", quantity=2, unit_price=Decimal("1.2345"))
    return OrderDetails(
        external_id=f"{run}-{number}",
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        currency_code="EUR",
        lines=[line, line],
        buyer=Buyer(external_id=f"buyer-{number % 3}", given_name="Ada"),
    )


async def main(url: str, run: str) -> None:
    """Place one order after the other."""
    works = Works(database=Database(url), reactions=REACTIONS, clock=SystemClock())
    number = 0
    while True:
        number += 1
        order = an_order(number, run)
        order_id = await works.perform(
            lambda work, order=order: upsert_order(work, order=order),  # type: ignore[misc]
            actor=SYSTEM,
            action="orderUpsert",
        )
        sys.stdout.write(f"{order_id.hex}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
