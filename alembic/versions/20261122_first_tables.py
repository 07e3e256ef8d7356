"""First tables.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0001
After:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
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
        "api_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("permissions", DOCUMENT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
        sqlite_strict=True,
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", KEY, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sqlite_strict=True,
    )
    op.create_index("ix_audit_entries_occurred_at", "audit_entries", ["occurred_at"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("given_name", TEXT, nullable=True),
        sa.Column("family_name", TEXT, nullable=True),
        sa.Column("locale", TEXT, nullable=True),
        sa.Column("time_zone", TEXT, nullable=True),
        sa.Column("birth_date", DAY, nullable=True),
        sa.Column("country", TEXT, nullable=True),
        sa.Column("sort_name", SORTED, nullable=False),
        sa.Column("rank_key", SORTED, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("order_count", WHOLE, nullable=False),
        sa.Column("net_spent", AMOUNT, nullable=False),
        sa.Column("first_order_at", INSTANT, nullable=True),
        sa.Column("last_order_at", INSTANT, nullable=True),
        sa.Column("last_order_key", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sqlite_strict=True,
    )
    op.create_index("ix_customers_country", "customers", ["country", "id"], unique=False)
    op.create_index("ix_customers_created_at", "customers", ["created_at", "id"], unique=False)
    op.create_index("ix_customers_last_order_key", "customers", ["last_order_key", "rank_key", "id"], unique=False)
    op.create_index("ix_customers_net_spent", "customers", ["net_spent", "rank_key", "id"], unique=False)
    op.create_index("ix_customers_order_count", "customers", ["order_count", "rank_key", "id"], unique=False)
    op.create_index(
        "ix_customers_ranked",
        "customers",
        ["net_spent", "rank_key", "id"],
        unique=False,
        sqlite_where=sa.text("order_count > 0"),
        postgresql_where=sa.text("order_count > 0"),
    )
    op.create_index("ix_customers_sort_name", "customers", ["sort_name", "id"], unique=False)
    op.create_index("ix_customers_updated_at", "customers", ["updated_at", "id"], unique=False)
    op.create_table(
        "event_heads",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_event_heads_single"),
        sa.PrimaryKeyConstraint("id", name="pk_event_heads"),
        sqlite_strict=True,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("input_hash", TEXT, nullable=False),
        sa.Column("answer_id", KEY, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
        sqlite_strict=True,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "import_runs",
        sa.Column("file_hash", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("rows_done", WHOLE, nullable=False),
        sa.Column("counts", DOCUMENT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("file_hash", "format", name="pk_import_runs"),
        sqlite_strict=True,
    )
    op.create_table(
        "stores",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("country", TEXT, nullable=False),
        sa.Column("locale", TEXT, nullable=False),
        sa.Column("currency_code", TEXT, nullable=False),
        sa.Column("time_zone", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stores"),
        sa.UniqueConstraint("code", name="uq_stores_code"),
        sqlite_strict=True,
    )
    op.create_table(
        "value_rankings",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("currency_code", TEXT, nullable=False),
        sa.Column("customer_count", WHOLE, nullable=False),
        sa.Column("boundaries", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_value_rankings"),
        sqlite_strict=True,
    )
    op.create_table(
        "customer_identities",
        sa.Column("id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("verification", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('EMAIL', 'PHONE', 'SOCIAL_HANDLE', 'EXTERNAL_ACCOUNT', 'DEVICE', 'VISITOR')",
            name="ck_customer_identities_kind",
        ),
        sa.CheckConstraint("source IN ('PROFILE', 'ORDER')", name="ck_customer_identities_source"),
        sa.CheckConstraint(
            "verification IN ('UNVERIFIED', 'PENDING', 'VERIFIED', 'REVOKED')",
            name="ck_customer_identities_verification",
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_identities_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customer_identities"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_identities_customer_id", "customer_identities", ["customer_id"], unique=False)
    op.create_index("ix_customer_identities_value", "customer_identities", ["kind", "namespace", "value"], unique=False)
    op.create_index(
        "uq_customer_identities_claimed",
        "customer_identities",
        ["value", "source"],
        unique=True,
        sqlite_where=sa.text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
        postgresql_where=sa.text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
    )
    op.create_index(
        "uq_customer_identities_verified",
        "customer_identities",
        ["kind", "namespace", "value"],
        unique=True,
        sqlite_where=sa.text("verification = 'VERIFIED'"),
        postgresql_where=sa.text("verification = 'VERIFIED'"),
    )
    op.create_table(
        "customer_spendings",
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("currency_code", TEXT, nullable=False),
        sa.Column("order_count", WHOLE, nullable=False),
        sa.Column("ordered", AMOUNT, nullable=False),
        sa.Column("credited", AMOUNT, nullable=False),
        sa.Column("net", AMOUNT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_spendings_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", "currency_code", name="pk_customer_spendings"),
        sqlite_strict=True,
    )
    op.create_table(
        "customer_tags",
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_tags_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", "tag", name="pk_customer_tags"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_tags_tag", "customer_tags", ["tag", "customer_id"], unique=False)
    op.create_table(
        "customer_terms",
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("term", SORTED, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.CheckConstraint(
            "kind IN ('NAME', 'EMAIL', 'PHONE', 'EXTERNAL_ID', 'ORDER_NUMBER')", name="ck_customer_terms_kind"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_terms_customer_id"),
        sa.PrimaryKeyConstraint("subject_id", "kind", "term", name="pk_customer_terms"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_terms_customer_id", "customer_terms", ["customer_id"], unique=False)
    op.create_index("ix_customer_terms_term", "customer_terms", ["term", "customer_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("seq", WHOLE, nullable=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("subjects", DOCUMENT, nullable=False),
        sa.Column("audit_id", KEY, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit_entries.id"], name="fk_events_audit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("seq", name="uq_events_seq"),
        sqlite_strict=True,
    )
    op.create_index("ix_events_audit_id", "events", ["audit_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("number", SORTED, nullable=False),
        sa.Column("store_id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("contact_email", TEXT, nullable=True),
        sa.Column("contact_email_key", TEXT, nullable=True),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("currency_code", TEXT, nullable=False),
        sa.Column("shipping_country", TEXT, nullable=True),
        sa.Column("total", AMOUNT, nullable=False),
        sa.Column("shipping_total", AMOUNT, nullable=False),
        sa.Column("discount_total", AMOUNT, nullable=False),
        sa.Column("tax_total", AMOUNT, nullable=False),
        sa.Column("paid", AMOUNT, nullable=False),
        sa.Column("sequence", WHOLE, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('PLACED', 'PARTLY_SHIPPED', 'SHIPPED', 'PARTLY_DELIVERED', 'DELIVERED', 'CANCELLED')",
            name="ck_orders_state",
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_orders_customer_id"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_orders_store_id"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("external_id", name="uq_orders_external_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_orders_contact_email_key", "orders", ["contact_email_key", "placed_at"], unique=False)
    op.create_index("ix_orders_customer_id", "orders", ["customer_id", "placed_at", "id"], unique=False)
    op.create_index("ix_orders_number", "orders", ["number", "id"], unique=False)
    op.create_index("ix_orders_placed_at", "orders", ["placed_at", "id"], unique=False)
    op.create_index("ix_orders_store_id", "orders", ["store_id", "placed_at", "id"], unique=False)
    op.create_table(
        "credit_notes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("currency_code", TEXT, nullable=False),
        sa.Column("total", AMOUNT, nullable=False),
        sa.Column("sequence", WHOLE, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_credit_notes_customer_id"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_credit_notes_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_notes"),
        sa.UniqueConstraint("external_id", name="uq_credit_notes_external_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_credit_notes_customer_id", "credit_notes", ["customer_id", "issued_at", "id"], unique=False)
    op.create_index("ix_credit_notes_issued_at", "credit_notes", ["issued_at", "id"], unique=False)
    op.create_index("ix_credit_notes_order_id", "credit_notes", ["order_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("carrier", TEXT, nullable=True),
        sa.Column("tracking_number", TEXT, nullable=True),
        sa.Column("tracking_url", TEXT, nullable=True),
        sa.Column("shipped_at", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_deliveries_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sqlite_strict=True,
    )
    op.create_index("uq_deliveries_external_id", "deliveries", ["order_id", "external_id"], unique=True)
    op.create_table(
        "order_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("sku", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("delivered_quantity", WHOLE, nullable=False),
        sa.Column("returned_quantity", WHOLE, nullable=False),
        sa.Column("unit_price", AMOUNT, nullable=False),
        sa.Column("total", AMOUNT, nullable=False),
        sa.Column("image_url", TEXT, nullable=True),
        sa.Column("product_url", TEXT, nullable=True),
        sa.Column("is_returnable", FLAG, nullable=False),
        sa.Column("withdrawal_exception", TEXT, nullable=True),
        sa.CheckConstraint(
            "withdrawal_exception IN ('CUSTOM_MADE', 'PERISHABLE', 'UNSEALED_HYGIENE', 'UNSEALED_MEDIA', 'DIGITAL_BEGUN', 'DATED_SERVICE', 'OTHER')",
            name="ck_order_lines_withdrawal_exception",
        ),
        sa.CheckConstraint("delivered_quantity BETWEEN 0 AND quantity", name="ck_order_lines_delivered_quantity"),
        sa.CheckConstraint("quantity > 0", name="ck_order_lines_quantity"),
        sa.CheckConstraint("returned_quantity BETWEEN 0 AND quantity", name="ck_order_lines_returned_quantity"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sqlite_strict=True,
    )
    op.create_index("ix_order_lines_order_id", "order_lines", ["order_id", "position"], unique=False)
    op.create_table(
        "credit_note_lines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("credit_note_id", KEY, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("sku", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("unit_price", AMOUNT, nullable=False),
        sa.Column("total", AMOUNT, nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_credit_note_lines_quantity"),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_notes.id"], name="fk_credit_note_lines_credit_note_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_note_lines"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_credit_note_lines_credit_note_id", "credit_note_lines", ["credit_note_id", "position"], unique=False
    )
    op.create_table(
        "delivery_lines",
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("order_line_id", KEY, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_delivery_lines_quantity"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_delivery_lines_delivery_id"),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name="fk_delivery_lines_order_line_id"),
        sa.PrimaryKeyConstraint("delivery_id", "order_line_id", name="pk_delivery_lines"),
        sqlite_strict=True,
    )
    op.create_index("ix_delivery_lines_order_line_id", "delivery_lines", ["order_line_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_delivery_lines_order_line_id", table_name="delivery_lines")
    op.drop_table("delivery_lines")
    op.drop_index("ix_credit_note_lines_credit_note_id", table_name="credit_note_lines")
    op.drop_table("credit_note_lines")
    op.drop_index("ix_order_lines_order_id", table_name="order_lines")
    op.drop_table("order_lines")
    op.drop_index("uq_deliveries_external_id", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("ix_credit_notes_order_id", table_name="credit_notes")
    op.drop_index("ix_credit_notes_issued_at", table_name="credit_notes")
    op.drop_index("ix_credit_notes_customer_id", table_name="credit_notes")
    op.drop_table("credit_notes")
    op.drop_index("ix_orders_store_id", table_name="orders")
    op.drop_index("ix_orders_placed_at", table_name="orders")
    op.drop_index("ix_orders_number", table_name="orders")
    op.drop_index("ix_orders_customer_id", table_name="orders")
    op.drop_index("ix_orders_contact_email_key", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_events_audit_id", table_name="events")
    op.drop_table("events")
    op.drop_index("ix_customer_terms_term", table_name="customer_terms")
    op.drop_index("ix_customer_terms_customer_id", table_name="customer_terms")
    op.drop_table("customer_terms")
    op.drop_index("ix_customer_tags_tag", table_name="customer_tags")
    op.drop_table("customer_tags")
    op.drop_table("customer_spendings")
    op.drop_index(
        "uq_customer_identities_verified",
        table_name="customer_identities",
        sqlite_where=sa.text("verification = 'VERIFIED'"),
        postgresql_where=sa.text("verification = 'VERIFIED'"),
    )
    op.drop_index(
        "uq_customer_identities_claimed",
        table_name="customer_identities",
        sqlite_where=sa.text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
        postgresql_where=sa.text("verification = 'UNVERIFIED' AND kind = 'EMAIL'"),
    )
    op.drop_index("ix_customer_identities_value", table_name="customer_identities")
    op.drop_index("ix_customer_identities_customer_id", table_name="customer_identities")
    op.drop_table("customer_identities")
    op.drop_table("value_rankings")
    op.drop_table("stores")
    op.drop_table("import_runs")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("event_heads")
    op.drop_index("ix_customers_updated_at", table_name="customers")
    op.drop_index("ix_customers_sort_name", table_name="customers")
    op.drop_index(
        "ix_customers_ranked",
        table_name="customers",
        sqlite_where=sa.text("order_count > 0"),
        postgresql_where=sa.text("order_count > 0"),
    )
    op.drop_index("ix_customers_order_count", table_name="customers")
    op.drop_index("ix_customers_net_spent", table_name="customers")
    op.drop_index("ix_customers_last_order_key", table_name="customers")
    op.drop_index("ix_customers_created_at", table_name="customers")
    op.drop_index("ix_customers_country", table_name="customers")
    op.drop_table("customers")
    op.drop_index("ix_audit_entries_occurred_at", table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_table("api_keys")
