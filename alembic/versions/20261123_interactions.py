"""Conversations: channels, what was said, and who has read how far.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.Text()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")

ROLE = "sportello_narrowed"
CHANNEL_KINDS = ("WEB_CHAT", "EMAIL", "PHONE", "SMS", "WHATSAPP", "SOCIAL", "VIDEO", "FORM", "IN_STORE", "CUSTOM")
STATUSES = ("NEW", "OPEN", "PENDING", "SNOOZED", "RESOLVED", "CLOSED", "SPAM")
AUTHORS = ("CUSTOMER", "STAFF", "APP", "SYSTEM")
FAMILY, STORES = "(SELECT sportello_family())::uuid[]", "(SELECT sportello_stores())::uuid[]"
SEEN = "EXISTS (SELECT 1 FROM conversations WHERE conversations.id = conversation_id)"
POLICIES = {
    "conversations": f"customer_id = ANY ({FAMILY}) OR store_id = ANY ({STORES})",
    "conversation_tags": f"sportello_stores() IS NOT NULL AND {SEEN}",
    # What has no number of theirs, a shopper does not see: notes above all.
    "interactions": f"(shopper_seq IS NOT NULL OR sportello_stores() IS NOT NULL) AND {SEEN}",
    "conversation_readings": SEEN,
}
TABLES = ("conversation_readings", "interactions", "conversation_tags", "conversations", "channels")


def _one_of(table: str, column: str, choices: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "channels",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("store_id", KEY, nullable=True),
        sa.Column("is_active", FLAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        _one_of("channels", "kind", CHANNEL_KINDS),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_channels_store_id"),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
        sa.UniqueConstraint("name", name="uq_channels_name"),
        sqlite_strict=True,
    )
    _add_conversations()
    _add_interactions()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE conversation_numbers OWNED BY conversations.number")
        for table, condition in POLICIES.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY narrowed ON {table} FOR SELECT TO {ROLE} USING ({condition})")
            op.execute(f"GRANT SELECT ON {table} TO {ROLE}")
        op.execute(f"GRANT SELECT ON channels TO {ROLE}")
        # A program that wrote is named by its key's id, and by nothing else of it.
        op.execute(f"GRANT SELECT (id) ON api_keys TO {ROLE}")


def _add_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("channel_id", KEY, nullable=False),
        sa.Column("store_id", KEY, nullable=True),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("assignee_id", KEY, nullable=True),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("waiting_on", TEXT, nullable=False),
        sa.Column("priority", TEXT, nullable=False),
        *(
            sa.Column(name, WHOLE, nullable=False)
            for name in ("priority_rank", "last_seq", "shopper_seq", "customer_message_seq", "staff_message_seq")
        ),
        sa.Column("last_message_id", KEY, nullable=True),
        sa.Column("snoozed_until", INSTANT, nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("follow_up_of_id", KEY, nullable=True),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("shopper_version", WHOLE, nullable=False),
        sa.Column("shopper_updated_at", INSTANT, nullable=False),
        _one_of("conversations", "status", STATUSES),
        _one_of("conversations", "waiting_on", ("CUSTOMER", "US", "THIRD_PARTY", "NOBODY")),
        _one_of("conversations", "priority", ("LOW", "NORMAL", "HIGH", "URGENT")),
        sa.ForeignKeyConstraint(["assignee_id"], ["staff_members.id"], name="fk_conversations_assignee_id"),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_conversations_channel_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer_records.id"], name="fk_conversations_customer_id"),
        sa.ForeignKeyConstraint(["follow_up_of_id"], ["conversations.id"], name="fk_conversations_follow_up_of_id"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_conversations_order_id"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_conversations_store_id"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("number", name="uq_conversations_number"),
        sqlite_strict=True,
    )
    for name, columns in {
        "updated_at": ["updated_at", "id"],
        "created_at": ["created_at", "id"],
        "customer_id": ["customer_id", "updated_at", "id"],
        "assignee_id": ["assignee_id", "status", "updated_at"],
        "status": ["status", "updated_at", "id"],
        "priority": ["priority_rank", "updated_at", "id"],
        "channel_id": ["channel_id"],
        "store_id": ["store_id"],
        "follow_up_of_id": ["follow_up_of_id"],
        "order_id": ["order_id"],
    }.items():
        op.create_index(f"ix_conversations_{name}", "conversations", columns, unique=False)
    asleep = sa.text("snoozed_until IS NOT NULL")
    op.create_index(
        "ix_conversations_snoozed_until",
        "conversations",
        ["snoozed_until"],
        unique=False,
        sqlite_where=asleep,
        postgresql_where=asleep,
    )
    op.create_table(
        "conversation_tags",
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_conversation_tags_conversation_id"),
        sa.PrimaryKeyConstraint("conversation_id", "tag", name="pk_conversation_tags"),
        sqlite_strict=True,
    )
    op.create_index("ix_conversation_tags_tag", "conversation_tags", ["tag", "conversation_id"], unique=False)


def _add_interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("shopper_seq", WHOLE, nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("author_kind", TEXT, nullable=False),
        sa.Column("author_id", KEY, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("text", TEXT, nullable=True),
        sa.Column("client_message_id", TEXT, nullable=True),
        sa.Column("delivery", TEXT, nullable=True),
        sa.Column("edited_at", INSTANT, nullable=True),
        sa.Column("previous_status", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=True),
        _one_of("interactions", "kind", ("MESSAGE", "NOTE", "STATUS_CHANGE")),
        _one_of("interactions", "author_kind", AUTHORS),
        _one_of("interactions", "delivery", ("RECEIVED", "ACCEPTED", "SENT", "DELIVERED", "READ", "FAILED")),
        _one_of("interactions", "status", STATUSES),
        _one_of("interactions", "previous_status", STATUSES),
        sa.CheckConstraint("(kind = 'MESSAGE') = (delivery IS NOT NULL)", name="ck_interactions_message"),
        sa.CheckConstraint("kind != 'NOTE' OR shopper_seq IS NULL", name="ck_interactions_note"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_interactions_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sqlite_strict=True,
    )
    op.create_index("uq_interactions_seq", "interactions", ["conversation_id", "seq"], unique=True)
    for name, columns, condition in (
        ("shopper_seq", ["conversation_id", "shopper_seq"], "shopper_seq IS NOT NULL"),
        ("client_message_id", ["author_kind", "author_id", "client_message_id"], "client_message_id IS NOT NULL"),
    ):
        op.create_index(
            f"uq_interactions_{name}",
            "interactions",
            columns,
            unique=True,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    op.create_table(
        "conversation_readings",
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("reader_kind", TEXT, nullable=False),
        sa.Column("reader_id", KEY, nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        _one_of("conversation_readings", "reader_kind", AUTHORS),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_conversation_readings_conversation_id"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "reader_kind", "reader_id", name="pk_conversation_readings"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"REVOKE SELECT (id) ON api_keys FROM {ROLE}")
        op.execute(f"REVOKE SELECT ON channels FROM {ROLE}")
        for table in POLICIES:
            op.execute(f"REVOKE SELECT ON {table} FROM {ROLE}")
            op.execute(f"DROP POLICY narrowed ON {table}")
    for table in TABLES:
        op.drop_table(table)
