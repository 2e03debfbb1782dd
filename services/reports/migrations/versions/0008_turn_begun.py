"""What a turn begins with is asked by one statement."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op)


def downgrade() -> None:
    """The function goes with the tables it reads."""
