"""People who go by another id since two of their channels were linked."""

from alembic import op

from machi_sdk.migrating import upgrade_runtime_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_runtime_tables(op)
    op.create_index("ix_photos_tenant_citizen_id", "photos", ["tenant", "citizen_id"])


def downgrade() -> None:
    op.drop_index("ix_photos_tenant_citizen_id", "photos")
