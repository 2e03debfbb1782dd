"""Whom nobody may be reached for keeps the menu they have, until they write again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("menu_links", sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_menu_links_waiting", "menu_links", ["tenant"], postgresql_where=sa.text("waits"))


def downgrade() -> None:
    op.drop_index("ix_menu_links_waiting", "menu_links")
    op.drop_column("menu_links", "waits")
