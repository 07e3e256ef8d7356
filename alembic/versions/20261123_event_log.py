"""The event log as readers follow it: where it begins and ends, in which life of the database, and what has no number.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0010
After: 0009
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text()


def upgrade() -> None:
    """Make the change."""
    op.add_column("event_heads", sa.Column("kept_from", WHOLE, nullable=False, server_default="1"))
    op.add_column("event_heads", sa.Column("epoch", TEXT, nullable=False, server_default=""))
    op.create_index(
        "ix_events_fresh",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seq IS NULL"),
        postgresql_where=sa.text("seq IS NULL"),
    )
    # A database that has written nothing yet has no head; from now on every database has one.
    op.execute("INSERT INTO event_heads (id, seq) SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM event_heads)")
    op.get_bind().execute(sa.text("UPDATE event_heads SET epoch = :epoch"), {"epoch": secrets.token_hex(8)})
    if op.get_bind().dialect.name == "postgresql":  # where the log ends is nobody's secret
        op.execute("GRANT SELECT ON event_heads TO sportello_narrowed")


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("REVOKE SELECT ON event_heads FROM sportello_narrowed")
    op.drop_index("ix_events_fresh", table_name="events")
    op.drop_column("event_heads", "epoch")
    op.drop_column("event_heads", "kept_from")
