"""Telling a person everything that is stored about them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.addresses import is_valid, read_address
from domain.base.database import Session
from domain.base.exports import Part, Told, told, write_document
from domain.base.jobs import Job, enqueue
from domain.base.work import Work, Works
from domain.customers.actions.erasure import whom
from domain.customers.events import CustomerExportRequested
from domain.customers.model import CustomerExport
from domain.customers.repository.exports import (
    change_export,
    find_export,
    find_pending_export,
    list_exports_of,
    list_merges_of,
    list_rows,
    purge_exports,
)
from domain.customers.repository.families import get_family_for_update, list_family
from domain.customers.rules.privacy import (
    EXPORT_KEPT,
    EXPORT_PATIENCE,
    EXPORTS_KEPT_MAX,
    ExportState,
)
from domain.identity.errors import TooManyAttempts


@dataclass(frozen=True, kw_only=True)
class ExportCustomer(Job):
    """Write down everything that is stored about a person."""

    export_id: UUID


@dataclass(frozen=True, kw_only=True)
class PurgeExports(Job):
    """Remove exports that were kept for long enough."""


async def request_export(work: Work, *, customer_id: UUID | None) -> UUID:
    """Ask for everything that is stored about a person, with everybody whom they absorbed; return the export.

    It is written in the background. Who waits for one already waits for that. A shopper means themselves, and
    leaves the id out.

    Raises `Required`, `CustomerNotFound`, `TooManyAttempts` after ten that are still kept. Records
    `CustomerExportRequested`. Locks the family.
    """
    wanted = await whom(work, customer_id=customer_id)
    canonical_id = (await get_family_for_update(work.session, wanted))[0].id
    if (waiting := await find_pending_export(work.session, customer_id=canonical_id, actor=work.actor)) is not None:
        return waiting
    exports = await list_exports_of(work.session, [canonical_id])
    kept = [export.expires_at for export in exports if export.expires_at > work.now]
    if len(kept) >= EXPORTS_KEPT_MAX:
        raise TooManyAttempts(retry_at=min(kept))
    export = CustomerExport(
        customer_id=canonical_id,
        actor_kind=work.actor.kind,
        actor_id=work.actor.id,
        state=ExportState.PENDING,
        secret=secrets.token_hex(32),
        requested_at=work.now,
        expires_at=work.now + EXPORT_PATIENCE,
    )
    work.session.add(export)
    enqueue(work, job=ExportCustomer(export_id=export.id))
    work.record(CustomerExportRequested(customer_id=canonical_id, export_id=export.id))
    return export.id


async def write_export(works: Works, job: ExportCustomer, *, parts: Sequence[Part]) -> None:
    """Write the document, and keep it for a day. Written already, or of a person who was erased, nothing is done.

    Where it cannot be written it has failed until it is tried again.
    """
    now = works.clock.now()
    async with works.database.reading() as session:
        export = await find_export(session, job.export_id)
        if export is None or export.state == ExportState.READY or now >= export.expires_at:
            return
        try:
            ids = await list_family(session, export.customer_id)
            document = await write_document(session, ids=ids, parts=parts, now=now)
        except Exception:
            await _keep(works, job.export_id, state=ExportState.FAILED)
            raise
    ready = {"state": ExportState.READY, "document": document, "ready_at": now, "expires_at": now + EXPORT_KEPT}
    await _keep(works, job.export_id, **ready)


async def _keep(works: Works, export_id: UUID, **values: Any) -> None:  # noqa: ANN401  columns of an export
    async def story(work: Work) -> bool:
        return await change_export(work.session, export_id, **values)

    await works.perform(story, actor=SYSTEM, action="customerExportWrite")


async def remove_expired_exports(works: Works, _job: PurgeExports) -> None:
    """Remove what was kept for a day only."""

    async def story(work: Work) -> None:
        await purge_exports(work.session, now=work.now)

    await works.perform(story, actor=SYSTEM, action="purgeExports")


async def read_document(session: Session, *, address: str, now: datetime) -> str | None:
    """Return the document behind the last part of an address; None where it does not lead to one, or no longer."""
    found = read_address(address)
    export = None if found is None else await find_export(session, found.key)
    if found is None or export is None or not is_valid(found, secret=export.secret, now=now):
        return None
    document: str | None = export.document
    return document if now < export.expires_at else None


async def tell_customers(session: Session, ids: Sequence[UUID]) -> dict[str, list[Told]]:
    """Tell what this area knows of them. Of merges with somebody else only the person's own side is told."""
    rows = await list_rows(session, ids)
    found = {name: [told(row) for row in listed] for name, listed in rows.items()}
    found["merges"] = [
        told(row, without=() if {row.survivor_id, row.absorbed_id} <= set(ids) else _OTHERS_SIDE)
        for row in await list_merges_of(session, ids)
    ]
    found["exports"] = [told(row) for row in await list_exports_of(session, ids)]
    return found


_OTHERS_SIDE = ("survivor_id", "absorbed_id", "first_id", "second_id", "reason", "unmerge_reason")
