"""Code from before the languages puts a municipality without naming any: beside new pods, and after a rollback."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("tenants", "languages", server_default="{}")


def downgrade() -> None:
    """The default does no harm to the code before it."""
