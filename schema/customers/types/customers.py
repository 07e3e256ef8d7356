"""Customers, as the API shows them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.base.work import Work
from domain.customers.actions.spending import is_fresh, refresh_ranking
from domain.customers.repository.customers import (
    list_customers_by_id,
    list_customers_by_record,
    list_tags_by_customer,
)
from domain.customers.repository.families import list_records_alone, list_spendings_by_record
from domain.customers.repository.spending import find_ranking, list_spendings_by_customer
from domain.customers.rules.families import shown_of
from domain.customers.rules.profiles import ACTIVE_DAYS, AT_RISK_DAYS, ONBOARDING_DAYS, display_name, lifecycle_stage
from domain.customers.rules.profiles import LifecycleStage as LifecycleStage
from domain.customers.rules.ranking import average_order, rank_values, scores
from domain.identity.repository.stores import get_currency_code
from schema.base.authors import Author
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.ids import global_id
from schema.base.nodes import loads
from schema.base.scalars import (
    URL,
    CountryCode,
    EmailAddress,
    Locale,
    PhoneNumber,
    TimeZone,
)
from schema.base.types import Money
from schema.base.views import column, derived, view
from schema.customers.policies import CUSTOMERS

described_enum(
    LifecycleStage,
    name="LifecycleStage",
    description="Where a customer stands with the shop, by their orders.",
    values={
        LifecycleStage.LEAD: "No order yet.",
        LifecycleStage.ONBOARDING: f"The first order is at most {ONBOARDING_DAYS} days ago.",
        LifecycleStage.ACTIVE: f"The last order is at most {ACTIVE_DAYS} days ago.",
        LifecycleStage.AT_RISK: f"The last order is {ACTIVE_DAYS} to {AT_RISK_DAYS} days ago.",
        LifecycleStage.LAPSED: f"The last order is more than {AT_RISK_DAYS} days ago.",
    },
)


class SortField(StrEnum):
    """By what a list of customers can be ordered; the repository knows the columns."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NAME = "NAME"
    LIFETIME_VALUE = "LIFETIME_VALUE"
    LAST_ORDER_AT = "LAST_ORDER_AT"


CustomerSortField = described_enum(
    SortField,
    name="CustomerSortField",
    description="By what customers are ordered. Customers who are equal in it always stand in the same order.",
    values={
        SortField.CREATED_AT: "When they became known.",
        SortField.UPDATED_AT: "When their profile last changed.",
        SortField.NAME: "What they are called, without case and accents.",
        SortField.LIFETIME_VALUE: "What they spent, less what was given back, in the organisation's currency.",
        SortField.LAST_ORDER_AT: "When they last ordered; who never did comes before everyone.",
    },
)


@strawberry.type(
    description=(
        "Recency, frequency, monetary value. Scores 1 to 5 are fifths of all customers with an order, 5 the best: "
        "the fifth of rank r among N is ⌈5r/N⌉, ties in the order of external ids."
    )
)
class CustomerValue:
    """See the description."""

    order_count: int = shown("Orders in any currency, without cancelled ones. Exact.")
    net_spent: Money = shown("Orders less credit notes, in the organisation's currency. Exact.")
    other_currencies: list[Money] = shown("Orders less credit notes in other currencies, each apart: never added up.")
    as_of: datetime | None = shown("Scores and decile are as of this instant, at most 60 seconds ago.")
    average_order: Money | None = shown("Mean total of the orders in the organisation's currency; null without any.")
    first_order_at: datetime | None = shown("When they first ordered; null where they never did.")
    last_order_at: datetime | None = shown("When they last ordered; null where they never did.")
    recency_score: int | None = shown("1 to 5 by the last order, 5 the latest; null without an order.")
    frequency_score: int | None = shown("1 to 5 by the number of orders; null without an order.")
    monetary_score: int | None = shown("1 to 5 by what was spent; null without an order.")
    decile: int | None = shown("1 is the tenth of customers that spends most; null without an order.")


_NAMED_BY = ("given_name", "family_name", "external_id", "email", "phone")


def _name(row: Any) -> str:  # noqa: ANN401
    return display_name(
        given_name=row.given_name,
        family_name=row.family_name,
        external_id=row.external_id,
        email=row.email,
        phone=row.phone,
    )


