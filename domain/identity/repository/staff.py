"""Every query about members of staff."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.actors import StaffRole
from domain.base.pages import Ordering, Page, PageRequest, list_page
from domain.base.repository.rows import chunks, insert_rows
from domain.identity.model import StaffMember, StaffMemberStore, Store

_SHOWN = tuple(
    StaffMember.__table__.c[name]
    for name in ("id", "email", "name", "role", "languages", "skills", "is_active", "created_at")
)
"""What others may read of a member: PostgreSQL's role for a narrow sight may read no more, no secret among it."""

_BY_CREATION = Ordering("created", (StaffMember.created_at, StaffMember.id))


async def list_staff(session: AsyncSession, page: PageRequest) -> Page[Row[Any]]:
    """Return a page of the staff, in the order in which they came."""
    return await list_page(session, lambda: select(*_SHOWN), ordering=_BY_CREATION, page=page, key=("staff",))


async def count_staff(session: AsyncSession) -> int:
    """Return how many members of staff there are, active or not."""
    count: int = (await session.execute(select(func.count()).select_from(StaffMember))).scalar_one()
    return count


async def list_staff_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return members of staff by their ids."""
    found: dict[UUID, Row[Any]] = {}
    for chunk in chunks(ids):
        statement = select(*_SHOWN).where(StaffMember.id.in_(chunk))
        found.update({row.id: row for row in await session.execute(statement)})
    return found


async def find_staff_by_email(session: AsyncSession, email_key: str) -> Row[Any] | None:
    """Return the member of staff with this address, as it is compared."""
    statement = select(*StaffMember.__table__.c).where(StaffMember.email_key == email_key)
    return (await session.execute(statement)).one_or_none()


async def find_password_hash(session: AsyncSession, staff_member_id: UUID) -> str | None:
    """Return what is kept of a member's password."""
    statement = select(StaffMember.password_hash).where(StaffMember.id == staff_member_id)
    return (await session.scalars(statement)).one_or_none()


async def find_staff_for_update(session: AsyncSession, staff_member_id: UUID) -> StaffMember | None:
    """Return the member of staff, locked until the end of the transaction."""
    statement = select(StaffMember).where(StaffMember.id == staff_member_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_admin_ids_for_update(session: AsyncSession) -> list[UUID]:
    """Return the active members with the role ADMIN, locked in the order of their ids."""
    statement = (
        select(StaffMember.id)
        .where(StaffMember.role == StaffRole.ADMIN, StaffMember.is_active)
        .order_by(StaffMember.id)
        .with_for_update(key_share=True)
    )
    return list(await session.scalars(statement))


async def list_stores_by_code(session: AsyncSession, codes: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of the stores with these codes."""
    found: dict[str, UUID] = {}
    for chunk in chunks(codes):
        rows = await session.execute(select(Store.code, Store.id).where(Store.code.in_(chunk)))
        found.update({row.code: row.id for row in rows})
    return found


async def list_store_ids_by_staff(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Return the stores that each member sees, in the order of their ids; an empty list means all."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = select(StaffMemberStore.staff_member_id, StaffMemberStore.store_id).where(
            StaffMemberStore.staff_member_id.in_(chunk)
        )
        for row in await session.execute(statement.order_by(StaffMemberStore.store_id)):
            found[row.staff_member_id].append(row.store_id)
    return found


async def replace_stores(session: AsyncSession, staff_member_id: UUID, store_ids: Sequence[UUID]) -> None:
    """Let the member see these stores and no other; none means all."""
    await session.execute(delete(StaffMemberStore).where(StaffMemberStore.staff_member_id == staff_member_id))
    rows = [{"staff_member_id": staff_member_id, "store_id": store_id} for store_id in store_ids]
    await insert_rows(session, StaffMemberStore, rows)
