"""Files on their way: announced, received in pieces, attached, had again."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.base.actors import SYSTEM, ActorKind, Permission
from domain.base.addresses import is_valid, new_address, read_address
from domain.base.database import Session
from domain.base.errors import Forbidden
from domain.base.identifiers import new_id
from domain.base.jobs import Job
from domain.base.upkeep import REMOVED_AT_ONCE
from domain.base.work import Work, Works
from domain.files.errors import AttachmentNotReady, UploadRefused
from domain.files.model import Attachment
from domain.files.repository import (
    add_chunk,
    count_bytes_since,
    find_attachment,
    find_chunk,
    get_attachments_for_update,
    hold,
    list_unused,
    remove_attachments,
    remove_other_chunks,
)
from domain.files.rules import (
    BYTES_A_DAY,
    BYTES_A_DAY_OF_GUESTS,
    CHUNK_BYTES,
    DAY,
    KEPT_UNUSED,
    UPLOAD_WITHIN,
    FileDetails,
    HolderKind,
    check_file,
    upload_secret,
)
from domain.identity.errors import TooManyAttempts

_GONE = "The place for this file is gone: its owner was erased. Ask for another one."


@dataclass(frozen=True, kw_only=True)
class PurgeAttachments(Job):
    """Remove files that nothing names."""


async def create_attachment(work: Work, *, details: FileDetails) -> UUID:
    """Announce a file, so that its bytes can be sent within a quarter of an hour; return its id.

    Raises `Refusals`, `Forbidden` for who writes nothing, `TooManyAttempts` for more than people send in a day.
    """
    actor = work.actor
    may_write = actor.may(Permission.CONVERSATIONS_WRITE) or actor.may(Permission.CHANNELS_WRITE)
    if actor.id is None or not (actor.kind is ActorKind.CUSTOMER or may_write):
        text = f"This needs the permission {Permission.CONVERSATIONS_WRITE} or {Permission.CHANNELS_WRITE}."
        raise Forbidden(text)
    checked = check_file(details)
    if actor.kind is not ActorKind.APP:
        await _require_room(work, actor.id, checked.byte_size)
    row = Attachment(
        uploader_kind=actor.kind,
        uploader_id=actor.id,
        filename=checked.filename,
        content_type=checked.content_type,
        byte_size=checked.byte_size,
        sha256=checked.sha256,
        secret=secrets.token_hex(32),
        created_at=work.now,
        upload_expires_at=work.now + UPLOAD_WITHIN,
    )
    work.session.add(row)
    return row.id


async def _require_room(work: Work, uploader_id: UUID, byte_size: int) -> None:
    since = work.now - DAY
    size, first = await count_bytes_since(
        work.session, uploader_kind=work.actor.kind, uploader_id=uploader_id, since=since
    )
    if size + byte_size > (BYTES_A_DAY_OF_GUESTS if work.actor.is_visitor else BYTES_A_DAY):
        raise TooManyAttempts(retry_at=(first or work.now) + DAY)


def upload_address(attachment: Any) -> str:  # noqa: ANN401  a row
    """Return the last part of the address to which a file's bytes are sent."""
    return new_address(attachment.id, secret=upload_secret(attachment.secret), expires_at=attachment.upload_expires_at)


async def find_upload(works: Works, *, address: str) -> Any | None:  # noqa: ANN401  a row
    """Return the file whose bytes are sent to an address; None where it leads to none, or no longer."""
    found = read_address(address)
    async with works.database.reading() as session:
        row = None if found is None else await find_attachment(session, found.key)
    if found is None or row is None:
        return None
    return row if is_valid(found, secret=upload_secret(row.secret), now=works.clock.now()) else None


async def receive_file(works: Works, *, attachment: Any, body: AsyncIterator[bytes]) -> None:  # noqa: ANN401  a row
    """Take in a file's bytes as they come, a piece at a time. What was there whole already is only compared.

    Raises `UploadRefused` for other bytes than those that were announced: nothing of them is kept.
    """
    upload_id, digest, size, position = new_id(), hashlib.sha256(), 0, 0
    async for piece in _pieces(body, size_max=attachment.byte_size):
        digest.update(piece)
        size += len(piece)
        if attachment.upload_id is None:
            await _keep(works, attachment.id, upload_id=upload_id, position=position, piece=piece)
        position += 1
    sha256 = digest.hexdigest()
    if size != attachment.byte_size:
        await _give_up(works, attachment.id)
        message = f"{attachment.byte_size:,} bytes were announced, and {size:,} came. Send the whole file again."
        raise UploadRefused(message)
    if attachment.sha256 not in (None, sha256):
        await _give_up(works, attachment.id)
        message = "The bytes have another SHA-256 than was announced. Send the file again."
        raise UploadRefused(message)
    if attachment.upload_id is None:
        await _settle(works, attachment.id, upload_id=upload_id, sha256=sha256)


