"""Who has which menu is found without reading everybody."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_menu_links_tenant_menu_id", "menu_links", ["tenant", "menu_id"])


def downgrade() -> None:
    op.drop_index("ix_menu_links_tenant_menu_id", "menu_links")
