"""What is to be sent to residents on Slack."""

from alembic import op

from machi_sdk.migrating import create_deliveries, drop_deliveries

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_deliveries(op)


def downgrade() -> None:
    drop_deliveries(op)
