"""Announcing files."""

from uuid import UUID

import strawberry

from domain.files.actions.attachments import create_attachment, upload_address
from domain.files.repository import find_attachment
from schema.base.context import Info
from schema.base.descriptions import Input
from schema.base.scalars import URL
from schema.base.writes import write
from schema.files.inputs import AttachmentCreateInput
from schema.files.types.attachments import FILES_PATH, AttachmentCreatePayload, load_attachments


@strawberry.type
class FileMutations:
    """Root fields that write about files."""

    @strawberry.mutation(
        description=(
            "Reserves an attachment: PUT the bytes to `uploadUrl`, then name it in a message; it is attached once, and "
            "gone after a day where nothing names it. RATE_LIMITED after 250 MiB in a day, of a guest 25. Needs "
            "`conversations:write` or `channels:write`; shoppers may for themselves."
        )
    )
    async def attachment_create(
        self,
        info: Info,
        input: Input[AttachmentCreateInput],  # noqa: A002
    ) -> AttachmentCreatePayload | None:
        """Announce a file."""
        written = await write(info, "attachmentCreate", lambda work: create_attachment(work, details=input.details()))
        if not isinstance(written, UUID):
            return AttachmentCreatePayload(
                attachment=None, upload_url=None, upload_expires_at=None, user_errors=written
            )
        (attachment,) = await load_attachments(info, [written])
        async with info.context.reading() as session:
            row = await find_attachment(session, written)
        public_url = info.context.works.organisation.public_url
        return AttachmentCreatePayload(
            attachment=attachment,
            upload_url=None if row is None else URL(f"{public_url}{FILES_PATH}{upload_address(row)}"),
            upload_expires_at=None if row is None else row.upload_expires_at,
            user_errors=[],
        )
