"""Which member of staff made a token for a customer.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.add_column("sessions", sa.Column("staff_member_id", KEY, nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("sessions", "staff_member_id")
