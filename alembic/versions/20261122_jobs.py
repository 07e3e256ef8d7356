"""Jobs that are done in the background.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
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
        "jobs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("run_at", INSTANT, nullable=False),
        sa.Column("attempt_count", WHOLE, nullable=False),
        sa.Column("fence", WHOLE, nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("schedule", TEXT, nullable=True),
        sa.Column("planned_at", INSTANT, nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('READY', 'RUNNING', 'DONE', 'DEAD')", name="ck_jobs_state"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_strict=True,
    )
    op.create_index("ix_jobs_run_at", "jobs", ["state", "run_at", "id"])
    op.create_index("ix_jobs_lease_until", "jobs", ["state", "lease_until"])
    op.create_index("ix_jobs_finished_at", "jobs", ["state", "finished_at"])
    op.create_index(
        "uq_jobs_planned",
        "jobs",
        ["schedule", "planned_at"],
        unique=True,
        sqlite_where=sa.text("schedule IS NOT NULL"),
        postgresql_where=sa.text("schedule IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("jobs")
