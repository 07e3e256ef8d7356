"""The one order over everything that happened with a customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.base.work import Work
from domain.customers.repository.families import list_erased
from domain.customers.repository.timeline import replace_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that an area knows to have happened: its id, whose it is (None: nobody's), when, in which store."""

    id: UUID
    customer_id: UUID | None
    occurred_at: datetime
    store_id: UUID | None = None


async def place_in_timeline(work: Work, *, kind: str, happenings: Sequence[Happening]) -> None:
    """Let these stand where they belong, and nowhere else: the way by which every area fills the timeline.

    A customer who was erased has none.

    `kind` is the word by which the API filters: `schema/customers/types/timeline.py` says how it is shown.
    """
    erased = await list_erased(work.session, {each.customer_id for each in happenings if each.customer_id is not None})
    await replace_entries(
        work.session,
        [each.id for each in happenings],
        [
            {
                "id": each.id,
                "kind": kind,
                "customer_id": each.customer_id,
                "occurred_at": each.occurred_at,
                "store_id": each.store_id,
            }
            for each in happenings
            if each.customer_id is not None and each.customer_id not in erased
        ],
    )
