"""Which days were summed up for the desks, and a way to open cases by age."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = sa.text("state NOT IN ('resolved', 'rejected', 'duplicate')")


def upgrade() -> None:
    op.create_table(
        "summaries",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day", name="pk_summaries"),
    )
    op.create_index("ix_reports_open", "reports", ["tenant", "filed_at"], postgresql_where=OPEN)
    enable_rls(op, "summaries")


def downgrade() -> None:
    op.drop_index("ix_reports_open", "reports")
    op.drop_table("summaries")
