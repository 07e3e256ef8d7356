"""Changing who works here."""

from dataclasses import replace
from uuid import UUID

import strawberry

from domain.base.passwords import hash_password
from domain.base.work import Work
from domain.identity.actions.staff import create_staff_member, update_staff_member
from domain.identity.rules import check_staff_password
from schema.base.context import Info
from schema.base.descriptions import Input
from schema.base.ids import required_key
from schema.base.writes import attempt, once_for, write
from schema.identity.inputs import StaffMemberCreateInput, StaffMemberUpdateInput
from schema.identity.types.staff import StaffMemberCreatePayload, StaffMemberUpdatePayload, load_staff


@strawberry.type
class StaffMutations:
    """Root fields that change the staff."""

    @strawberry.mutation(
        description="Lets somebody sign in as a member of staff, in a role that may do no more than the caller. Needs "
        "`staff:write`."
    )
    async def staff_member_create(
        self,
        info: Info,
        input: Input[StaffMemberCreateInput],  # noqa: A002
    ) -> StaffMemberCreatePayload | None:
        """Add a member of staff; the password is hashed before the transaction begins."""

        async def hashed() -> str:
            return await hash_password(check_staff_password(input.password))

        password_hash = await attempt(info, hashed)
        if not isinstance(password_hash, str):
            return StaffMemberCreatePayload(staff_member=None, user_errors=password_hash)
        written = await write(
            info,
            "staffMemberCreate",
            lambda work: create_staff_member(work, details=input.details(), password_hash=password_hash),
            # The hash of an input is a quick one: no password may be guessed by it.
            once=once_for("staffMemberCreate", replace(input, password=""), input.idempotency_key),
        )
        if not isinstance(written, UUID):
            return StaffMemberCreatePayload(staff_member=None, user_errors=written)
        (member,) = await load_staff(info, [written])
        return StaffMemberCreatePayload(staff_member=member, user_errors=[])

    @strawberry.mutation(
        description="Changes a member of staff; it counts within 2 seconds everywhere. Needs `staff:write`."
    )
    async def staff_member_update(
        self,
        info: Info,
        input: Input[StaffMemberUpdateInput],  # noqa: A002
    ) -> StaffMemberUpdatePayload | None:
        """Change a member of staff."""

        async def story(work: Work) -> UUID:
            key = required_key(input.staff_member_id, "StaffMember", "staff_member_id")
            return await update_staff_member(work, staff_member_id=key, changes=input.changes())

        written = await write(info, "staffMemberUpdate", story)
        if not isinstance(written, UUID):
            return StaffMemberUpdatePayload(staff_member=None, user_errors=written)
        (member,) = await load_staff(info, [written])
        return StaffMemberUpdatePayload(staff_member=member, user_errors=[])
