"""Changing the shop itself."""

from uuid import UUID

import strawberry

from domain.identity import actions
from schema.base.context import Info
from schema.base.descriptions import Input
from schema.base.writes import write
from schema.identity.inputs import StoreUpsertInput
from schema.identity.types import StoreUpsertPayload, load_stores


@strawberry.type
class IdentityMutations:
    """Root fields that change the shop itself."""

    @strawberry.mutation(description="Adds a store, or changes the one with this code. Needs `stores:write`.")
    async def store_upsert(self, info: Info, input: Input[StoreUpsertInput]) -> StoreUpsertPayload | None:  # noqa: A002
        """Add or change a store."""
        written = await write(info, "storeUpsert", lambda work: actions.upsert_store(work, details=input.details()))
        if not isinstance(written, UUID):
            return StoreUpsertPayload(store=None, user_errors=written)
        (store,) = await load_stores(info, [written])
        return StoreUpsertPayload(store=store, user_errors=[])
