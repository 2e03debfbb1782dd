"""The truth per message."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATES = "state IN ('requested', 'held', 'refused', 'accepted', 'failed', 'unknown', 'expired', 'superseded')"


def upgrade() -> None:
    create_runtime_tables(op)
    words = ("tenant", "delivery_id", "citizen_id", "channel", "cause", "thread")
    op.create_table(
        "deliveries",
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "delivery_id", name="pk_deliveries"),
        sa.CheckConstraint(STATES, name="ck_deliveries_state"),
        sa.CheckConstraint("(state = 'held') = (held_request <> '')", name="ck_deliveries_held_words"),
    )
    op.create_index("ix_deliveries_tenant_thread", "deliveries", ["tenant", "thread", "version"])
    op.create_index(
        "ix_deliveries_tenant_held_until",
        "deliveries",
        ["tenant", "held_until"],
        postgresql_where=sa.text("state = 'held'"),
    )
    enable_rls(op, "deliveries")


def downgrade() -> None:
    op.drop_table("deliveries")
    drop_runtime_tables(op)
