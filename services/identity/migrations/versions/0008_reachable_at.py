"""When a platform said whether it reaches an address: older news that comes later changes nothing.

A parked record is known by its event, too: a broker that was made anew counts from 0 again.
"""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op, shape=1)
    op.add_column("links", sa.Column("reachable_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("links", "reachable_at")
