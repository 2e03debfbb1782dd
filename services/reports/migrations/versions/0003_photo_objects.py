"""Photos lie in the object store; rows name them. Rows that still hold their bytes are moved by the running pod.

The way down forgets where moved photos lie.
"""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBERS = ("position", "whole_size", "thumbnail_size")
TEXTS = ("object_key", "whole_sha256", "thumbnail_sha256", "removal")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name in NUMBERS:
        op.add_column("photos", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in TEXTS:
        op.add_column("photos", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("photos", sa.Column("removed_at", MOMENT, nullable=True))
    _index_where("ix_photos_kept", "photos", ["tenant", "stored_at"], "removed_at IS NULL")
    _index_where("ix_photos_unmoved", "photos", ["tenant", "photo_id"], "jpeg IS NOT NULL")
    op.add_column("reports", sa.Column("closed_at", MOMENT, nullable=True))
    op.create_table(
        "photo_objects",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("sweep_at", MOMENT, nullable=True),
        sa.Column("doomed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "object_key", name="pk_photo_objects"),
    )
    _index_where("ix_photo_objects_tenant_sweep_at", "photo_objects", ["tenant", "sweep_at"], "sweep_at IS NOT NULL")
    enable_rls(op, "photo_objects")


def downgrade() -> None:
    op.drop_table("photo_objects")
    op.drop_column("reports", "closed_at")
    for name in ("ix_photos_unmoved", "ix_photos_kept"):
        op.drop_index(name, "photos")
    for name in (*NUMBERS, *TEXTS, "removed_at"):
        op.drop_column("photos", name)


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(condition))
