"""Reading the shop itself."""

import strawberry

from domain.identity import repository
from schema.base.context import Info
from schema.identity.types import ApiKey, Store, Viewer


@strawberry.type
class IdentityQueries:
    """Root fields about the shop itself."""

    @strawberry.field(description="Who is asking, and what they may do.")
    def viewer(self, info: Info) -> Viewer:
        """Show the actor."""
        actor = info.context.actor
        return Viewer(kind=actor.kind, permissions=sorted(actor.permissions))

    @strawberry.field(description="All keys of programs, the oldest first, without their secrets. Needs `keys:write`.")
    async def api_keys(self, info: Info) -> list[ApiKey] | None:
        """Read all keys."""
        async with info.context.reading() as session:
            return [ApiKey.of(row) for row in await repository.list_api_keys(session)]

    @strawberry.field(description="All stores, by code. Needs `stores:read`.")
    async def stores(self, info: Info) -> list[Store] | None:
        """Read all stores."""
        async with info.context.reading() as session:
            return [Store.of(row) for row in await repository.list_stores(session)]
