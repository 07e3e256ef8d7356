"""Reading orders, and what they say about the customers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import Row
from strawberry import UNSET

from domain.base.pages import EMPTY, Page, check_page
from domain.base.texts import clean
from domain.customers.repository.spending import concentration
from domain.customers.rules.ranking import share
from domain.identity.repository.stores import get_currency_code, list_stores
from domain.orders.repository.orders import OrderFilter as Wanted
from domain.orders.repository.orders import count_orders, find_order_by_external_id, list_orders
from domain.orders.repository.spending import concentration_between
from schema.base.connections import Connection, Total, connect, count_of
from schema.base.context import Info
from schema.base.descriptions import After, Before, ExternalId, Filter, First, GlobalId, Last, given
from schema.base.ids import key_of
from schema.base.types import Money
from schema.orders.inputs import OrderFilter
from schema.orders.types.concentration import (
    ConcentrationPoint,
    Dimension,
    ValueConcentration,
)
from schema.orders.types.documents import Order, load_orders

PERCENTS = (1, 5, 10, 20, 50)


@strawberry.type
class OrderQueries:
    """Root fields about orders."""

    @strawberry.field(description="One order; null where there is none. Needs `orders:read`.")
    async def order(self, info: Info, id: GlobalId) -> Order | None:  # noqa: A002
        """Read one order."""
        key = key_of(id, "Order")
        return None if key is None else (await load_orders(info, [key]))[0]

    @strawberry.field(description="The order with the shop's own id; null where there is none. Needs `orders:read`.")
    async def order_by_external_id(self, info: Info, external_id: ExternalId) -> Order | None:
        """Read one order by the shop's own id."""
        wanted = clean(external_id)
        async with info.context.reading() as session:
            row = await find_order_by_external_id(session, wanted)
        return None if row is None else Order.of(row)

    @strawberry.field(description="Orders, filtered, the newest first. Needs `orders:read`.")
    async def orders(
        self,
        info: Info,
        filter: Filter[OrderFilter] = UNSET,  # noqa: A002
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Order] | None:
        """Read a page of orders."""
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        async with info.context.reading() as session:
            wanted: Wanted | None = Wanted()
            if (asked := given(filter)) is not None:
                wanted = asked.wanted({store.code: store.id for store in await list_stores(session)})
            if wanted is None:
                found: Page[Row[Any]] = EMPTY
                count = Total(count_of(_nothing))
            else:
                found = await list_orders(session, wanted=wanted, page=page, columns=info.context.columns("Order"))
                count = Total(count_of(lambda session: count_orders(session, wanted=wanted)))
        return connect(found, Order.of, total=count)

    @strawberry.field(
        description=(
            "How concentrated the revenue is: the best 20 % of customers bring how much? Counts orders placed and "
            "credit notes issued from `from` to before `to`. Needs `reports:read`."
        )
    )
    async def value_concentration(
        self,
        info: Info,
        dimension: Annotated[  # noqa: ARG002  there is one so far
            Dimension, strawberry.argument(description="Of what.")
        ] = Dimension.REVENUE,
        from_: Annotated[
            datetime | None,
            strawberry.argument(name="from", description="From this instant; left out, from the first."),
        ] = UNSET,
        to: Annotated[
            datetime | None, strawberry.argument(description="To before this instant; left out, to the last.")
        ] = UNSET,
    ) -> ValueConcentration | None:
        """Add up what the best customers bring."""
        start, end = given(from_), given(to)
        async with info.context.reading() as session:
            currency_code = await get_currency_code(session, info.context.works.organisation)
            if start is None and end is None:
                row = await concentration(session, currency_code=currency_code, percents=PERCENTS)
            else:
                row = await concentration_between(
                    session, currency_code=currency_code, percents=PERCENTS, start=start, end=end
                )
        total: Decimal = row.total or Decimal(0)
        return ValueConcentration(
            customer_count=row.customer_count,
            total=Money.of(total, currency_code),
            points=[
                ConcentrationPoint(
                    percent=percent,
                    customer_count=-(-row.customer_count * percent // 100),
                    share=share(getattr(row, f"top_{percent}") or Decimal(0), whole=total),
                )
                for percent in PERCENTS
            ],
        )


async def _nothing(_session: object) -> int:
    return 0
