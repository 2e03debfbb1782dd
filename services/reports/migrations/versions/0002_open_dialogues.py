"""A person's open dialogues are found by an index."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op)


def downgrade() -> None:
    """The index goes with its table."""
