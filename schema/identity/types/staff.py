"""Members of staff, as the API shows them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.base.actors import StaffRole as StaffRole  # inputs take it from here, described
from domain.identity.repository.staff import list_staff_by_id, list_store_ids_by_staff
from domain.identity.rules import shown_name
from schema.base.authors import Author
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import loads
from schema.base.scalars import EmailAddress, Locale
from schema.identity.policies import STAFF
from schema.identity.types.stores import Store, load_stores

described_enum(
    StaffRole,
    name="StaffRole",
    description="What a member of staff is there for, and so what they may do.",
    values={
        StaffRole.ADMIN: "Everything.",
        StaffRole.SUPERVISOR: "Leads agents: customers with restricted attributes, orders, reports, privacy.",
        StaffRole.AGENT: "Serves customers.",
        StaffRole.PARTNER_AGENT: "Serves customers for an outsourced team: personal data masked, their stores only.",
        StaffRole.ANALYST: "Sees sums, nobody in particular.",
    },
)


@strawberry.type(description="One who works for the organisation.")
class StaffMember(Author):
    """See the description."""

    key: strawberry.Private[UUID]
    name: str | None = shown("Their full name; null for a shopper, who sees `displayName`.")
    email: EmailAddress | None = shown("The address with which they sign in; null for a shopper.")
    role: StaffRole | None = shown("What they are there for; null for a shopper.")
    languages: list[Locale] = shown("The languages they serve in, the best first.")
    skills: list[str] = shown("What they know about, in alphabetical order.")
    is_active: bool = shown("Whether they may sign in.")

    @classmethod
    def of(cls, row: Row[Any]) -> "StaffMember":
        """Show a row."""
        return cls(
            key=row.id,
            id=global_id("StaffMember", row.id),
            display_name=shown_name(row.name),
            avatar_url=None,
            name=row.name,
            email=row.email,
            role=StaffRole(row.role),
            languages=row.languages,
            skills=row.skills,
            is_active=row.is_active,
        )

    @batched(description="The stores they see, by code; empty where they see every store, and a PARTNER_AGENT none.")
    async def stores(staff: list["StaffMember"], info: Info) -> list[list[Store] | None]:  # noqa: N805
        """Read the stores of a level."""
        async with info.context.reading() as session:
            ids = await list_store_ids_by_staff(session, [member.key for member in staff])
        listed = sorted({store_id for member in staff for store_id in ids[member.key]})
        loaded = await load_stores(info, listed)
        known = {key: store for key, store in zip(listed, loaded, strict=True) if store is not None}
        return [
            sorted((known[each] for each in ids[member.key] if each in known), key=lambda store: store.code)
            for member in staff
        ]


@strawberry.type(description="The new member of staff, or why there is none.")
class StaffMemberCreatePayload:
    """See the description."""

    staff_member: StaffMember | None = shown("The member; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The member of staff as they are now, or why they were not changed.")
class StaffMemberUpdatePayload:
    """See the description."""

    staff_member: StaffMember | None = shown("The member; null where the write was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@loads("StaffMember", policy=STAFF)
async def load_staff(info: Info, ids: Sequence[UUID]) -> list[StaffMember | None]:
    """Read members of staff by their ids."""
    async with info.context.reading() as session:
        rows = await list_staff_by_id(session, ids)
    return [StaffMember.of(rows[key]) if key in rows else None for key in ids]
