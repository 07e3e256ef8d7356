"""The keys of programs, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.identity.repository.keys import list_api_keys_by_id
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.identity.policies import KEYS


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
        rows = await list_api_keys_by_id(session, ids)
    return [ApiKey.of(rows[key]) if key in rows else None for key in ids]
