"""Which rich menus are the oldest, so that those who never come back keep only the newest from being removed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made_at = sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    op.add_column("menus", made_at)


def downgrade() -> None:
    op.drop_column("menus", "made_at")