async def _pieces(body: AsyncIterator[bytes], *, size_max: int) -> AsyncIterator[bytes]:
    """Yield what comes in pieces of one size; more than was announced is not even waited for."""
    waiting, size = bytearray(), 0
    async for some in body:
        size += len(some)
        waiting += some
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
        if size > size_max:
            break
    if waiting:
        yield bytes(waiting)


async def _keep(works: Works, attachment_id: UUID, *, upload_id: UUID, position: int, piece: bytes) -> None:
    """Keep some of what was sent, unless somebody sent the file whole meanwhile. Raises `UploadRefused`."""

    async def story(work: Work) -> bool:
        row = (await get_attachments_for_update(work.session, [attachment_id])).get(attachment_id)
        if row is not None and row.upload_id is None:
            await add_chunk(
                work.session, upload_id=upload_id, position=position, attachment_id=attachment_id, content=piece
            )
        return row is not None

    if not await works.perform(story, actor=SYSTEM, action="attachmentUpload"):
        raise UploadRefused(_GONE)


async def _settle(works: Works, attachment_id: UUID, *, upload_id: UUID, sha256: str) -> None:
    """Let the file be there. Raises `UploadRefused` where somebody sent another one meanwhile."""

    async def story(work: Work) -> bool:
        row = (await get_attachments_for_update(work.session, [attachment_id])).get(attachment_id)
        if row is None:
            raise UploadRefused(_GONE)
        if row.upload_id is None:
            row.upload_id, row.sha256, row.uploaded_at = upload_id, sha256, work.now
            await work.session.flush()
        await remove_other_chunks(work.session, attachment_id, upload_id=row.upload_id)
        return row.sha256 == sha256

    if not await works.perform(story, actor=SYSTEM, action="attachmentUpload"):
        message = "Another file was sent to this address meanwhile; ask for an address of its own."
        raise UploadRefused(message)


async def _give_up(works: Works, attachment_id: UUID) -> None:
    """Remove what an attempt brought, unless another one brought the file whole meanwhile."""

    async def story(work: Work) -> None:
        row = (await get_attachments_for_update(work.session, [attachment_id])).get(attachment_id)
        await remove_other_chunks(work.session, attachment_id, upload_id=None if row is None else row.upload_id)

    await works.perform(story, actor=SYSTEM, action="attachmentUpload")


async def find_download(works: Works, *, address: str) -> Any | None:  # noqa: ANN401  a row
    """Return the file behind an address; None where it leads to none, no longer, or not yet."""
    found = read_address(address)
    async with works.database.reading() as session:
        row = None if found is None else await find_attachment(session, found.key)
    if found is None or row is None or row.upload_id is None:
        return None
    return row if is_valid(found, secret=row.secret, now=works.clock.now()) else None


async def read_piece(session: Session, *, attachment: Any, position: int) -> bytes | None:  # noqa: ANN401  a row
    """Return a piece of a file; None behind its last one, and where it was erased meanwhile."""
    return await find_chunk(session, attachment.upload_id, position=position)


async def attach(
    work: Work, *, ids: Sequence[UUID], uploader_ids: Collection[UUID | None], kind: HolderKind, holder_id: UUID
) -> list[str]:
    """Attach files that the actor has sent, under whatever id, to something; return their names.

    Raises `AttachmentNotReady`. Locks the files.
    """
    found = await get_attachments_for_update(work.session, ids)
    for place, key in enumerate(ids):
        row = found.get(key)
        is_own = row is not None and row.uploader_kind == work.actor.kind and row.uploader_id in uploader_ids
        if row is None or not is_own or row.upload_id is None or row.holder_id is not None:
            raise AttachmentNotReady(place)
    await hold(work.session, ids, kind=kind, holder_id=holder_id)
    return [found[key].filename for key in ids]


async def purge_attachments(works: Works, _job: PurgeAttachments) -> None:
    """Remove files that nothing names, a day after they were announced, and what was left of attempts to send them."""

    async def some(work: Work) -> int:
        ids = await list_unused(work.session, before=work.now - KEPT_UNUSED, limit=REMOVED_AT_ONCE)
        await remove_attachments(work.session, ids)
        return len(ids)

    while await works.perform(some, actor=SYSTEM, action="purgeAttachments"):
        pass
