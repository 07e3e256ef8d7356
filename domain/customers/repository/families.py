"""Every query about records, and about the families that merges make of them."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    Subquery,
    exists,
    false,
    func,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.base.repository.rows import Condition, chunks, rows_by_id, rows_by_parent, update_rows
from domain.base.statements import Selection, among, prepared
from domain.base.writing import writing_lane_of
from domain.customers.errors import CustomerNotFound
from domain.customers.model import Customer, CustomerMerge, CustomerRecord, CustomerSpending
from domain.customers.rules.families import MergeState, Shown, in_order_of_belief

_HELD = "families"


def members(session: AsyncSession) -> Subquery:
    """Return the records behind the customers `ids`, as `id`, `group_id` (the customer asked for) and `is_alone`.

    A canonical customer has the whole family behind it; an absorbed one is itself, alone.
    """
    family = select(CustomerRecord.id, CustomerRecord.canonical_id.label("group_id"), false().label("is_alone")).where(
        among(session, CustomerRecord.canonical_id, "ids")
    )
    alone = select(CustomerRecord.id, CustomerRecord.id.label("group_id"), true().label("is_alone")).where(
        among(session, CustomerRecord.id, "ids"), CustomerRecord.canonical_id != CustomerRecord.id
    )
    return union_all(family, alone).subquery("members")


async def rows_by_family(
    session: AsyncSession,
    column: InstrumentedAttribute[UUID],
    keys: Iterable[UUID],
    *,
    order_by: Sequence[InstrumentedAttribute[Any]],
) -> dict[UUID, list[Any]]:
    """Return the rows whose `column` names one of the records behind each customer, an empty list for none."""

    def build() -> Selection:
        family = members(session)
        chosen = select(*column.class_.__table__.c, family.c.group_id, family.c.is_alone)
        return chosen.join(family, family.c.id == column).order_by(*order_by)

    found: dict[UUID, list[Any]] = defaultdict(list)
    statement = prepared(session, ("by family", column, tuple(order_by)), build)
    for row in await statement.rows(session, ids=list(dict.fromkeys(keys))):
        found[row.group_id].append(row)
    return found


async def count_by_family(
    session: AsyncSession,
    column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    keys: Iterable[UUID],
    *,
    where: Condition | None = None,
) -> dict[UUID, int]:
    """Return how many rows name one of the records behind each customer."""

    def build() -> Selection:
        family = members(session)
        statement = select(family.c.group_id, func.count().label("size")).join(column.class_, family.c.id == column)
        statement = statement if where is None else statement.where(where[0](session, where[1]))
        return statement.group_by(family.c.group_id)

    counts: dict[UUID, int] = defaultdict(int)
    statement = prepared(session, ("count by family", column, where), build)
    rows = await statement.rows(session, ids=list(dict.fromkeys(keys)))
    counts.update({row.group_id: row.size for row in rows})
    return counts


def is_in_family(
    column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], key: UUID | ColumnElement[UUID]
) -> ColumnElement[bool]:
    """Say that `column` names a record of the family that the customer is in, absorbed or not; of no erased one."""
    is_meant = (CustomerRecord.id == key) & CustomerRecord.erased_at.is_(None)
    canonical = select(CustomerRecord.canonical_id).where(is_meant).scalar_subquery()
    return column.in_(select(CustomerRecord.id).where(CustomerRecord.canonical_id == canonical))


def is_living(column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Say that `column` names a record of somebody who was not erased."""
    record = aliased(CustomerRecord)
    return exists().where(record.id == column, record.erased_at.is_(None))


