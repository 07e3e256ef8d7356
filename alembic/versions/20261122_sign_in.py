"""Staff, accounts of shoppers, sessions, mailed codes, throttles.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.dialects.postgresql.JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    _staff()
    _sessions()
    op.create_table(
        "mailed_codes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("address_key", TEXT, nullable=False),
        sa.Column("locale", TEXT, nullable=False),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("code_hash", TEXT, nullable=True),
        sa.Column("attempt_count", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint("purpose IN ('REGISTRATION', 'PASSWORD_RESET', 'IDENTITY')", name="ck_mailed_codes_purpose"),
        sa.PrimaryKeyConstraint("id", name="pk_mailed_codes"),
        sqlite_strict=True,
    )
    op.create_index("ix_mailed_codes_address_key", "mailed_codes", ["address_key", "purpose"])
    op.create_index("ix_mailed_codes_expires_at", "mailed_codes", ["expires_at"])
    op.create_table(
        "throttles",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("attempt_count", WHOLE, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttles"),
        sqlite_strict=True,
    )
    op.create_index("ix_throttles_ends_at", "throttles", ["ends_at"])


def _staff() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("languages", DOCUMENT, nullable=False),
        sa.Column("skills", DOCUMENT, nullable=False),
        sa.Column("is_active", FLAG, nullable=False),
        sa.Column("totp_secret", TEXT, nullable=True),
        sa.Column("totp_confirmed_at", INSTANT, nullable=True),
        sa.Column("totp_step", WHOLE, nullable=False),
        sa.Column("recovery_hashes", DOCUMENT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "role IN ('ADMIN', 'SUPERVISOR', 'AGENT', 'PARTNER_AGENT', 'ANALYST')", name="ck_staff_members_role"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_members"),
        sa.UniqueConstraint("email_key", name="uq_staff_members_email_key"),
        sqlite_strict=True,
    )
    op.create_index("ix_staff_members_created_at", "staff_members", ["created_at", "id"])
    op.create_table(
        "staff_member_stores",
        sa.Column("staff_member_id", KEY, nullable=False),
        sa.Column("store_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_member_id"], ["staff_members.id"], name="fk_staff_member_stores_staff_member_id"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_staff_member_stores_store_id"),
        sa.PrimaryKeyConstraint("staff_member_id", "store_id", name="pk_staff_member_stores"),
        sqlite_strict=True,
    )
    op.create_table(
        "accounts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email_key", name="uq_accounts_email_key"),
        sqlite_strict=True,
    )
    op.create_index("ix_accounts_customer_id", "accounts", ["customer_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("api_key_id", KEY, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('STAFF', 'CUSTOMER')", name="ck_sessions_kind"),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_sessions_api_key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sqlite_strict=True,
    )
    op.create_index("ix_sessions_subject_id", "sessions", ["subject_id", "kind"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "refresh_tokens",
        sa.Column("id", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_refresh_tokens_session_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_refresh_tokens_token_hash"),
        sqlite_strict=True,
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_index("ix_refresh_tokens_used_at", "refresh_tokens", ["used_at"])
    op.create_table(
        "signing_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Take it back."""
    for table in (
        "throttles",
        "mailed_codes",
        "signing_keys",
        "refresh_tokens",
        "sessions",
        "accounts",
        "staff_member_stores",
        "staff_members",
    ):
        op.drop_table(table)
