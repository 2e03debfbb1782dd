"""What people said is found by its age while it is kept, and an answer knows which focus it was given to."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op, shape=2)


def downgrade() -> None:
    """The column and the index go with their table."""
