"""Stores, as the API shows them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.identity.repository.stores import list_stores_by_id
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import CountryCode, CurrencyCode, Locale, TimeZone
from schema.identity.policies import STORES


@strawberry.type(
    description="Where the organisation sells: a brand in a market. Orders belong to a store, customers to all."
)
class Store(Node):
    """See the description."""

    code: str = shown("The short name by which writes name the store.")
    name: str = shown("What shoppers call it.")
    country: CountryCode = shown("The market.")
    locale: Locale = shown("The language in which it speaks.")
    currency_code: CurrencyCode = shown("The currency in which it sells.")
    time_zone: TimeZone = shown("The zone by which its days begin and end.")

    @classmethod
    def of(cls, row: Row[Any]) -> "Store":
        """Show a row."""
        return cls(
            id=global_id("Store", row.id),
            code=row.code,
            name=row.name,
            country=CountryCode(row.country),
            locale=Locale(row.locale),
            currency_code=CurrencyCode(row.currency_code),
            time_zone=TimeZone(row.time_zone),
        )


@strawberry.type(description="The store as it is now, or why it was not changed.")
class StoreUpsertPayload:
    """See the description."""

    store: Store | None = shown("The store; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@loads("Store", policy=STORES)
async def load_stores(info: Info, ids: Sequence[UUID]) -> list[Store | None]:
    """Read stores by their ids."""
    async with info.context.reading() as session:
        rows = await list_stores_by_id(session, ids)
    return [Store.of(rows[key]) if key in rows else None for key in ids]
