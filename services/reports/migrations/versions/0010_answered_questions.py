"""An answer names the question that it was given to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("updates", sa.Column("question_id", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("updates", "question_id")
