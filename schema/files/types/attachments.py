"""Files, as the API shows them."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import strawberry

from domain.base.actors import Actor
from domain.base.addresses import new_address
from domain.base.database import Session
from domain.files.repository import list_attachments_by_holder, list_attachments_by_id
from domain.files.rules import HolderKind, address_until
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import URL
from schema.files.policies import FILES

FILES_PATH = "/attachments/"

Seen: TypeAlias = Callable[[Session, Collection[UUID]], Awaitable[Mapping[UUID, Any]]]
"""Returns what of these the session sees."""

_HOLDERS: dict[str, Seen] = {}


def holds_files(kind: HolderKind, *, seen: Seen) -> None:
    """Declare to what files are attached: whoever sees it sees them."""
    _HOLDERS[kind] = seen


@strawberry.type(description="A file that is attached to something.")
class Attachment(Node):
    """See the description."""

    filename: str = shown("What it is called.")
    content_type: str = shown("The media type that its sender gave it: nobody has looked whether it is true.")
    byte_size: int = shown("How many bytes it has.")
    url: URL = shown(
        "Where it is had, for one to two hours; whoever has the address has the file. Nothing is there before the file "
        "was sent whole."
    )

    @classmethod
    def of(cls, row: Any, *, now: datetime, public_url: str) -> "Attachment":  # noqa: ANN401
        """Show a row, as of `now`."""
        address = new_address(row.id, secret=row.secret, expires_at=address_until(now))
        return cls(
            id=global_id("Attachment", row.id),
            filename=row.filename,
            content_type=row.content_type,
            byte_size=row.byte_size,
            url=URL(f"{public_url}{FILES_PATH}{address}"),
        )


@strawberry.type(description="The place for a file, or why there is none.")
class AttachmentCreatePayload:
    """See the description."""

    attachment: Attachment | None = shown("The file that is to be sent; null where it was refused.")
    upload_url: URL | None = shown(
        "Where its bytes go: PUT them there as they are, without an Authorization header. Answered with 204 once the "
        "file is there whole; sent again, it is the same file."
    )
    upload_expires_at: datetime | None = shown("Until when: fifteen minutes.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@loads("Attachment", policy=FILES)
async def load_attachments(info: Info, ids: Sequence[UUID]) -> list[Attachment | None]:
    """Read files by their ids: those that the actor has sent, and those of what they see."""
    async with info.context.reading() as session:
        rows = await list_attachments_by_id(session, ids)
        seen = await _seen_holders(session, rows.values())
    actor = info.context.actor
    shown_rows = {key: row for key, row in rows.items() if row.holder_id in seen or _is_own(row, actor)}
    return [_show(info, shown_rows[key]) if key in shown_rows else None for key in ids]


async def load_attached(info: Info, holder_ids: Sequence[UUID]) -> list[list[Attachment]]:
    """Read what is attached to each of these, which whoever asks sees."""
    async with info.context.reading() as session:
        found = await list_attachments_by_holder(session, holder_ids)
    return [[_show(info, row) for row in found.get(key, ())] for key in holder_ids]


def _show(info: Info, row: Any) -> Attachment:  # noqa: ANN401
    return Attachment.of(row, now=info.context.now, public_url=info.context.works.organisation.public_url)


def _is_own(row: Any, actor: Actor) -> bool:  # noqa: ANN401
    return row.holder_id is None and (row.uploader_kind, row.uploader_id) == (actor.kind, actor.id)


async def _seen_holders(session: Session, rows: Collection[Any]) -> set[UUID]:
    seen: set[UUID] = set()
    for kind, look in _HOLDERS.items():
        seen |= set(await look(session, {row.holder_id for row in rows if row.holder_kind == kind}))
    return seen
