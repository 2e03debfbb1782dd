"""Which languages a municipality offers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    languages = sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    op.add_column("tenants", languages)


def downgrade() -> None:
    op.drop_column("tenants", "languages")
