"""Ideas, and what the SDK keeps beside them."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op)
    words = ("tenant", "idea_id", "citizen_id", "words")
    op.create_table(
        "ideas",
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "idea_id", name="pk_ideas"),
    )
    op.create_index("ix_ideas_tenant_citizen_id", "ideas", ["tenant", "citizen_id"])
    enable_rls(op, "ideas")


def downgrade() -> None:
    op.drop_table("ideas")
    drop_runtime_tables(op)
