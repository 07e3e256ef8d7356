"""Every query about credit notes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import (
    Groups,
    Ordering,
    Page,
    PageRequest,
    list_pages_by_group,
)
from domain.base.repository.rows import (
    Columns,
    chunks,
    insert_rows,
    replace_rows,
    rows_by_id,
    rows_by_parent,
    update_rows,
)
from domain.base.statements import among, prepared
from domain.customers.repository.families import members
from domain.orders.model import (
    CreditNote,
    CreditNoteLine,
)
from domain.orders.repository.sight import is_note_seen

NEWEST_CREDIT_NOTES = Ordering("creditNotes", (CreditNote.issued_at, CreditNote.id), is_descending=True)


async def list_credit_notes_by_customer(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest, columns: Columns = None
) -> list[Page[Row[Any]]]:
    """Return a page of credit notes for each customer, with all their family's, the newest first."""
    return await list_pages_by_group(
        session,
        CreditNote,
        Groups(
            ("by customer",),
            lambda: members(session),
            lambda family, note: (note.customer_id == family.c.id) & is_note_seen(session, note),
        ),
        keys=ids,
        ordering=NEWEST_CREDIT_NOTES,
        page=page,
        columns=columns,
    )


async def list_credit_notes_by_id(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, Row[Any]]:
    """Return the credit notes by their ids."""
    return await rows_by_id(session, CreditNote, ids, where=(is_note_seen, CreditNote), columns=columns)


async def list_credit_notes_by_order(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, list[Row[Any]]]:
    """Return each order's credit notes, the oldest first."""
    order_by = (CreditNote.issued_at, CreditNote.id)
    return await rows_by_parent(session, CreditNote.order_id, ids, order_by=order_by, columns=columns)


async def list_lines_by_credit_note(
    session: AsyncSession, ids: Iterable[UUID], *, columns: Columns = None
) -> dict[UUID, list[Row[Any]]]:
    """Return each credit note's lines in the shop's order."""
    order_by = (CreditNoteLine.position, CreditNoteLine.id)
    parent = CreditNoteLine.credit_note_id
    return await rows_by_parent(session, parent, ids, order_by=order_by, columns=columns, needed=())


async def sum_credited_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return what each order's credit notes gave back."""
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for chunk in chunks(ids):
        statement = select(CreditNote.order_id, func.sum(CreditNote.total)).where(CreditNote.order_id.in_(chunk))
        sums.update(
            {key: total for key, total in await session.execute(statement.group_by(CreditNote.order_id)) if key}
        )
    return sums


async def list_credit_notes_for_update(session: AsyncSession, external_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the credit notes by their external ids, locked, always in the same order."""

    def build() -> Select[Any]:
        is_meant = among(session, CreditNote.external_id, "external_ids")
        statement = select(*CreditNote.__table__.c).where(is_meant).order_by(CreditNote.id)
        return statement.with_for_update(key_share=True)

    statement = prepared(session, ("credit notes for update",), build)
    return {row.external_id: row for row in await statement.rows(session, external_ids=external_ids)}


async def write_credit_notes(
    session: AsyncSession,
    *,
    fresh: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
    rewritten: Sequence[UUID],
    lines: Sequence[Mapping[str, Any]],
) -> None:
    """Add notes, change others, and let lines take the place of those that the rewritten ones had."""
    await insert_rows(session, CreditNote, fresh)
    await update_rows(session, CreditNote, changed)
    await replace_rows(session, CreditNoteLine.credit_note_id, rewritten, lines)


async def move_credit_notes(session: AsyncSession, *, order_id: UUID, customer_id: UUID | None) -> None:
    """Let the order's credit notes follow it to its new customer."""
    await session.execute(update(CreditNote).where(CreditNote.order_id == order_id).values(customer_id=customer_id))


async def has_credit_notes(session: AsyncSession, order_id: UUID) -> bool:
    """Tell whether anything was given back on the order."""
    statement = select(CreditNote.id).where(CreditNote.order_id == order_id).limit(1)
    return (await session.execute(statement)).one_or_none() is not None