async def list_canonical_ids(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the canonical customer of each record, none of those who were erased."""

    def build() -> Selection:
        is_meant = among(session, CustomerRecord.id, "ids") & CustomerRecord.erased_at.is_(None)
        return select(CustomerRecord.id, CustomerRecord.canonical_id).where(is_meant)

    rows = await prepared(session, ("canonical ids",), build).rows(session, ids=list(dict.fromkeys(ids)))
    return {row.id: row.canonical_id for row in rows}


async def list_family(session: AsyncSession, customer_id: UUID) -> list[UUID]:
    """Return the records of the customer's family, that one first."""
    canonical = select(CustomerRecord.canonical_id).where(CustomerRecord.id == customer_id).scalar_subquery()
    statement = select(CustomerRecord.id).where(
        CustomerRecord.canonical_id == canonical, CustomerRecord.erased_at.is_(None)
    )
    return sorted(await session.scalars(statement), key=lambda key: (key != customer_id, key))


async def list_erased(session: AsyncSession, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these records were erased: of those nothing personal is kept again."""

    def build() -> Selection:
        is_erased = CustomerRecord.erased_at.is_not(None)
        return select(CustomerRecord.id).where(among(session, CustomerRecord.id, "ids"), is_erased)

    held, wanted = _held(session), set(ids)
    found = {key for key in wanted if held.get(key)}
    if unknown := sorted(key for key in wanted if key not in held):
        found.update(row.id for row in await prepared(session, ("erased",), build).rows(session, ids=unknown))
    return found


def _held(session: AsyncSession) -> dict[UUID, bool]:
    """Return the records whose families this transaction has locked, each with whether it was erased before that."""
    found: dict[UUID, bool] = writing_lane_of(session).known.setdefault(_HELD, {})
    return found


def forget_families(session: AsyncSession) -> None:
    """Look up anew what is locked, and who was erased: this transaction erases somebody."""
    _held(session).clear()


async def hold_families(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Lock the families that these records are in, as `lock_families` does; those that are locked already stay it."""
    held = _held(session)
    wanted = {key for key in ids if key not in held}
    if wanted:
        owners = select(CustomerRecord.id.label("id")).where(among(session, CustomerRecord.id, "ids"))
        await hold_families_of(session, ("ids",), lambda: owners, ids=sorted(wanted))


async def hold_families_of(
    session: AsyncSession,
    key: tuple[Hashable, ...],
    build: Callable[[], Select[Any]],
    **values: Any,  # noqa: ANN401
) -> None:
    """Lock the families of the records that a statement finds, as `id`: known by a key, as `prepared` has it."""

    def lock() -> Select[Any]:
        owners = build().cte("owners")
        locked = locked_families(owners)
        joined = locked.join(owners, owners.c.id == locked.c.record_id, full=True)
        return select(owners.c.id.label("owner_id"), *locked.c).select_from(joined)

    rows = await prepared(session, ("hold families", *key), lock).rows(session, **values)
    await note_held(session, rows, owner_ids=[row.owner_id for row in rows if row.owner_id is not None])


def locked_families(owners: CTE) -> CTE:
    """Lock the families of the records `owners` as a part of a statement, as `record_id` and `is_erased`."""
    record = CustomerRecord
    canonical = select(record.canonical_id).where(record.id.in_(select(owners.c.id)))
    return (
        select(record.id.label("record_id"), record.erased_at.is_not(None).label("is_erased"))
        .where(record.canonical_id.in_(canonical))
        .order_by(record.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )


async def note_held(session: AsyncSession, rows: Iterable[Any], *, owner_ids: Iterable[UUID]) -> None:
    """Note which families a statement locked; an owner's that changed while we waited for it is looked up anew."""
    held = _held(session)
    before = len(held)
    held.update((row.record_id, bool(row.is_erased)) for row in rows if row.record_id is not None)
    missing = [key for key in owner_ids if key not in held]
    # Who is nobody's record is not looked for again.
    if missing and (len(held) > before or await list_canonical_ids(session, missing)):
        await hold_families(session, missing)


async def hold_records(session: AsyncSession, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these records are somebody's, so that they stay it until the end of the transaction.

    Who decides on what others have in common with them does this first: nobody is erased meanwhile. It hinders
    nothing else.
    """

    def build() -> Selection:
        is_meant = among(session, CustomerRecord.id, "ids") & CustomerRecord.erased_at.is_(None)
        statement = select(CustomerRecord.id).where(is_meant).order_by(CustomerRecord.id)
        return statement.with_for_update(read=True, key_share=True)

    rows = await prepared(session, ("hold records",), build).rows(session, ids=sorted(set(ids)))
    return {row.id for row in rows}


async def list_records_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return records by their ids, not locked."""
    return await rows_by_id(session, CustomerRecord, ids)


async def lock_families(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, CustomerRecord]:
    """Return every record of the families that these records are in, locked, in the order of their ids.

    Those of erased customers are locked too, as their sums still count, but not returned: nobody is behind them.
    Whoever changes a record, or what its family shows, locks the whole family first: two merges, or a merge
    and an order, then follow one another. Where a family changed while we waited for it, it is looked up anew.
    As every lock here it leaves the key free (`key_share`): rows that refer to a customer go in meanwhile.
    """
    wanted = sorted(set(ids))
    found: dict[UUID, CustomerRecord] = {}
    while missing := [one for one in wanted if one not in found]:
        before = len(found)
        for chunk in chunks(missing):
            canonical = select(CustomerRecord.canonical_id).where(CustomerRecord.id.in_(chunk))
            statement = (
                select(CustomerRecord)
                .where(CustomerRecord.canonical_id.in_(canonical))
                .order_by(CustomerRecord.id)
                .with_for_update(key_share=True)
                .execution_options(populate_existing=True)
            )
            found.update({record.id: record for record in await session.scalars(statement)})
        if len(found) == before and not await list_canonical_ids(session, missing):
            break  # nobody has these ids; who was only absorbed meanwhile is looked up anew
    _held(session).update((key, record.erased_at is not None) for key, record in found.items())
    return {key: record for key, record in found.items() if record.erased_at is None}


async def get_family_for_update(session: AsyncSession, customer_id: UUID) -> list[CustomerRecord]:
    """Return the records of the customer's family, locked, in the order of belief. Raises `CustomerNotFound`."""
    found = await lock_families(session, [customer_id])
    if customer_id not in found:
        raise CustomerNotFound
    canonical_id = found[customer_id].canonical_id
    # Who was absorbed while we waited is not in what we waited for; now that the root is ours, nobody follows.
    statement = select(CustomerRecord).where(CustomerRecord.canonical_id == canonical_id)
    records = (await session.scalars(statement.with_for_update(key_share=True))).all()
    absorptions = await list_absorptions(session, [record.id for record in records]) if len(records) > 1 else {}
    return in_order_of_belief(records, canonical_id=canonical_id, absorbed_by=absorptions)


async def list_absorptions(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Return whom each of these survivors absorbed, in the order of the merges."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = (
            select(CustomerMerge.survivor_id, CustomerMerge.absorbed_id)
            .where(CustomerMerge.survivor_id.in_(chunk), CustomerMerge.state == MergeState.APPLIED)
            .order_by(CustomerMerge.merged_at, CustomerMerge.id)
        )
        for survivor_id, absorbed_id in await session.execute(statement):
            found[survivor_id].append(absorbed_id)
    return found


async def list_families(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return the records of the families that these records are in, by canonical customer."""

    def build() -> Selection:
        canonical = select(CustomerRecord.canonical_id).where(among(session, CustomerRecord.id, "ids"))
        return select(*CustomerRecord.__table__.c).where(CustomerRecord.canonical_id.in_(canonical))

    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await prepared(session, ("families",), build).rows(session, ids=list(dict.fromkeys(ids))):
        found[row.canonical_id].append(row)
    return dict(found)


async def list_records_alone(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return the records of these ids that are absorbed."""
    found: dict[UUID, Row[Any]] = {}
    for chunk in chunks(ids):
        statement = select(*CustomerRecord.__table__.c).where(
            CustomerRecord.id.in_(chunk),
            CustomerRecord.canonical_id != CustomerRecord.id,
            CustomerRecord.erased_at.is_(None),
        )
        found.update({row.id: row for row in await session.execute(statement)})
    return found


async def list_spendings_by_record(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return what each record's orders and credit notes come to, by currency."""
    return await rows_by_parent(session, CustomerSpending.customer_id, ids, order_by=(CustomerSpending.currency_code,))


async def set_canonical(session: AsyncSession, ids: Sequence[UUID], *, canonical_id: UUID) -> None:
    """Put the records below this canonical customer, in its tree."""
    for chunk in chunks(ids):
        await session.execute(
            update(CustomerRecord).where(CustomerRecord.id.in_(chunk)).values(canonical_id=canonical_id),
            execution_options={"synchronize_session": False},
        )


_SHOWN_COLUMNS = tuple(Shown.__dataclass_fields__)


async def show(session: AsyncSession, families: Iterable[tuple[Shown, bool]]) -> None:
    """Make this what is shown of canonical customers; beside each, whether it was erased: nobody is shown those."""
    rows = [
        {"is_absorbed": is_erased} | {name: getattr(shown, name) for name in _SHOWN_COLUMNS}
        for shown, is_erased in families
    ]
    await update_rows(session, Customer, rows)


async def hide_absorbed(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """List these customers no longer, and count nothing for them: their family's canonical customer has it."""
    for chunk in chunks(ids):
        statement = (
            update(Customer)
            .where(Customer.id.in_(chunk))
            .values(
                is_absorbed=True,
                order_count=0,
                net_spent=Decimal(0),
                first_order_at=None,
                last_order_at=None,
                last_order_key=0,
            )
        )
        await session.execute(statement, execution_options={"synchronize_session": False})
