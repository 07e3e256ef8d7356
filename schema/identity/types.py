"""The shop itself, as the API shows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.base.actors import ActorKind
from domain.identity import repository
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import CountryCode, CurrencyCode, Locale, TimeZone
from schema.identity.policies import KEYS, STORES

described_enum(
    ActorKind,
    name="ActorKind",
    description="What sort of caller it is.",
    values={
        ActorKind.ANONYMOUS: "Nobody in particular: no token was sent.",
        ActorKind.CUSTOMER: "A shopper, for themselves.",
        ActorKind.STAFF: "A member of staff.",
        ActorKind.APP: "A program, with an API key.",
        ActorKind.SYSTEM: "The product itself. Never comes in from outside.",
    },
)


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


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """See the description."""

    kind: ActorKind = shown("What sort of caller it is.")
    permissions: list[str] = shown("What the caller may do, in alphabetical order.")


@strawberry.type(description="The store as it is now, or why it was not changed.")
class StoreUpsertPayload:
    """See the description."""

    store: Store | None = shown("The store; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The key of a program. Its secret is shown once, when it is made.")
class ApiKey(Node):
    """See the description."""

    name: str = shown("What the key is for.")
    prefix: str = shown("How its secret begins: enough to tell keys apart.")
    permissions: list[str] = shown("What it may do, in alphabetical order.")
    created_at: datetime = shown("When it was made.")
    expires_at: datetime | None = shown("When it opens no door any more; null where it does not expire.")
    revoked_at: datetime | None = shown("When it was revoked; null where it was not.")
    last_used_at: datetime | None = shown("When it was last used, to the minute; null where it never was.")

    @classmethod
    def of(cls, row: Row[Any]) -> "ApiKey":
        """Show a row."""
        return cls(
            id=global_id("ApiKey", row.id),
            name=row.name,
            prefix=row.prefix,
            permissions=row.permissions,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )


@strawberry.type(description="The new key with its secret, or why there is none.")
class ApiKeyCreatePayload:
    """See the description."""

    api_key: ApiKey | None = shown("The key; null where the write was refused.")
    secret: str | None = shown(
        "What the program sends as `Authorization: Bearer …`. Shown this once: null when the same idempotency key "
        "comes again, and where the write was refused."
    )
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The key that opens no door any more, or why it still does.")
class ApiKeyRevokePayload:
    """See the description."""

    api_key: ApiKey | None = shown("The key; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@loads("ApiKey", policy=KEYS)
async def load_api_keys(info: Info, ids: Sequence[UUID]) -> list[ApiKey | None]:
    """Read keys by their ids."""
    async with info.context.reading() as session:
        rows = await repository.list_api_keys_by_id(session, ids)
    return [ApiKey.of(rows[key]) if key in rows else None for key in ids]


@loads("Store", policy=STORES)
async def load_stores(info: Info, ids: Sequence[UUID]) -> list[Store | None]:
    """Read stores by their ids."""
    async with info.context.reading() as session:
        rows = await repository.list_stores_by_id(session, ids)
    return [Store.of(rows[key]) if key in rows else None for key in ids]
