"""Every query about credit notes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import (
    Groups,
    Ordering,
    Page,
    PageRequest,
    list_pages_by_group,
)
from domain.base.repository import Columns, chunks, rows_by_id, rows_by_parent
from domain.customers.repository.families import members
from domain.orders.model import (
    CreditNote,
    CreditNoteLine,
    Order,
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


async def list_credit_notes_for_update(session: AsyncSession, external_ids: Iterable[str]) -> dict[str, CreditNote]:
    """Return the credit notes by their external ids, locked, always in the same order."""
    found: dict[str, CreditNote] = {}
    for chunk in chunks(external_ids):
        statement = select(CreditNote).where(CreditNote.external_id.in_(chunk)).order_by(CreditNote.id)
        found.update(
            {note.external_id: note for note in await session.scalars(statement.with_for_update(key_share=True))}
        )
    return found


async def list_orders_of_credit_notes(
    session: AsyncSession, *, ids: Iterable[UUID], external_ids: Iterable[str]
) -> list[Order]:
    """Return the orders with these ids or external ids, locked, always in the same order."""
    is_meant = or_(Order.id.in_(list(ids)), Order.external_id.in_(list(external_ids)))
    return list(await session.scalars(select(Order).where(is_meant).order_by(Order.id).with_for_update(key_share=True)))


async def delete_credit_note_lines(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Remove the lines of the credit notes, so that the new ones take their place."""
    for chunk in chunks(ids):
        await session.execute(delete(CreditNoteLine).where(CreditNoteLine.credit_note_id.in_(chunk)))


async def move_credit_notes(session: AsyncSession, *, order_id: UUID, customer_id: UUID | None) -> None:
    """Let the order's credit notes follow it to its new customer."""
    await session.execute(update(CreditNote).where(CreditNote.order_id == order_id).values(customer_id=customer_id))


async def has_credit_notes(session: AsyncSession, order_id: UUID) -> bool:
    """Tell whether anything was given back on the order."""
    statement = select(CreditNote.id).where(CreditNote.order_id == order_id).limit(1)
    return (await session.execute(statement)).one_or_none() is not None
