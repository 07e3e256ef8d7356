"""Who was erased, and the exports of what is known of a person.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text()
KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")
ROLE = "sportello_narrowed"
FAMILY = """
CREATE OR REPLACE FUNCTION sportello_family() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(theirs.id), '{{}}')
  FROM customer_records own JOIN customer_records theirs ON theirs.canonical_id = own.canonical_id
  WHERE own.id = nullif(current_setting('sportello.customer_id', true), '')::uuid{condition}
$$"""

INSTANT = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.add_column("customer_records", sa.Column("erased_at", INSTANT, nullable=True))
    op.create_table(
        "customer_exports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", KEY, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('PENDING', 'READY', 'EXPIRED', 'FAILED')", name="ck_customer_exports_state"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_exports_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customer_exports"),
        sqlite_strict=True,
    )
    op.create_index("ix_customer_exports_customer_id", "customer_exports", ["customer_id", "state"])
    op.create_index("ix_customer_exports_expires_at", "customer_exports", ["expires_at"])
    op.create_index(
        "ix_audit_entries_customer",
        "audit_entries",
        ["actor_id"],
        sqlite_where=sa.text("actor_kind = 'CUSTOMER'"),
        postgresql_where=sa.text("actor_kind = 'CUSTOMER'"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FAMILY.format(condition=" AND own.erased_at IS NULL"))
        op.execute("ALTER TABLE customer_exports ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY narrowed ON customer_exports FOR SELECT TO {ROLE} USING "
            "(actor_kind = 'CUSTOMER' AND actor_id = ANY ((SELECT sportello_family())::uuid[]))"
        )
        op.execute(f"GRANT SELECT ON customer_exports TO {ROLE}")


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FAMILY.format(condition=""))
    op.drop_index("ix_audit_entries_customer", "audit_entries")
    op.drop_table("customer_exports")
    op.drop_column("customer_records", "erased_at")
