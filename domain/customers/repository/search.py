"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    delete,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository import (
    chunks,
    insert_rows,
)
from domain.customers.model import (
    CustomerTerm,
)


async def replace_terms(session: AsyncSession, subject_ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the search terms that come from the subjects."""
    for chunk in chunks(subject_ids):
        await session.execute(delete(CustomerTerm).where(CustomerTerm.subject_id.in_(chunk)))
    await insert_rows(session, CustomerTerm, rows)
