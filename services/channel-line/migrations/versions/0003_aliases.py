"""People who go by another id since two of their channels were linked."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op)
    op.execute("CREATE INDEX IF NOT EXISTS ix_deliveries_tenant_citizen_id ON deliveries (tenant, citizen_id)")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ix_deliveries_tenant_citizen_id")
