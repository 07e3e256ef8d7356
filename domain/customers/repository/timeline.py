"""Every query about timelines."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Subquery, Table, delete, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.pages import Groups, Ordering, Page, PageRequest, list_pages_by_group
from domain.base.repository.rows import upsert_rows
from domain.base.statements import among
from domain.base.writing import write
from domain.customers.model import TimelineEntry
from domain.customers.repository.families import members
from domain.customers.repository.sight import is_entry_seen

NEWEST_ENTRIES = Ordering("timeline", (TimelineEntry.occurred_at, TimelineEntry.id), is_descending=True)


async def replace_entries(session: AsyncSession, ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the entries of the things with these ids."""
    table = cast(Table, TimelineEntry.__table__)
    by_id = {row["id"]: row for row in rows}
    if gone := [key for key in dict.fromkeys(ids) if key not in by_id]:
        await write(
            session,
            ("remove entries",),
            lambda: delete(TimelineEntry).where(among(session, TimelineEntry.id, "ids")),
            table=table,
            values={"ids": gone},
        )
    await upsert_rows(session, TimelineEntry, list(by_id.values()))


async def list_entries_by_family(
    session: AsyncSession, ids: Sequence[UUID], *, kinds: Sequence[str], page: PageRequest
) -> list[Page[Row[Any]]]:
    """Return a page of each family's entries of these kinds, the newest first, aligned to `ids`.

    Each record and kind is a run of its own, so that a rare kind is found among 100,000 entries of others.
    """

    def runs() -> Subquery:
        family = members(session)
        wanted = union_all(*(select(literal(kind).label("kind")) for kind in kinds)).subquery("kinds")
        return select(family.c.id, family.c.group_id, wanted.c.kind).join_from(family, wanted, true()).subquery("runs")

    return await list_pages_by_group(
        session,
        TimelineEntry,
        Groups(
            tuple(kinds),
            runs,
            lambda run, entry: (
                (entry.customer_id == run.c.id) & (entry.kind == run.c.kind) & is_entry_seen(session, entry)
            ),
        ),
        keys=ids,
        ordering=NEWEST_ENTRIES,
        page=page,
    )
