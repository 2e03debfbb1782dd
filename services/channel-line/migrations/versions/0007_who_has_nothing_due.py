"""Who has another menu than the one of their language, and nothing due, is found without reading everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_menu_links_settled",
        "menu_links",
        ["tenant", "language", "menu_id"],
        postgresql_where=sa.text("due_at = 'infinity' AND NOT waits"),
    )


def downgrade() -> None:
    op.drop_index("ix_menu_links_settled", "menu_links")
