"""Of how many people personal data were read at once.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

Revision: 0008
After: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.add_column("audit_entries", sa.Column("person_count", WHOLE, nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("audit_entries", "person_count")
