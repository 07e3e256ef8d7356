"""Reading customers."""

from dataclasses import replace
from typing import Annotated

import strawberry
from strawberry import UNSET

from domain.base.actors import Actor
from domain.base.errors import Forbidden
from domain.base.pages import Ordering, check_page
from domain.base.repository.rows import Columns
from domain.customers.actions.attributes import visible
from domain.customers.repository.attributes import list_definitions
from domain.customers.repository.customers import ORDERINGS, count_customers, is_misspelled, list_customers
from domain.customers.repository.customers import CustomerFilter as Wanted
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.repository.merges import count_merges, list_merges
from domain.customers.rules.identities import check_namespace, check_value, is_blocked, is_withheld
from domain.identity.repository.stores import find_home_country, list_stores
from schema.base.connections import Connection, Total, connect, count_of
from schema.base.context import Context, Info
from schema.base.descriptions import After, Before, Filter, First, GlobalId, Last, OrderBy, given
from schema.base.ids import key_of
from schema.base.types import Direction
from schema.customers.inputs.customers import CustomerFilter, CustomerSort
from schema.customers.types.attributes import CustomerAttributeDefinition
from schema.customers.types.customers import Customer, SortField, load_customers
from schema.customers.types.identities import IdentityKind
from schema.customers.types.merges import CustomerMerge, CustomerMergePreview, MergeState, preview_merge
from schema.customers.types.shoppers import load_shopper
from schema.identity.types.viewer import Viewer

OPEN_ORDERS = frozenset({SortField.CREATED_AT, SortField.UPDATED_AT})
"""Orders of which who sees personal data in part may know where somebody stands: cursors hold what is ordered by."""


def check_sort(sort: CustomerSort | None, *, actor: Actor) -> CustomerSort:
    """Return how customers are to be ordered. Raises `Forbidden` for what the actor does not see."""
    checked = sort or CustomerSort(field=SortField.CREATED_AT)
    if actor.is_masked and checked.field not in OPEN_ORDERS:
        message = "You see customers in part only: order them by CREATED_AT or UPDATED_AT."
        raise Forbidden(message)
    return checked


def _columns(context: Context, ordering: Ordering) -> Columns:
    """Return what is needed of customers who are listed in this order: cursors hold what it is by."""
    wanted = context.columns("Customer")
    return None if wanted is None else wanted | {column.key for column in ordering.columns}


@strawberry.type
class CustomerQueries:
    """Root fields about customers."""

    @strawberry.field(description="The signed-in shopper; null for everyone else.")
    async def me(self, info: Info) -> Customer | None:
        """Read the shopper who asks."""
        return await load_shopper(info, Viewer.of(info.context.actor))

    @strawberry.field(
        description=(
            "One customer; for the id of an absorbed one the customer who absorbed them. Null where there is none. "
            "Needs `customers:read`."
        )
    )
    async def customer(self, info: Info, id: GlobalId) -> Customer | None:  # noqa: A002
        """Read one customer."""
        key = key_of(id, "Customer")
        return None if key is None else (await load_customers(info, [key]))[0]

    @strawberry.field(
        description=(
            "The customer who is recognised by this: it is verified as theirs, and nobody shares it. Null where there "
            "is none, and for what stands for anybody, such as a withheld number. Needs `customers:read`."
        )
    )
    async def customer_by_identity(
        self,
        info: Info,
        kind: Annotated[IdentityKind, strawberry.argument(description="What sort of sign.")],
        value: Annotated[str, strawberry.argument(description="The sign, in any notation.")],
        namespace: Annotated[
            str | None,
            strawberry.argument(
                description="For a social handle the network; for an external account the system, left out for the "
                "shop's own."
            ),
        ] = UNSET,
    ) -> Customer | None:
        """Recognise a customer by one indexed look-up."""
        space = check_namespace(given(namespace), kind=kind)
        if kind is IdentityKind.PHONE and is_withheld(value):
            return None
        async with info.context.reading() as session:
            organisation = info.context.works.organisation
            country = await find_home_country(session, organisation) if kind is IdentityKind.PHONE else None
            checked = check_value(value, kind=kind, home_country=country)
            if is_blocked(checked, kind=kind, relay_domains=organisation.relay_domains):
                return None
            key = await find_customer_by_identity(session, kind=kind, namespace=space, value=checked)
        return None if key is None else (await load_customers(info, [key]))[0]

    @strawberry.field(
        description=(
            "What a merge would do and what stands in its way; null where one of the two does not exist. Needs "
            "`customers:read`."
        )
    )
    async def customer_merge_preview(
        self,
        info: Info,
        survivor_id: Annotated[strawberry.ID, strawberry.argument(description="Who would have both.")],
        absorbed_id: Annotated[strawberry.ID, strawberry.argument(description="Who would be absorbed.")],
    ) -> CustomerMergePreview | None:
        """Look at a merge without doing it."""
        survivor_key, absorbed_key = key_of(survivor_id, "Customer"), key_of(absorbed_id, "Customer")
        if survivor_key is None or absorbed_key is None:
            return None
        return await preview_merge(info, survivor_key, absorbed_key)

    @strawberry.field(
        description=(
            "Merges, the newest first. PROPOSED is what waits for a person's decision: without those whose two are "
            "one customer meanwhile. Needs `customers:read`."
        )
    )
    async def customer_merges(
        self,
        info: Info,
        state: Annotated[
            list[MergeState] | None, strawberry.argument(description="In one of these states; left out, in any.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[CustomerMerge] | None:
        """Read a page of merges."""
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        states = sorted(set(given(state) or ()))
        async with info.context.reading() as session:
            found = await list_merges(session, states=states, page=page)
        total = Total(count_of(lambda session: count_merges(session, states=states)))
        return connect(found, CustomerMerge.of, total=total)

    @strawberry.field(
        description=(
            "The attributes that the organisation defined, by key; those that the caller may see. Needs "
            "`customers:read`."
        )
    )
    async def customer_attribute_definitions(self, info: Info) -> list[CustomerAttributeDefinition] | None:
        """Read the definitions."""
        async with info.context.reading() as session:
            rows = await list_definitions(session)
        seen = visible(rows, actor=info.context.actor)
        return [CustomerAttributeDefinition.of(row) for row in rows if row.key in seen]

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
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        sort = check_sort(given(order_by), actor=context.actor)
        ordering = Ordering(
            f"customers.{sort.field.value}",
            ORDERINGS[sort.field.value],
            is_descending=sort.direction is Direction.DESC,
        )
        now = context.now
        async with context.reading(is_single=given(filter) is None) as session:
            wanted = Wanted()
            if (asked := given(filter)) is not None:
                wanted = asked.wanted(
                    regions=sorted({store.country for store in await list_stores(session)}),
                    definitions=visible(await list_definitions(session), actor=context.actor)
                    if given(asked.attribute)
                    else {},
                )
                wanted = replace(wanted, is_exact=context.actor.is_masked)
                if await is_misspelled(session, wanted):
                    wanted = replace(wanted, is_tolerant=True)
            found = await list_customers(
                session, wanted=wanted, ordering=ordering, page=page, now=now, columns=_columns(context, ordering)
            )
        total = Total(count_of(lambda session: count_customers(session, wanted=wanted, now=now)))
        return connect(found, lambda row: Customer.of(row, now=now), total=total)
