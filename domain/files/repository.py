"""Every query about files."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.actors import ActorKind
from domain.base.repository.rows import UNSYNCHRONISED, chunks, rows_by_id, rows_by_parent
from domain.files.model import Attachment, AttachmentChunk
from domain.files.rules import HolderKind


async def find_attachment(session: AsyncSession, attachment_id: UUID) -> Any | None:  # noqa: ANN401  a row
    """Return a file, whoever may see it."""
    statement = select(*Attachment.__table__.c).where(Attachment.id == attachment_id)
    return (await session.execute(statement)).one_or_none()


async def list_attachments_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Return files by their ids."""
    return await rows_by_id(session, Attachment, ids)


async def list_attachments_by_holder(session: AsyncSession, holder_ids: Iterable[UUID]) -> dict[UUID, list[Any]]:
    """Return what is attached to each of these, in its order."""
    return await rows_by_parent(session, Attachment.holder_id, holder_ids, order_by=(Attachment.position,))


async def get_attachments_for_update(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Attachment]:
    """Return the files among these, locked in the order of their ids."""
    statement = select(Attachment).where(Attachment.id.in_(list(ids))).order_by(Attachment.id).with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {row.id: row for row in found}


async def count_bytes_since(
    session: AsyncSession, *, uploader_kind: ActorKind, uploader_id: UUID, since: datetime
) -> tuple[int, datetime | None]:
    """Return how many bytes somebody has announced since then, and when the first of them."""
    statement = select(func.coalesce(func.sum(Attachment.byte_size), 0), func.min(Attachment.created_at)).where(
        Attachment.uploader_kind == uploader_kind, Attachment.uploader_id == uploader_id, Attachment.created_at > since
    )
    size, first = (await session.execute(statement)).one()
    return int(size), first


async def add_chunk(
    session: AsyncSession, *, upload_id: UUID, position: int, attachment_id: UUID, content: bytes
) -> None:
    """Keep some of a file's bytes."""
    session.add(AttachmentChunk(upload_id=upload_id, position=position, attachment_id=attachment_id, content=content))
    await session.flush()


async def find_chunk(session: AsyncSession, upload_id: UUID, *, position: int) -> bytes | None:
    """Return some of a file's bytes."""
    statement = select(AttachmentChunk.content).where(
        AttachmentChunk.upload_id == upload_id, AttachmentChunk.position == position
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def remove_other_chunks(session: AsyncSession, attachment_id: UUID, *, upload_id: UUID | None) -> None:
    """Remove what other attempts to send a file left; all of them, where none of them brought it whole."""
    is_other = AttachmentChunk.attachment_id == attachment_id
    if upload_id is not None:
        is_other &= AttachmentChunk.upload_id != upload_id
    await session.execute(delete(AttachmentChunk).where(is_other), execution_options=UNSYNCHRONISED)


async def remove_attachments(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Remove files, to the last byte."""
    for some in chunks(ids):
        await session.execute(
            delete(AttachmentChunk).where(AttachmentChunk.attachment_id.in_(some)), execution_options=UNSYNCHRONISED
        )
        await session.execute(delete(Attachment).where(Attachment.id.in_(some)), execution_options=UNSYNCHRONISED)


async def list_unused(session: AsyncSession, *, before: datetime, limit: int) -> list[UUID]:
    """Return files that were announced before then, and that nothing names."""
    statement = select(Attachment.id).where(Attachment.holder_id.is_(None), Attachment.created_at < before)
    return list(await session.scalars(statement.order_by(Attachment.created_at).limit(limit)))


async def list_attachment_ids(
    session: AsyncSession, *, holder_ids: Iterable[UUID], customer_ids: Iterable[UUID]
) -> list[UUID]:
    """Return what is attached to any of these, and what any of these customers has sent."""
    found: list[UUID] = []
    for some in chunks(holder_ids):
        found += await session.scalars(select(Attachment.id).where(Attachment.holder_id.in_(some)))
    for some in chunks(customer_ids):
        is_theirs = (Attachment.uploader_kind == ActorKind.CUSTOMER) & Attachment.uploader_id.in_(some)
        found += await session.scalars(select(Attachment.id).where(is_theirs))
    return sorted(set(found))


async def hold(session: AsyncSession, ids: Sequence[UUID], *, kind: HolderKind, holder_id: UUID) -> None:
    """Let files be attached to something, in this order."""
    for position, key in enumerate(ids):
        values = {"holder_kind": kind, "holder_id": holder_id, "position": position}
        await session.execute(
            update(Attachment).where(Attachment.id == key).values(values), execution_options=UNSYNCHRONISED
        )
