"""A parked record is known by its event, too: a broker that was made anew counts from 0 again."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op, shape=1)


def downgrade() -> None:
    """The index goes with its table."""
