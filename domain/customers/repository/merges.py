"""Every query about merges, proposed and applied."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.base.pages import Ordering, Page, PageRequest, list_page
from domain.base.repository.rows import chunks, replace_rows, rows_by_id
from domain.base.statements import Selection, among, prepared
from domain.customers.errors import MergeNotFound
from domain.customers.model import CustomerMatchKey, CustomerMerge, CustomerRecord
from domain.customers.repository.families import members
from domain.customers.rules.families import MergeState

NEWEST_MERGES = Ordering("customerMerges", (CustomerMerge.id,), is_descending=True)


async def list_merges(session: AsyncSession, *, states: Sequence[MergeState], page: PageRequest) -> Page[Row[Any]]:
    """Return one page of the merges in these states, none meaning all, the newest first."""
    return await list_page(
        session, lambda: _in_states(select(*CustomerMerge.__table__.c), states), ordering=NEWEST_MERGES, page=page
    )


async def count_merges(session: AsyncSession, *, states: Sequence[MergeState]) -> int:
    """Return how many merges are in these states."""
    statement = _in_states(select(func.count()).select_from(CustomerMerge), states)
    count: int = (await session.execute(statement)).scalar_one()
    return count


def _in_states(statement: Select[Any], states: Sequence[MergeState]) -> Select[Any]:
    """Narrow to the states; a proposal whose two are one customer meanwhile waits for nobody's decision."""
    survivor, absorbed = aliased(CustomerRecord), aliased(CustomerRecord)
    if states:
        statement = statement.where(CustomerMerge.state.in_(states))
    if not states or MergeState.PROPOSED in states:
        statement = (
            statement.join(survivor, survivor.id == CustomerMerge.survivor_id)
            .join(absorbed, absorbed.id == CustomerMerge.absorbed_id)
            .where(or_(CustomerMerge.state != MergeState.PROPOSED, survivor.canonical_id != absorbed.canonical_id))
        )
    return statement


async def list_merges_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return merges by their ids."""
    return await rows_by_id(session, CustomerMerge, ids)


async def list_applied_merges_by_family(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return the merges that made each customer what they are, in the order in which they were applied."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)

    def build() -> Selection:
        family = members(session)
        return (
            select(*CustomerMerge.__table__.c, family.c.group_id)
            .join(family, family.c.id == CustomerMerge.survivor_id)
            .where(CustomerMerge.state == MergeState.APPLIED, ~family.c.is_alone)
            .order_by(CustomerMerge.merged_at, CustomerMerge.id)
        )

    statement = prepared(session, ("applied merges by family",), build)
    for row in await statement.rows(session, ids=list(dict.fromkeys(ids))):
        found[row.group_id].append(row)
    return found


async def get_merge(session: AsyncSession, merge_id: UUID) -> CustomerMerge:
    """Return the merge as it is now. Raises `MergeNotFound`."""
    statement = select(CustomerMerge).where(CustomerMerge.id == merge_id)
    merge = (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()
    if merge is None:
        raise MergeNotFound
    return merge


async def list_merges_between(
    session: AsyncSession, pairs: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[CustomerMerge]]:
    """Return what was ever said of merging each pair of records (in the order of their ids), the oldest first."""
    found: dict[tuple[UUID, UUID], list[CustomerMerge]] = defaultdict(list)
    for chunk in chunks(pairs):
        statement = (
            select(CustomerMerge)
            .where(tuple_(CustomerMerge.first_id, CustomerMerge.second_id).in_(chunk))
            .order_by(CustomerMerge.id)
            .execution_options(populate_existing=True)
        )
        for merge in await session.scalars(statement):
            found[merge.first_id, merge.second_id].append(merge)
    return found


async def replace_match_keys(session: AsyncSession, ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the match keys of the records."""
    await replace_rows(session, CustomerMatchKey.customer_id, ids, rows)


async def list_same_keys(session: AsyncSession, ids: Iterable[UUID], *, limit: int) -> Sequence[Row[Any]]:
    """Return `own_id`, `customer_id` and `key` of the others with a match key of these records.

    Keys that more than `limit` others have are nobody's sign and left out.
    """

    def build() -> Selection:
        own, theirs = aliased(CustomerMatchKey), aliased(CustomerMatchKey)
        holders = select(func.count()).where(CustomerMatchKey.key == own.key).scalar_subquery()
        return (
            select(own.customer_id.label("own_id"), theirs.customer_id, theirs.key)
            .join(theirs, (theirs.key == own.key) & (theirs.customer_id != own.customer_id))
            .where(among(session, own.customer_id, "ids"), holders <= bindparam("limit", type_=Integer()) + 1)
        )

    statement = prepared(session, ("same keys",), build)
    return await statement.rows(session, ids=list(dict.fromkeys(ids)), limit=limit)
