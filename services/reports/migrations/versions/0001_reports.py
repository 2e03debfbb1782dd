"""Reports, their conversation and history, photos, accesses, catalogues."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("reports", "updates", "steps", "photos", "accesses", "catalogues")
STATES = "state IN ('filed', 'acknowledged', 'asked', 'answered', 'resolved', 'rejected', 'reopened')"


def upgrade() -> None:
    create_runtime_tables(op)
    _create_reports()
    _create_updates()
    _create_steps()
    _create_photos()
    _create_accesses_and_catalogues()
    for table in TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    drop_runtime_tables(op)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_report(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant", "report_id"], ["reports.tenant", "reports.report_id"], name=name)


def _create_reports() -> None:
    op.create_table(
        "reports",
        *map(_text, ("tenant", "report_id", "case_number", "citizen_id")),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("category_code"),
        sa.Column("details", JSONB(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        *map(_text, ("place_title", "address", "place_event_id", "ward_code", "desk_id", "state")),
        sa.Column("messages_allowed", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        _moment("reopen_before", nullable=True),
        _text("trace_id"),
        _moment("filed_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("tenant", "report_id", name="pk_reports"),
        sa.UniqueConstraint("tenant", "case_number", name="uq_reports_tenant_case_number"),
        sa.CheckConstraint(STATES, name=op.f("ck_reports_state")),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_reports_score")),
    )
    op.create_index("ix_reports_tenant_citizen_id_filed_at", "reports", ["tenant", "citizen_id", "filed_at"])
    _index_where("ix_reports_tenant_place_event_id", "reports", ["tenant", "place_event_id"], "place_event_id <> ''")


def _create_updates() -> None:
    op.create_table(
        "updates",
        *map(_text, ("tenant", "update_id", "report_id", "kind", "text", "staff_id", "staff_name", "event_id")),
        sa.Column("retracted", sa.Boolean(), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("tenant", "update_id", name="pk_updates"),
        _of_report("fk_updates_report"),
    )
    op.create_index("ix_updates_tenant_report_id_at", "updates", ["tenant", "report_id", "at"])
    _index_where("ix_updates_tenant_event_id", "updates", ["tenant", "event_id"], "event_id <> ''")


def _create_steps() -> None:
    op.create_table(
        "steps",
        *map(_text, ("tenant", "report_id")),
        sa.Column("version", sa.Integer(), nullable=False),
        *map(_text, ("move", "state", "desk_id", "from_desk_id", "staff_id", "staff_name", "update_id")),
        _moment("at"),
        sa.PrimaryKeyConstraint("tenant", "report_id", "version", name="pk_steps"),
        _of_report("fk_steps_report"),
    )


def _create_photos() -> None:
    op.create_table(
        "photos",
        *map(_text, ("tenant", "photo_id", "citizen_id", "event_id")),
        sa.Column("report_id", sa.String(), nullable=True),
        sa.Column("jpeg", sa.LargeBinary(), nullable=True),
        _moment("stored_at"),
        sa.PrimaryKeyConstraint("tenant", "photo_id", name="pk_photos"),
        sa.UniqueConstraint("tenant", "event_id", name="uq_photos_tenant_event_id"),
        _of_report("fk_photos_report"),
    )
    op.create_index("ix_photos_tenant_report_id", "photos", ["tenant", "report_id"])
    _index_where("ix_photos_loose", "photos", ["tenant", "stored_at"], "report_id IS NULL")


def _create_accesses_and_catalogues() -> None:
    op.create_table(
        "accesses",
        *map(_text, ("tenant", "access_id", "report_id", "what", "reader")),
        _moment("at"),
        sa.PrimaryKeyConstraint("tenant", "access_id", name="pk_accesses"),
    )
    op.create_index("ix_accesses_tenant_report_id_at", "accesses", ["tenant", "report_id", "at"])
    op.create_table(
        "catalogues",
        _text("tenant"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        _moment("put_at"),
        sa.PrimaryKeyConstraint("tenant", "version", name="pk_catalogues"),
    )


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(condition))
