"""Files that are attached to messages.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TEXT = sa.Text()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")

ROLE = "sportello_narrowed"
ACTORS = ("SYSTEM", "APP", "STAFF", "CUSTOMER", "ANONYMOUS")
HOLDERS = ("INTERACTION",)
FAMILY = "(SELECT sportello_family())::uuid[]"
# Seen with the message that it is attached to; before that, by who sent it.
SEEN = (
    "EXISTS (SELECT 1 FROM interactions WHERE interactions.id = holder_id) OR holder_id IS NULL AND "
    f"(uploader_kind = 'CUSTOMER' AND uploader_id = ANY ({FAMILY}) "
    "OR uploader_kind = 'STAFF' AND sportello_stores() IS NOT NULL)"
)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "attachments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uploader_kind", TEXT, nullable=False),
        sa.Column("uploader_id", KEY, nullable=False),
        sa.Column("filename", TEXT, nullable=False),
        sa.Column("content_type", TEXT, nullable=False),
        sa.Column("byte_size", WHOLE, nullable=False),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("upload_id", KEY, nullable=True),
        sa.Column("holder_kind", TEXT, nullable=True),
        sa.Column("holder_id", KEY, nullable=True),
        sa.Column("position", WHOLE, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=True),
        sa.Column("upload_expires_at", INSTANT, nullable=False),
        sa.CheckConstraint(_one_of("uploader_kind", ACTORS), name="ck_attachments_uploader_kind"),
        sa.CheckConstraint(_one_of("holder_kind", HOLDERS), name="ck_attachments_holder_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sqlite_strict=True,
    )
    op.create_index("ix_attachments_uploader", "attachments", ["uploader_kind", "uploader_id", "created_at"])
    is_held, is_unused = sa.text("holder_id IS NOT NULL"), sa.text("holder_id IS NULL")
    op.create_index(
        "uq_attachments_holder",
        "attachments",
        ["holder_id", "position"],
        unique=True,
        sqlite_where=is_held,
        postgresql_where=is_held,
    )
    op.create_index(
        "ix_attachments_unused", "attachments", ["created_at"], sqlite_where=is_unused, postgresql_where=is_unused
    )
    op.create_table(
        "attachment_chunks",
        sa.Column("upload_id", KEY, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("attachment_id", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachments.id"], name="fk_attachment_chunks_attachment_id"),
        sa.PrimaryKeyConstraint("upload_id", "position", name="pk_attachment_chunks"),
        sqlite_strict=True,
    )
    op.create_index("ix_attachment_chunks_attachment_id", "attachment_chunks", ["attachment_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE attachments ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY narrowed ON attachments FOR SELECT TO {ROLE} USING ({SEEN})")
        op.execute(f"GRANT SELECT ON attachments TO {ROLE}")


def _one_of(column: str, choices: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return f"{column} IN ({listed})"


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"REVOKE SELECT ON attachments FROM {ROLE}")
        op.execute("DROP POLICY narrowed ON attachments")
    op.drop_table("attachment_chunks")
    op.drop_table("attachments")
