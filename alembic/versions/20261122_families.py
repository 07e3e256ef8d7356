"""Families of customers: records, merges, consents, timelines, attributes.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text()
SORTED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")
DAY = sa.Date().with_variant(sa.Text(), "sqlite")
AMOUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.dialects.postgresql.JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "attribute_definitions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", SORTED, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("choices", DOCUMENT, nullable=False),
        sa.Column("audience", TEXT, nullable=False),
        sa.Column("is_archived", FLAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("audience IN ('CUSTOMER', 'STAFF', 'RESTRICTED')", name="ck_attribute_definitions_audience"),
        sa.CheckConstraint("type IN ('TEXT', 'NUMBER', 'FLAG', 'DAY', 'CHOICE')", name="ck_attribute_definitions_type"),
        sa.PrimaryKeyConstraint("id", name="pk_attribute_definitions"),
        sa.UniqueConstraint("key", name="uq_attribute_definitions_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "consents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=True),
        sa.Column("decision", TEXT, nullable=False),
        sa.Column("text_version", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("proof", TEXT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "channel IN ('WEB_CHAT', 'EMAIL', 'PHONE', 'SMS', 'WHATSAPP', 'SOCIAL', 'VIDEO', 'FORM', 'IN_STORE', 'CUSTOM')",
            name="ck_consents_channel",
        ),
        sa.CheckConstraint("decision IN ('GRANTED', 'REFUSED', 'WITHDRAWN')", name="ck_consents_decision"),
        sa.CheckConstraint(
            "purpose IN ('SERVICE', 'MARKETING', 'PROFILING', 'SURVEYS', 'CONTESTS')", name="ck_consents_purpose"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_consents_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sqlite_strict=True,
    )
    op.create_index("ix_consents_customer_id", "consents", ["customer_id", "decided_at", "id"], unique=False)
    op.create_table(
        "customer_attributes",
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("definition_id", KEY, nullable=False),
        sa.Column("text_value", SORTED, nullable=True),
        sa.Column("number_value", AMOUNT, nullable=True),
        sa.Column("is_shown", FLAG, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_attributes_customer_id"),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["attribute_definitions.id"], name="fk_customer_attributes_definition_id"
        ),
        sa.PrimaryKeyConstraint("customer_id", "definition_id", name="pk_customer_attributes"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_customer_attributes_number_value",
        "customer_attributes",
        ["definition_id", "number_value", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_attributes_text_value",
        "customer_attributes",
        ["definition_id", "text_value", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_match_keys",
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_match_keys_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", "key", name="pk_customer_match_keys"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_match_keys_key", "customer_match_keys", ["key", "customer_id"], unique=False)
    op.create_table(
        "customer_merges",
        sa.Column("id", KEY, nullable=False),
        sa.Column("survivor_id", KEY, nullable=False),
        sa.Column("absorbed_id", KEY, nullable=False),
        sa.Column("first_id", KEY, nullable=False),
        sa.Column("second_id", KEY, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("score", AMOUNT, nullable=True),
        sa.Column("evidence", DOCUMENT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("proposed_at", INSTANT, nullable=True),
        sa.Column("merged_at", INSTANT, nullable=True),
        sa.Column("rejected_at", INSTANT, nullable=True),
        sa.Column("unmerged_at", INSTANT, nullable=True),
        sa.Column("unmerge_reason", TEXT, nullable=True),
        sa.CheckConstraint("state IN ('PROPOSED', 'APPLIED', 'REJECTED', 'UNDONE')", name="ck_customer_merges_state"),
        sa.CheckConstraint("survivor_id <> absorbed_id", name="ck_customer_merges_two"),
        sa.ForeignKeyConstraint(["absorbed_id"], ["customers.id"], name="fk_customer_merges_absorbed_id"),
        sa.ForeignKeyConstraint(["survivor_id"], ["customers.id"], name="fk_customer_merges_survivor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customer_merges"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_merges_absorbed_id", "customer_merges", ["absorbed_id", "state"], unique=False)
    op.create_index("ix_customer_merges_pair", "customer_merges", ["first_id", "second_id", "state"], unique=False)
    op.create_index("ix_customer_merges_state", "customer_merges", ["state", "id"], unique=False)
    op.create_index("ix_customer_merges_survivor_id", "customer_merges", ["survivor_id", "state"], unique=False)
    op.create_index(
        "uq_customer_merges_applied",
        "customer_merges",
        ["absorbed_id"],
        unique=True,
        sqlite_where=sa.text("state = 'APPLIED'"),
        postgresql_where=sa.text("state = 'APPLIED'"),
    )
    op.create_index(
        "uq_customer_merges_proposed",
        "customer_merges",
        ["first_id", "second_id"],
        unique=True,
        sqlite_where=sa.text("state = 'PROPOSED'"),
        postgresql_where=sa.text("state = 'PROPOSED'"),
    )
    op.create_table(
        "customer_records",
        sa.Column("id", KEY, nullable=False),
        sa.Column("canonical_id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("given_name", TEXT, nullable=True),
        sa.Column("family_name", TEXT, nullable=True),
        sa.Column("locale", TEXT, nullable=True),
        sa.Column("time_zone", TEXT, nullable=True),
        sa.Column("birth_date", DAY, nullable=True),
        sa.Column("country", TEXT, nullable=True),
        sa.Column("emptied", DOCUMENT, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["canonical_id"], ["customers.id"], name="fk_customer_records_canonical_id"),
        sa.ForeignKeyConstraint(["id"], ["customers.id"], name="fk_customer_records_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customer_records"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_records_canonical_id", "customer_records", ["canonical_id", "id"], unique=False)
    op.create_table(
        "timeline_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_timeline_entries_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_timeline_entries"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_timeline_entries_customer_id",
        "timeline_entries",
        ["customer_id", "kind", "occurred_at", "id"],
        unique=False,
    )
    _change_identities(
        sources=("PROFILE", "ORDER", "ADDED"),
        columns=[*IDENTITY_COLUMNS, sa.Column("is_shared", FLAG, nullable=False, server_default=sa.false())],
    )
    _index_identities(
        verified="verification = 'VERIFIED' AND NOT is_shared", claimed=f"{CLAIMED} AND source <> 'ADDED'"
    )
    _index_terms(term=["term", "customer_id", "kind"], customer_id=["customer_id", "term"])
    op.add_column("customers", sa.Column("is_absorbed", FLAG, nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_customers_absorbed",
        "customers",
        ["id"],
        sqlite_where=sa.text("is_absorbed"),
        postgresql_where=sa.text("is_absorbed"),
    )
    op.add_column("customer_tags", sa.Column("is_removed", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("customer_tags", sa.Column("is_shown", FLAG, nullable=False, server_default=sa.true()))
    for name in ("first_order_at", "last_order_at"):
        op.add_column("customer_spendings", sa.Column(name, INSTANT, nullable=True))
    for statement in FILL:
        op.execute(statement)


def downgrade() -> None:
    """Take it back. What was merged is two customers again, and what the old tables cannot hold is gone."""
    for name in ("last_order_at", "first_order_at"):
        op.drop_column("customer_spendings", name)
    op.execute("DELETE FROM customer_tags WHERE is_removed")
    op.drop_column("customer_tags", "is_shown")
    op.drop_column("customer_tags", "is_removed")
    op.drop_index("ix_customers_absorbed", table_name="customers")
    op.drop_column("customers", "is_absorbed")
    op.execute("DELETE FROM customer_identities WHERE (source = 'ADDED' AND verification <> 'VERIFIED') OR is_shared")
    op.execute("UPDATE customer_identities SET source = 'PROFILE' WHERE source = 'ADDED'")
    _index_terms(term=["term", "customer_id"], customer_id=["customer_id"])
    _change_identities(sources=("PROFILE", "ORDER"), columns=IDENTITY_COLUMNS)
    _index_identities(verified="verification = 'VERIFIED'", claimed=CLAIMED)
    for name in (
        "timeline_entries",
        "customer_records",
        "customer_merges",
        "customer_match_keys",
        "customer_attributes",
        "consents",
        "attribute_definitions",
    ):
        op.drop_table(name)


IDENTITY_COLUMNS = [
    sa.Column("id", KEY, nullable=False),
    sa.Column("customer_id", KEY, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("namespace", TEXT, nullable=False),
    sa.Column("value", TEXT, nullable=False),
    sa.Column("verification", TEXT, nullable=False),
    sa.Column("source", TEXT, nullable=False),
    sa.Column("first_seen_at", INSTANT, nullable=False),
    sa.Column("last_seen_at", INSTANT, nullable=False),
]
CLAIMED = "verification = 'UNVERIFIED' AND kind = 'EMAIL'"
KINDS = ("EMAIL", "PHONE", "SOCIAL_HANDLE", "EXTERNAL_ACCOUNT", "DEVICE", "VISITOR")
VERIFICATIONS = ("UNVERIFIED", "PENDING", "VERIFIED", "REVOKED")

FILL = (
    """
    INSERT INTO customer_records (id, canonical_id, external_id, email, phone, given_name, family_name, locale,
        time_zone, birth_date, country, emptied, version, created_at, updated_at)
    SELECT id, id, external_id, email, phone, given_name, family_name, locale,
        time_zone, birth_date, country, '[]', version, created_at, updated_at FROM customers
    """,
    *(
        f"""
        UPDATE customer_spendings SET {side}_order_at = (
            SELECT {least}(placed_at) FROM orders
            WHERE orders.customer_id = customer_spendings.customer_id AND cancelled_at IS NULL
                AND orders.currency_code = customer_spendings.currency_code
        )
        """
        for side, least in (("first", "min"), ("last", "max"))
    ),
    """
    INSERT INTO timeline_entries (id, kind, customer_id, occurred_at)
    SELECT id, 'ORDER', customer_id, placed_at FROM orders WHERE customer_id IS NOT NULL
    """,
    """
    INSERT INTO timeline_entries (id, kind, customer_id, occurred_at)
    SELECT id, 'CREDIT_NOTE', customer_id, issued_at FROM credit_notes WHERE customer_id IS NOT NULL
    """,
)


def _one_of(column: str, choices: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return f"{column} IN ({listed})"


def _change_identities(*, sources: tuple[str, ...], columns: list[sa.Column]) -> None:
    """Give the table these columns and sources.

    SQLite cannot change a CHECK: the rows move to a new table under the old name. Nothing refers to them.
    """
    for name in ("customer_id", "value"):
        op.drop_index(f"ix_customer_identities_{name}", table_name="customer_identities")
    for name in ("verified", "claimed"):
        op.drop_index(f"uq_customer_identities_{name}", table_name="customer_identities")
    kept = ", ".join(column.name for column in IDENTITY_COLUMNS)
    op.rename_table("customer_identities", "old_identities")
    if op.get_bind().dialect.name == "postgresql":  # names of constraints are the schema's there
        for constraint in ("pk_customer_identities", "fk_customer_identities_customer_id"):
            op.execute(f"ALTER TABLE old_identities RENAME CONSTRAINT {constraint} TO old_{constraint}")
    op.create_table(
        "customer_identities",
        *(column._copy() for column in columns),  # noqa: SLF001  a column belongs to one table
        sa.CheckConstraint(_one_of("kind", KINDS), name="ck_customer_identities_kind"),
        sa.CheckConstraint(_one_of("verification", VERIFICATIONS), name="ck_customer_identities_verification"),
        sa.CheckConstraint(_one_of("source", sources), name="ck_customer_identities_source"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_identities_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customer_identities"),
        sqlite_strict=True,
    )
    op.execute(f"INSERT INTO customer_identities ({kept}) SELECT {kept} FROM old_identities")
    op.drop_table("old_identities")


def _index_identities(*, verified: str, claimed: str) -> None:
    op.create_index("ix_customer_identities_customer_id", "customer_identities", ["customer_id"])
    op.create_index("ix_customer_identities_value", "customer_identities", ["kind", "namespace", "value"])
    for name, columns, where in (
        ("verified", ["kind", "namespace", "value"], verified),
        ("claimed", ["value", "source"], claimed),
    ):
        op.create_index(
            f"uq_customer_identities_{name}",
            "customer_identities",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _index_terms(**columns: list[str]) -> None:
    for name, indexed in columns.items():
        op.drop_index(f"ix_customer_terms_{name}", table_name="customer_terms")
        op.create_index(f"ix_customer_terms_{name}", "customer_terms", indexed)
