"""What was written, and the effects it had."""

from alembic import op

from benchmarks.tally.tables import METADATA
from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op)
    METADATA.create_all(op.get_bind())
    enable_rls(op, "written")
    enable_rls(op, "effects")


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
    drop_runtime_tables(op)
