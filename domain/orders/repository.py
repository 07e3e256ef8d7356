"""Every query about orders, deliveries and credit notes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import (
    Ordering,
    Page,
    PageRequest,
    list_page,
    list_pages_by_parent,
)
from domain.base.repository import chunks, rows_by_id, rows_by_parent, upsert
from domain.customers.model import Customer
from domain.customers.repository import read_concentration
from domain.orders.errors import OrderNotFound
from domain.orders.model import (
    CreditNote,
    CreditNoteLine,
    Delivery,
    DeliveryLine,
    ImportRun,
    Order,
    OrderLine,
)

NEWEST_ORDERS = Ordering("orders", (Order.placed_at, Order.id), is_descending=True)
NEWEST_CREDIT_NOTES = Ordering("creditNotes", (CreditNote.issued_at, CreditNote.id), is_descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a list is about; None and empty mean all."""

    customer_id: UUID | None = None
    store_ids: Sequence[UUID] | None = None
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    search: str | None = None
    email_key: str | None = None


async def list_orders(session: AsyncSession, *, wanted: OrderFilter, page: PageRequest) -> Page[Row[Any]]:
    """Return one page of the orders that the filter names, the newest first."""
    statement = _narrowed(select(*Order.__table__.c), wanted)
    return await list_page(session, statement, ordering=NEWEST_ORDERS, page=page)


async def count_orders(session: AsyncSession, *, wanted: OrderFilter) -> int:
    """Return how many orders the filter names."""
    count: int = (await session.execute(_narrowed(select(func.count()).select_from(Order), wanted))).scalar_one()
    return count


async def list_orders_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the orders by their ids."""
    return await rows_by_id(session, Order, ids)


async def find_order_by_external_id(session: AsyncSession, external_id: str) -> Row[Any] | None:
    """Return the order with this external id."""
    statement = select(*Order.__table__.c).where(Order.external_id == external_id)
    return (await session.execute(statement)).one_or_none()


async def list_orders_by_customer(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest
) -> list[Page[Row[Any]]]:
    """Return a page of orders for each customer, the newest first, aligned to `ids`."""
    statement = select(*Order.__table__.c)
    return await list_pages_by_parent(
        session, statement, parent=Order.customer_id, keys=ids, ordering=NEWEST_ORDERS, page=page
    )


async def list_credit_notes_by_customer(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest
) -> list[Page[Row[Any]]]:
    """Return a page of credit notes for each customer, the newest first, aligned to `ids`."""
    statement = select(*CreditNote.__table__.c)
    return await list_pages_by_parent(
        session, statement, parent=CreditNote.customer_id, keys=ids, ordering=NEWEST_CREDIT_NOTES, page=page
    )


async def count_by_customer(
    session: AsyncSession, table: type[Order | CreditNote], ids: Iterable[UUID]
) -> dict[UUID, int]:
    """Return how many orders (or credit notes) each customer has."""
    counts: dict[UUID, int] = defaultdict(int)
    for chunk in chunks(ids):
        statement = select(table.customer_id, func.count()).where(table.customer_id.in_(chunk))
        counts.update(
            {key: count for key, count in await session.execute(statement.group_by(table.customer_id)) if key}
        )
    return counts


async def list_lines_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each order's lines in the shop's order."""
    return await rows_by_parent(session, OrderLine.order_id, ids, order_by=(OrderLine.position, OrderLine.id))


async def list_lines_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the order lines by their ids."""
    return await rows_by_id(session, OrderLine, ids)


async def list_deliveries_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the deliveries by their ids."""
    return await rows_by_id(session, Delivery, ids)


async def list_deliveries_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each order's deliveries in the order in which they were recorded."""
    return await rows_by_parent(session, Delivery.order_id, ids, order_by=(Delivery.id,))


