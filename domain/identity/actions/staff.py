"""Who works for the organisation, and in which role."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.base.actors import Permission, StaffRole
from domain.base.changes import Change, Unchanged, changed
from domain.base.contacts import email_key
from domain.base.errors import NotFound
from domain.base.work import Work
from domain.identity.actions.revoking import revoke_sessions_of
from domain.identity.errors import LastAdmin, RoleNotHeld, StaffEmailTaken, StaffMemberNotFound
from domain.identity.events import StaffMemberCreated, StaffMemberUpdated
from domain.identity.model import StaffMember
from domain.identity.repository.staff import (
    find_staff_by_email,
    find_staff_for_update,
    list_admin_ids_for_update,
    list_store_ids_by_staff,
    list_stores_by_code,
    replace_stores,
)
from domain.identity.rules import (
    SessionKind,
    StaffChanges,
    StaffDetails,
    check_staff,
    check_staff_changes,
    may_manage,
)


async def create_staff_member(work: Work, *, details: StaffDetails, password_hash: str) -> UUID:
    """Let somebody work here; the password was checked and hashed before, outside of the transaction.

    Nobody gives a role that may do more than they may themselves.

    Raises `Refusals`, `RoleNotHeld`, `StaffEmailTaken`, `NotFound` for a store. Records `StaffMemberCreated`.
    """
    work.require(Permission.STAFF_WRITE)
    checked = check_staff(details)
    if not may_manage(work.actor, role=checked.role):
        raise RoleNotHeld(field=("role",))
    key = email_key(checked.email)
    if await find_staff_by_email(work.session, key) is not None:
        raise StaffEmailTaken
    store_ids = await _stores(work, checked.store_codes)
    member = StaffMember(
        email=checked.email,
        email_key=key,
        name=checked.name,
        role=checked.role,
        password_hash=password_hash,
        languages=list(checked.languages),
        skills=list(checked.skills),
        created_at=work.now,
        updated_at=work.now,
    )
    work.session.add(member)
    await work.session.flush()
    await replace_stores(work.session, member.id, store_ids)
    work.record(StaffMemberCreated(staff_member_id=member.id))
    return member.id


async def update_staff_member(work: Work, *, staff_member_id: UUID, changes: StaffChanges) -> UUID:
    """Change a member of staff; what is as it was changes nothing. Who is not active any more is signed out.

    Raises `Refusals`, `StaffMemberNotFound`, `RoleNotHeld`, `LastAdmin`, `NotFound` for a store. Records
    `StaffMemberUpdated`. Locks the member, and every active ADMIN where the last of them could go.
    """
    work.require(Permission.STAFF_WRITE)
    checked = check_staff_changes(changes)
    # All of them before the one: whoever takes two roles away at once waits here, not in a circle.
    admin_ids = await list_admin_ids_for_update(work.session)
    member = await find_staff_for_update(work.session, staff_member_id)
    if member is None:
        raise StaffMemberNotFound
    _check_roles(work, member, checked)
    if admin_ids == [member.id]:
        _refuse_last(checked)
    is_changed = await _change_stores(work, member, checked)
    if _change(member, checked) or is_changed:
        member.updated_at = work.now
        work.record(StaffMemberUpdated(staff_member_id=member.id))
    if not member.is_active:
        await revoke_sessions_of(work, kind=SessionKind.STAFF, subject_id=member.id)
    return member.id


def _check_roles(work: Work, member: StaffMember, changes: StaffChanges) -> None:
    if not may_manage(work.actor, role=StaffRole(member.role)):
        raise RoleNotHeld(field=("staff_member_id",))
    if not isinstance(changes.role, Unchanged) and not may_manage(work.actor, role=changes.role):
        raise RoleNotHeld(field=("role",))


def _refuse_last(changes: StaffChanges) -> None:
    """Raise `LastAdmin` where the only one would stop being one."""
    if changed(changes.role, StaffRole.ADMIN) is not StaffRole.ADMIN:
        raise LastAdmin(field=("role",))
    if not changed(changes.is_active, current=True):
        raise LastAdmin(field=("is_active",))


def _change(member: StaffMember, changes: StaffChanges) -> bool:
    """Change the member's own columns; return whether any is different."""
    wanted: dict[str, Any] = {
        "name": changed(changes.name, member.name),
        "role": changed(changes.role, StaffRole(member.role)).value,
        "languages": _listed(changes.languages, member.languages),
        "skills": _listed(changes.skills, member.skills),
        "is_active": changed(changes.is_active, member.is_active),
    }
    different = {name: value for name, value in wanted.items() if getattr(member, name) != value}
    for name, value in different.items():
        setattr(member, name, value)
    return bool(different)


def _listed(change: Change[Sequence[str] | None], current: list[str]) -> list[str]:
    return current if isinstance(change, Unchanged) else list(change or ())


async def _change_stores(work: Work, member: StaffMember, changes: StaffChanges) -> bool:
    if isinstance(changes.store_codes, Unchanged):
        return False
    wanted = await _stores(work, changes.store_codes or ())
    current = (await list_store_ids_by_staff(work.session, [member.id]))[member.id]
    if set(wanted) == set(current):
        return False
    await replace_stores(work.session, member.id, wanted)
    return True


async def _stores(work: Work, codes: Sequence[str]) -> list[UUID]:
    """Return the stores with these codes. Raises `NotFound` where one has none."""
    found = await list_stores_by_code(work.session, codes)
    if missing := [code for code in codes if code not in found]:
        message = f"There is no store with the code {missing[0]!r}; the field stores lists them."
        raise NotFound(message, field=("store_codes",))
    return sorted(found.values())
