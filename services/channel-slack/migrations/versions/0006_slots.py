"""When a workspace was written to within the last minute, whichever process did it."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slots",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("slot_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "slot_id", name="pk_slots"),
    )
    enable_rls(op, "slots")


def downgrade() -> None:
    op.drop_table("slots")
