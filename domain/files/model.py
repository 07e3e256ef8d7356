"""Files that are attached to something, kept in the database: one backup has them, one erasure takes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.base.actors import ActorKind
from domain.base.identifiers import new_id
from domain.base.model import STRICT, Base, one_of
from domain.files.rules import HolderKind


class Attachment(Base, kw_only=True):
    """A file: announced, then received, then attached to something, once.

    `upload_id` names the chunks that are its bytes, once they are there whole. `secret` signs the addresses under which
    it is sent and had; it is of no use for anything else.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        one_of("uploader_kind", ActorKind),
        one_of("holder_kind", HolderKind),
        Index("ix_attachments_uploader", "uploader_kind", "uploader_id", "created_at"),
        Index(
            "uq_attachments_holder",
            "holder_id",
            "position",
            unique=True,
            sqlite_where=text("holder_id IS NOT NULL"),
            postgresql_where=text("holder_id IS NOT NULL"),
        ),
        Index(
            "ix_attachments_unused",
            "created_at",
            sqlite_where=text("holder_id IS NULL"),
            postgresql_where=text("holder_id IS NULL"),
        ),
        STRICT,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    uploader_kind: Mapped[str]
    uploader_id: Mapped[UUID]
    filename: Mapped[str]
    content_type: Mapped[str]
    byte_size: Mapped[int]
    sha256: Mapped[str | None]
    """Of its bytes: as it was announced, and in any case once they are there."""
    secret: Mapped[str]
    upload_id: Mapped[UUID | None] = mapped_column(default=None)
    holder_kind: Mapped[str | None] = mapped_column(default=None)
    holder_id: Mapped[UUID | None] = mapped_column(default=None)
    position: Mapped[int | None] = mapped_column(default=None)
    """Its place among what is attached to the same thing."""
    created_at: Mapped[datetime]
    uploaded_at: Mapped[datetime | None] = mapped_column(default=None)
    upload_expires_at: Mapped[datetime]


class AttachmentChunk(Base, kw_only=True):
    """Some of a file's bytes, as one attempt to send it brought them."""

    __tablename__ = "attachment_chunks"
    __table_args__ = (STRICT,)

    upload_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    attachment_id: Mapped[UUID] = mapped_column(ForeignKey("attachments.id"), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
