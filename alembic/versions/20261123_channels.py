"""Channels from outside, the words by which conversations are found, and sessions of guests.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text()
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")
# Compared byte by byte, as SQLite does, so that a prefix is a stretch of an index.
SORTED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")

ROLE = "sportello_narrowed"
CONTACT = ("contact_kind", "contact_namespace", "contact_value", "contact_name", "thread_key")
SEEN = "EXISTS (SELECT 1 FROM conversations WHERE conversations.id = conversation_id)"


def upgrade() -> None:
    """Make the change."""
    for name in CONTACT:
        op.add_column("conversations", sa.Column(name, TEXT, nullable=True))
    is_outside = sa.text("contact_value IS NOT NULL")
    op.create_index(
        "ix_conversations_contact",
        "conversations",
        ["channel_id", "contact_value"],
        unique=False,
        sqlite_where=is_outside,
        postgresql_where=is_outside,
    )
    op.create_index("ix_conversations_waiting_on", "conversations", ["waiting_on", "updated_at", "id"], unique=False)
    op.add_column("interactions", sa.Column("failure_reason", TEXT, nullable=True))
    op.create_table(
        "received_messages",
        sa.Column("channel_id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("interaction_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_received_messages_channel_id"),
        sa.ForeignKeyConstraint(["interaction_id"], ["interactions.id"], name="fk_received_messages_interaction_id"),
        sa.PrimaryKeyConstraint("channel_id", "external_id", name="pk_received_messages"),
        sqlite_strict=True,
    )
    op.create_index("ix_received_messages_interaction_id", "received_messages", ["interaction_id"], unique=False)
    op.create_table(
        "conversation_terms",
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("term", SORTED, nullable=False),
        sa.Column("is_shown", FLAG, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_conversation_terms_conversation_id"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "term", name="pk_conversation_terms"),
        sqlite_strict=True,
    )
    op.create_index("ix_conversation_terms_term", "conversation_terms", ["term", "conversation_id"], unique=False)
    op.add_column("sessions", sa.Column("is_visitor", FLAG, nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE conversation_terms ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY narrowed ON conversation_terms FOR SELECT TO {ROLE} "
            f"USING ((is_shown OR sportello_stores() IS NOT NULL) AND {SEEN})"
        )
        op.execute(f"GRANT SELECT ON conversation_terms TO {ROLE}")


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"REVOKE SELECT ON conversation_terms FROM {ROLE}")
        op.execute("DROP POLICY narrowed ON conversation_terms")
    op.drop_column("sessions", "is_visitor")
    op.drop_table("conversation_terms")
    op.drop_table("received_messages")
    op.drop_column("interactions", "failure_reason")
    op.drop_index("ix_conversations_waiting_on", table_name="conversations")
    op.drop_index("ix_conversations_contact", table_name="conversations")
    for name in reversed(CONTACT):
        op.drop_column("conversations", name)