async def list_delivery_lines_by_delivery(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return what is in each delivery."""
    return await rows_by_parent(session, DeliveryLine.delivery_id, ids, order_by=(DeliveryLine.order_line_id,))


async def list_credit_notes_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the credit notes by their ids."""
    return await rows_by_id(session, CreditNote, ids)


async def list_credit_notes_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each order's credit notes, the oldest first."""
    order_by = (CreditNote.issued_at, CreditNote.id)
    return await rows_by_parent(session, CreditNote.order_id, ids, order_by=order_by)


async def list_lines_by_credit_note(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each credit note's lines in the shop's order."""
    order_by = (CreditNoteLine.position, CreditNoteLine.id)
    return await rows_by_parent(session, CreditNoteLine.credit_note_id, ids, order_by=order_by)


async def sum_credited_by_order(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return what each order's credit notes gave back."""
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for chunk in chunks(ids):
        statement = select(CreditNote.order_id, func.sum(CreditNote.total)).where(CreditNote.order_id.in_(chunk))
        sums.update(
            {key: total for key, total in await session.execute(statement.group_by(CreditNote.order_id)) if key}
        )
    return sums


async def list_orders_for_update(session: AsyncSession, external_ids: Iterable[str]) -> dict[str, Order]:
    """Return the orders by their external ids, locked, always in the same order."""
    found: dict[str, Order] = {}
    for chunk in chunks(external_ids):
        statement = select(Order).where(Order.external_id.in_(chunk)).order_by(Order.id).with_for_update()
        found.update({order.external_id: order for order in await session.scalars(statement)})
    return found


async def get_order_for_update(session: AsyncSession, *, order_id: UUID | None, external_id: str | None) -> Order:
    """Return the order with this id or external id, locked. Raises `OrderNotFound`."""
    is_meant = Order.id == order_id if order_id is not None else Order.external_id == external_id
    order = (await session.scalars(select(Order).where(is_meant).with_for_update())).one_or_none()
    if order is None:
        raise OrderNotFound(field=("order_id",) if order_id is not None else ("order_external_id",))
    return order


async def list_lines_for_update(session: AsyncSession, order_ids: Iterable[UUID]) -> dict[UUID, list[OrderLine]]:
    """Return each order's lines in the shop's order; their orders are locked."""
    found: dict[UUID, list[OrderLine]] = defaultdict(list)
    for chunk in chunks(order_ids):
        statement = select(OrderLine).where(OrderLine.order_id.in_(chunk)).order_by(OrderLine.position)
        for line in await session.scalars(statement):
            found[line.order_id].append(line)
    return found


async def list_deliveries_for_update(session: AsyncSession, order_id: UUID) -> list[Delivery]:
    """Return the order's deliveries; the order is locked."""
    return list(await session.scalars(select(Delivery).where(Delivery.order_id == order_id).order_by(Delivery.id)))


async def list_pieces(session: AsyncSession, order_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return what is in the orders' deliveries: `order_line_id`, `quantity`, `delivery_id` and its instants."""
    found: list[Row[Any]] = []
    for chunk in chunks(order_ids):
        statement = (
            select(
                DeliveryLine.order_line_id,
                DeliveryLine.quantity,
                DeliveryLine.delivery_id,
                Delivery.shipped_at,
                Delivery.delivered_at,
            )
            .join(Delivery, Delivery.id == DeliveryLine.delivery_id)
            .where(Delivery.order_id.in_(chunk))
        )
        found.extend(await session.execute(statement))
    return found


async def count_sent_pieces(session: AsyncSession, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many pieces of each order line are in deliveries."""
    counts: dict[UUID, int] = defaultdict(int)
    for row in await list_pieces(session, order_ids):
        counts[row.order_line_id] += row.quantity
    return counts


async def replace_delivery_lines(session: AsyncSession, delivery_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the contents of the delivery."""
    await session.flush()
    await session.execute(delete(DeliveryLine).where(DeliveryLine.delivery_id == delivery_id))
    if rows:
        session.add_all(DeliveryLine(**row) for row in rows)
        await session.flush()


async def list_credit_notes_for_update(session: AsyncSession, external_ids: Iterable[str]) -> dict[str, CreditNote]:
    """Return the credit notes by their external ids, locked, always in the same order."""
    found: dict[str, CreditNote] = {}
    for chunk in chunks(external_ids):
        statement = select(CreditNote).where(CreditNote.external_id.in_(chunk)).order_by(CreditNote.id)
        found.update({note.external_id: note for note in await session.scalars(statement.with_for_update())})
    return found


async def list_orders_of_credit_notes(
    session: AsyncSession, *, ids: Iterable[UUID], external_ids: Iterable[str]
) -> list[Order]:
    """Return the orders with these ids or external ids, locked, always in the same order."""
    is_meant = or_(Order.id.in_(list(ids)), Order.external_id.in_(list(external_ids)))
    return list(await session.scalars(select(Order).where(is_meant).order_by(Order.id).with_for_update()))


async def delete_credit_note_lines(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Remove the lines of the credit notes, so that the new ones take their place."""
    for chunk in chunks(ids):
        await session.execute(delete(CreditNoteLine).where(CreditNoteLine.credit_note_id.in_(chunk)))


async def move_credit_notes(session: AsyncSession, *, order_id: UUID, customer_id: UUID | None) -> None:
    """Let the order's credit notes follow it to its new customer."""
    await session.execute(update(CreditNote).where(CreditNote.order_id == order_id).values(customer_id=customer_id))


async def sum_orders_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return count, total, first and last of each customer's orders by currency, without cancelled ones."""
    found: list[Row[Any]] = []
    for chunk in chunks(ids):
        statement = select(
            Order.customer_id,
            Order.currency_code,
            func.count().label("order_count"),
            func.sum(Order.total).label("ordered"),
            func.min(Order.placed_at).label("first_order_at"),
            func.max(Order.placed_at).label("last_order_at"),
        ).where(Order.customer_id.in_(chunk), Order.cancelled_at.is_(None))
        found.extend(await session.execute(statement.group_by(Order.customer_id, Order.currency_code)))
    return found


async def sum_credit_notes_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return the total of each customer's credit notes by currency, without those of cancelled orders.

    A cancelled order is not counted, so what was given back on it must not be taken off either.
    """
    found: list[Row[Any]] = []
    for chunk in chunks(ids):
        statement = (
            select(CreditNote.customer_id, CreditNote.currency_code, func.sum(CreditNote.total).label("credited"))
            .outerjoin(Order, Order.id == CreditNote.order_id)
            .where(CreditNote.customer_id.in_(chunk), Order.cancelled_at.is_(None))
            .group_by(CreditNote.customer_id, CreditNote.currency_code)
        )
        found.extend(await session.execute(statement))
    return found


async def concentration_between(
    session: AsyncSession,
    *,
    currency_code: str,
    percents: Sequence[int],
    start: datetime | None,
    end: datetime | None,
) -> Row[Any]:
    """Return what `customers.repository.concentration` does, over documents from `start` to before `end`."""
    bought = _between(
        select(Order.customer_id.label("customer_id"), Order.total.label("amount")).where(
            Order.customer_id.is_not(None), Order.currency_code == currency_code, Order.cancelled_at.is_(None)
        ),
        Order.placed_at,
        start,
        end,
    )
    given_back = _between(
        select(CreditNote.customer_id.label("customer_id"), (-CreditNote.total).label("amount"))
        .outerjoin(Order, Order.id == CreditNote.order_id)
        .where(
            CreditNote.customer_id.is_not(None),
            CreditNote.currency_code == currency_code,
            Order.cancelled_at.is_(None),
        ),
        CreditNote.issued_at,
        start,
        end,
    )
    amounts = union_all(bought, given_back).subquery()
    nets = (
        select(amounts.c.customer_id, func.sum(amounts.c.amount).label("net"))
        .group_by(amounts.c.customer_id)
        .subquery()
    )
    ranked = (
        select(
            nets.c.net,
            func.row_number().over(order_by=[nets.c.net.desc(), Customer.rank_key, Customer.id]).label("rank"),
            func.count().over().label("size"),
        )
        .join(Customer, Customer.id == nets.c.customer_id)
        .subquery()
    )
    return await read_concentration(session, ranked, percents)


def _between(
    statement: Select[*tuple[Any, ...]],
    at: Any,  # noqa: ANN401  a column
    start: datetime | None,
    end: datetime | None,
) -> Select[*tuple[Any, ...]]:
    if start is not None:
        statement = statement.where(at >= start)
    return statement if end is None else statement.where(at < end)


def _narrowed(statement: Select[Any], wanted: OrderFilter) -> Select[Any]:
    if wanted.customer_id is not None:
        statement = statement.where(Order.customer_id == wanted.customer_id)
    if wanted.store_ids is not None:
        statement = statement.where(Order.store_id.in_(wanted.store_ids))
    if wanted.placed_after is not None:
        statement = statement.where(Order.placed_at > wanted.placed_after)
    if wanted.placed_before is not None:
        statement = statement.where(Order.placed_at < wanted.placed_before)
    if wanted.search is not None:
        number = wanted.search
        statement = statement.where(
            or_(
                # Not BETWEEN: PostgreSQL cannot read it beside a COLLATE.
                and_(Order.number >= number, Order.number <= number + "\U0010ffff"),
                Order.external_id == number,
                Order.contact_email_key == wanted.email_key,
            )
        )
    return statement


async def find_import_run(session: AsyncSession, *, file_hash: str, format: str) -> Row[Any] | None:  # noqa: A002
    """Return how far the file was imported."""
    statement = select(*ImportRun.__table__.c).where(ImportRun.file_hash == file_hash, ImportRun.format == format)
    return (await session.execute(statement)).one_or_none()


async def store_import_progress(
    session: AsyncSession,
    *,
    file_hash: str,
    format: str,  # noqa: A002
    rows_done: int,
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """Write how far the file has come."""
    progress = {"rows_done": rows_done, "counts": dict(counts), "finished_at": None}
    statement = upsert(session, ImportRun).values(file_hash=file_hash, format=format, started_at=now, **progress)
    await session.execute(statement.on_conflict_do_update(index_elements=["file_hash", "format"], set_=progress))


async def finish_import(session: AsyncSession, *, file_hash: str, format: str, now: datetime) -> None:  # noqa: A002
    """Write that the file is done."""
    statement = update(ImportRun).where(ImportRun.file_hash == file_hash, ImportRun.format == format)
    await session.execute(statement.values(finished_at=now))


async def delete_import_run(session: AsyncSession, *, file_hash: str, format: str) -> None:  # noqa: A002
    """Remove what is known of the file's import."""
    await session.execute(delete(ImportRun).where(ImportRun.file_hash == file_hash, ImportRun.format == format))
