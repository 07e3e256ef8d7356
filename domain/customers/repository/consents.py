"""Every query about consents."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.pages import Groups, Ordering, Page, PageRequest, list_pages_by_group
from domain.base.repository.rows import rows_by_id
from domain.customers.model import Consent
from domain.customers.repository.families import is_living, members, rows_by_family
from domain.customers.repository.sight import is_seen

NEWEST_CONSENTS = Ordering("consents", (Consent.decided_at, Consent.id), is_descending=True)


async def list_consents_by_family(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return every decision of each customer's whole family, the oldest first."""
    return await rows_by_family(session, Consent.customer_id, ids, order_by=(Consent.decided_at, Consent.id))


async def list_consent_history(
    session: AsyncSession, ids: Sequence[UUID], *, page: PageRequest
) -> list[Page[Row[Any]]]:
    """Return a page of each family's ledger, the newest first, aligned to `ids`."""
    return await list_pages_by_group(
        session,
        Consent,
        Groups(("by customer",), lambda: members(session), lambda family, consent: consent.customer_id == family.c.id),
        keys=ids,
        ordering=NEWEST_CONSENTS,
        page=page,
    )


async def list_consents_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return decisions by their ids, none of who was erased."""
    return await rows_by_id(session, Consent, ids, where=(_is_seen_and_living, Consent.customer_id))


def _is_seen_and_living(session: AsyncSession, column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    return is_seen(session, column) & is_living(column)
