"""Linking channels: aliases, one-time codes, when a language was chosen, one address per person and channel."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls, upgrade_runtime_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("link_codes", "link_misses")


def upgrade() -> None:
    upgrade_runtime_tables(op)
    op.add_column("citizens", _moment("language_at", nullable=True))
    op.drop_index("ix_links_tenant_citizen_id_channel", "links")
    op.create_unique_constraint("uq_links_tenant_citizen_id_channel", "links", ["tenant", "citizen_id", "channel"])
    op.create_table(
        "link_codes",
        *(_text(name) for name in ("tenant", "citizen_id", "code_hash", "channel")),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "citizen_id", name="pk_link_codes"),
        sa.UniqueConstraint("tenant", "code_hash", name="uq_link_codes_tenant_code_hash"),
    )
    op.create_table(
        "link_misses",
        *(_text(name) for name in ("tenant", "citizen_id")),
        sa.Column("count", sa.Integer(), nullable=False),
        _text("last_event"),
        _moment("last_at"),
        _moment("paused_until", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "citizen_id", name="pk_link_misses"),
    )
    for table in TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_constraint("uq_links_tenant_citizen_id_channel", "links")
    op.create_index("ix_links_tenant_citizen_id_channel", "links", ["tenant", "citizen_id", "channel"])
    op.drop_column("citizens", "language_at")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
