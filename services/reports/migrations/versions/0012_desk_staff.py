"""Who works at which desk, as cards were last told."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_staff",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "desk_id", name="pk_desk_staff"),
    )
    enable_rls(op, "desk_staff")


def downgrade() -> None:
    op.drop_table("desk_staff")
