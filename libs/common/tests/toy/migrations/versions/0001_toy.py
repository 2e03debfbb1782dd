"""Notes, one per tenant and text; a diary that only grows."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op)
    op.create_table(
        "notes",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("tenant", "note", name="pk_notes"),
        sa.UniqueConstraint("tenant", "author", "note", name="uq_notes_tenant_author_note"),
    )
    op.create_table(
        "diary",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("line", name="pk_diary"),
    )
    enable_rls(op, "notes")
    enable_rls(op, "diary")


def downgrade() -> None:
    op.drop_table("diary")
    op.drop_table("notes")
    drop_runtime_tables(op)
