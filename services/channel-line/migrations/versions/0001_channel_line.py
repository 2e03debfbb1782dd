"""Deliveries, rich menus, and who sees which."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("deliveries", "menus", "menu_links")


def upgrade() -> None:
    create_runtime_tables(op)
    op.execute("CREATE SEQUENCE deliveries_seq")
    _create_deliveries()
    _create_menus()
    for table in TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP SEQUENCE deliveries_seq")
    drop_runtime_tables(op)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        _text("tenant"),
        _text("delivery_id"),
        sa.Column("seq", sa.BigInteger(), nullable=False, server_default=sa.text("nextval('deliveries_seq')")),
        _text("citizen_id"),
        _text("thread"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
        _text("state"),
        _text("reason"),
        _number("tries"),
        _moment("send_before"),
        _moment("due_at"),
        _moment("first_post_at", nullable=True),
        _moment("concluded_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "delivery_id", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_tenant_citizen_id_seq",
        "deliveries",
        ["tenant", "citizen_id", "seq"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_deliveries_tenant_thread", "deliveries", ["tenant", "thread", "version"])
    op.create_index("ix_deliveries_tenant_concluded_at", "deliveries", ["tenant", "concluded_at"])


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
