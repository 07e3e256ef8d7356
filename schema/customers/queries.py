"""Reading customers."""

import strawberry
from strawberry import UNSET

from domain.base.actors import Permission
from domain.base.pages import Ordering, check_page
from domain.customers.repository.customers import ORDERINGS, count_customers, list_customers
from domain.customers.repository.customers import CustomerFilter as Wanted
from domain.identity.repository import list_stores
from schema.base.connections import Connection, Total, connect, count_of
from schema.base.context import Info
from schema.base.descriptions import After, Before, Filter, First, GlobalId, Last, OrderBy, given
from schema.base.ids import key_of
from schema.base.types import Direction
from schema.customers.inputs import CustomerFilter, CustomerSort
from schema.customers.types import Customer, SortField, load_customers


@strawberry.type
class CustomerQueries:
    """Root fields about customers."""

    @strawberry.field(description="One customer; null where there is none. Needs `customers:read`.")
    async def customer(self, info: Info, id: GlobalId) -> Customer | None:  # noqa: A002
        """Read one customer."""
        info.context.require(Permission.CUSTOMERS_READ)
        key = key_of(id, "Customer")
        return None if key is None else (await load_customers(info, [key]))[0]

    @strawberry.field(
        description="Customers, filtered and ordered, by default by when they became known. Needs `customers:read`."
    )
    async def customers(
        self,
        info: Info,
        filter: Filter[CustomerFilter] = UNSET,  # noqa: A002
        order_by: OrderBy[CustomerSort] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Customer] | None:
        """Read a page of customers."""
        context = info.context
        context.require(Permission.CUSTOMERS_READ)
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        sort = given(order_by) or CustomerSort(field=SortField.CREATED_AT)
        ordering = Ordering(
            f"customers.{sort.field.value}",
            ORDERINGS[sort.field.value],
            is_descending=sort.direction is Direction.DESC,
        )
        now = context.now
        async with context.reading() as session:
            wanted = Wanted()
            if (asked := given(filter)) is not None:
                wanted = asked.wanted(regions=sorted({store.country for store in await list_stores(session)}))
            found = await list_customers(session, wanted=wanted, ordering=ordering, page=page, now=now)
        total = Total(count_of(lambda session: count_customers(session, wanted=wanted, now=now)))
        return connect(found, lambda row: Customer.of(row, now=now), total=total)
