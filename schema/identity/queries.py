"""Reading the shop itself."""

import strawberry
from strawberry import UNSET

from domain.base.pages import check_page
from domain.identity.repository.keys import list_api_keys
from domain.identity.repository.staff import count_staff, list_staff
from domain.identity.repository.stores import list_stores
from schema.base.connections import Connection, Total, connect, count_of
from schema.base.context import Info
from schema.base.descriptions import After, Before, First, Last, given
from schema.identity.types.keys import ApiKey
from schema.identity.types.staff import StaffMember
from schema.identity.types.stores import Store
from schema.identity.types.viewer import Viewer


@strawberry.type
class IdentityQueries:
    """Root fields about the shop itself."""

    @strawberry.field(description="Who is asking, and what they may do.")
    def viewer(self, info: Info) -> Viewer:
        """Show the actor."""
        return Viewer.of(info.context.actor)

    @strawberry.field(description="All keys of programs, the oldest first, without their secrets. Needs `keys:write`.")
    async def api_keys(self, info: Info) -> list[ApiKey] | None:
        """Read all keys."""
        async with info.context.reading() as session:
            return [ApiKey.of(row) for row in await list_api_keys(session)]

    @strawberry.field(description="All stores, by code. Needs `stores:read`.")
    async def stores(self, info: Info) -> list[Store] | None:
        """Read all stores."""
        async with info.context.reading() as session:
            return [Store.of(row) for row in await list_stores(session)]

    @strawberry.field(description="All members of staff, in the order in which they came. Needs `staff:read`.")
    async def staff_members(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[StaffMember] | None:
        """Read a page of the staff."""
        page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
        async with info.context.reading() as session:
            found = await list_staff(session, page)
        return connect(found, StaffMember.of, total=Total(count_of(count_staff)))
