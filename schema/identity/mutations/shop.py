"""Changing the shop itself."""

from uuid import UUID

import strawberry

from domain.base.work import Work
from domain.identity.actions.keys import create_api_key, revoke_api_key
from domain.identity.actions.stores import upsert_store
from schema.base.context import Info
from schema.base.descriptions import Input, given
from schema.base.ids import required_key
from schema.base.writes import once_for, write
from schema.identity.inputs import ApiKeyCreateInput, ApiKeyRevokeInput, StoreUpsertInput
from schema.identity.types.keys import ApiKeyCreatePayload, ApiKeyRevokePayload, load_api_keys
from schema.identity.types.stores import StoreUpsertPayload, load_stores


@strawberry.type
class ShopMutations:
    """Root fields that change the shop itself."""

    @strawberry.mutation(description="Adds a store, or changes the one with this code. Needs `stores:write`.")
    async def store_upsert(self, info: Info, input: Input[StoreUpsertInput]) -> StoreUpsertPayload | None:  # noqa: A002
        """Add or change a store."""
        written = await write(info, "storeUpsert", lambda work: upsert_store(work, details=input.details()))
        if not isinstance(written, UUID):
            return StoreUpsertPayload(store=None, user_errors=written)
        (store,) = await load_stores(info, [written])
        return StoreUpsertPayload(store=store, user_errors=[])

    @strawberry.mutation(
        description=(
            "Gives a program a key, which may do no more than its maker. The secret is shown this once. Needs "
            "`keys:write`."
        )
    )
    async def api_key_create(self, info: Info, input: Input[ApiKeyCreateInput]) -> ApiKeyCreatePayload | None:  # noqa: A002
        """Make a key."""
        made: dict[UUID, str] = {}

        async def story(work: Work) -> UUID:
            key_id, secret = await create_api_key(
                work, name=input.name, permissions=input.permissions, expires_at=given(input.expires_at)
            )
            made[key_id] = secret  # a story that lost a race is told again, with another id
            return key_id

        once = once_for("apiKeyCreate", input, input.idempotency_key)
        written = await write(info, "apiKeyCreate", story, once=once)
        if not isinstance(written, UUID):
            return ApiKeyCreatePayload(api_key=None, secret=None, user_errors=written)
        (api_key,) = await load_api_keys(info, [written])
        return ApiKeyCreatePayload(api_key=api_key, secret=made.get(written), user_errors=[])

    @strawberry.mutation(
        description="Lets a key open no door any more, within 2 seconds everywhere. Needs `keys:write`."
    )
    async def api_key_revoke(self, info: Info, input: Input[ApiKeyRevokeInput]) -> ApiKeyRevokePayload | None:  # noqa: A002
        """Revoke a key."""

        async def story(work: Work) -> UUID:
            return await revoke_api_key(work, api_key_id=required_key(input.api_key_id, "ApiKey", "api_key_id"))

        written = await write(info, "apiKeyRevoke", story)
        if not isinstance(written, UUID):
            return ApiKeyRevokePayload(api_key=None, user_errors=written)
        (api_key,) = await load_api_keys(info, [written])
        return ApiKeyRevokePayload(api_key=api_key, user_errors=[])