@view(
    description=(
        "A person or firm who buys, asks or plays along, whatever the channel. Where customers were merged, all "
        "that is shown is gathered over them: what the survivor lacks is filled in from those it absorbed."
    )
)
class Customer(Author):
    """See the description."""

    row: strawberry.Private[Any]
    now: strawberry.Private[datetime]
    """As of when it is shown where they stand."""
    id: strawberry.ID = derived(of=lambda own: global_id("Customer", own.row.id))
    display_name: str = derived(of=lambda own: _name(own.row), reads=_NAMED_BY)
    avatar_url: URL | None = derived(of=lambda _: None)
    external_id: str | None = column("The shop's own id of the customer; null for a guest.")
    given_name: str | None = column("Given name.")
    family_name: str | None = column("Family name.")
    email: EmailAddress | None = column("Their e-mail address.")
    phone: PhoneNumber | None = column("Their telephone number, E.164.")
    locale: Locale | None = column("The language they prefer.")
    time_zone: TimeZone | None = column("Where their days begin and end.")
    birth_date: date | None = column("Their date of birth.")
    country: CountryCode | None = column("Where they live or last ordered to.")
    lifecycle_stage: LifecycleStage | None = derived(
        "Where they stand with the shop, by their orders.",
        of=lambda own: lifecycle_stage(
            first_order_at=own.row.first_order_at, last_order_at=own.row.last_order_at, now=own.now
        ),
        reads=("first_order_at", "last_order_at"),
    )
    version: int = column(
        "Rises with each change of what is known of them and with a merge: send it back as `expectedVersion`."
    )
    created_at: datetime = column("When they became known.")
    updated_at: datetime = column("When their profile last changed.")

    @property
    def key(self) -> UUID:
        """Return the key behind the id."""
        key: UUID = self.row.id
        return key

    @classmethod
    def of(cls, row: Any, *, now: datetime) -> "Customer":  # noqa: ANN401
        """Show a row, or what was gathered instead of one, as of `now`."""
        return cls(row=row, now=now)

    @batched(description="Words that staff put on the customer, in alphabetical order.", reads=())
    async def tags(customers: list["Customer"], info: Info) -> list[list[str]]:  # noqa: N805
        """Read the tags of a level."""
        async with info.context.reading() as session:
            tags = await list_tags_by_customer(session, [customer.key for customer in customers])
        return [tags[customer.key] for customer in customers]

    @batched(
        description="What they brought, and where that places them among all customers.",
        reads=("order_count", "net_spent", "rank_key", "last_order_key", "first_order_at", "last_order_at"),
    )
    async def value(customers: list["Customer"], info: Info) -> list[CustomerValue | None]:  # noqa: N805
        """Read the values of a level, with boundaries that are fresh."""
        ranking, currency_code = await _fresh_ranking(info)
        async with info.context.reading() as session:
            spendings = await list_spendings_by_customer(session, [each.key for each in customers])
        return [_value(each, spendings[each.key], ranking, currency_code) for each in customers]


async def load_customers(info: Info, ids: Sequence[UUID]) -> list[Customer | None]:
    """Read the customers who have these records: for an absorbed one the one who absorbed it."""
    async with info.context.reading(is_single=True) as session:
        rows = await list_customers_by_record(session, ids, columns=info.context.columns("Customer"))
    now = info.context.now
    return [Customer.of(rows[key], now=now) if key in rows else None for key in ids]


@loads("Customer", policy=CUSTOMERS)
async def load_canonical_customers(info: Info, ids: Sequence[UUID]) -> list[Customer | None]:
    """Read customers by exactly these ids: who was absorbed has none."""
    async with info.context.reading() as session:
        rows = await list_customers_by_id(session, ids, columns=info.context.columns("Customer"))
    now = info.context.now
    return [Customer.of(rows[key], now=now) if key in rows else None for key in ids]


async def load_as_themselves(info: Info, ids: Sequence[UUID]) -> list[Customer]:
    """Read customers by their ids, absorbed ones as what is known of them alone."""
    async with info.context.reading() as session:
        rows = await list_customers_by_id(session, ids)
        records = await list_records_alone(session, [key for key in ids if key not in rows])
        spendings = await list_spendings_by_record(session, records)
        currency_code = await get_currency_code(session, info.context.works.organisation)
    alone = {
        key: shown_of([record], spendings=spendings[key], currency_code=currency_code)
        for key, record in records.items()
    }
    now = info.context.now
    return [Customer.of(rows.get(key) or alone[key], now=now) for key in ids]


async def _fresh_ranking(info: Info) -> tuple[Row[Any] | None, str]:
    """Return the stored boundaries, computed anew where they are older than they may be, and the currency."""
    async with info.context.reading() as session:
        currency_code = await get_currency_code(session, info.context.works.organisation)
        ranking = await find_ranking(session)
    if ranking is None or not is_fresh(ranking, currency_code=currency_code, now=info.context.now):
        ranking = await info.context.perform_as_system(_renewed_ranking, action="rankingRefresh")
    return ranking, currency_code


async def _renewed_ranking(work: Work) -> Row[Any] | None:
    """Return the boundaries from the transaction that renews them: another field may have begun an older snapshot."""
    await refresh_ranking(work)
    return await find_ranking(work.session)


def _value(
    customer: Customer, spendings: Sequence[Row[Any]], ranking: Row[Any] | None, currency_code: str
) -> CustomerValue:
    row = customer.row
    own = next((spending for spending in spendings if spending.currency_code == currency_code), None)
    average = (
        None
        if own is None
        else average_order(ordered=own.ordered, order_count=own.order_count, currency_code=currency_code)
    )
    places: dict[str, int] = {}
    if row.order_count > 0 and ranking is not None:
        places = scores(
            rank_values(last_order_key=row.last_order_key, order_count=row.order_count, net_spent=row.net_spent),
            tie=row.rank_key,
            boundaries=ranking.boundaries,
        )
    return CustomerValue(
        order_count=row.order_count,
        net_spent=Money.of(Decimal(0) if own is None else own.net, currency_code),
        other_currencies=[Money.of(s.net, s.currency_code) for s in spendings if s.currency_code != currency_code],
        as_of=None if ranking is None else ranking.as_of,
        average_order=None if average is None else Money.of(average.amount, average.currency_code),
        first_order_at=row.first_order_at,
        last_order_at=row.last_order_at,
        recency_score=places.get("recency"),
        frequency_score=places.get("frequency"),
        monetary_score=places.get("monetary"),
        decile=places.get("decile"),
    )
