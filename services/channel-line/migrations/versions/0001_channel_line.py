"""Deliveries, rich menus, and who sees which."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import (
    create_deliveries,
    create_runtime_tables,
    drop_deliveries,
    drop_runtime_tables,
    enable_rls,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("menus", "menu_links")


def upgrade() -> None:
    create_runtime_tables(op)
    create_deliveries(op)
    _create_menus()
    for table in TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    drop_deliveries(op)
    drop_runtime_tables(op)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_menus() -> None:
    op.create_table(
        "menus",
        _text("tenant"),
        _text("menu_id"),
        _text("language"),
        _text("hash"),
        _text("state"),
        sa.PrimaryKeyConstraint("tenant", "menu_id", name="pk_menus"),
    )
    op.create_table(
        "menu_links",
        _text("tenant"),
        _text("citizen_id"),
        _text("language"),
        _text("event_id"),
        _text("menu_id"),
        _number("tries"),
        _moment("due_at"),
        sa.PrimaryKeyConstraint("tenant", "citizen_id", name="pk_menu_links"),
    )
    op.create_index("ix_menu_links_tenant_due_at", "menu_links", ["tenant", "due_at"])
