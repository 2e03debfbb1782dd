"""Citizens, links, consent ledger, access log, staff, and the registry of installed pods."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = ("tenants", "desks", "staff", "citizens", "links", "consents", "consent_ledger", "accesses")
APPEND_ONLY = ("consent_ledger", "accesses")
STATUSES = "status IN ('given', 'refused', 'withdrawn')"


def upgrade() -> None:
    create_runtime_tables(op)
    _create_city()
    _create_people()
    _create_consents()
    _create_accesses()
    _create_pods()
    for table in TENANT_TABLES:
        enable_rls(op, table)
    _refuse_changes()


def downgrade() -> None:
    for table in ("notices", "pods", "accesses", "consent_ledger", "consents", "links", "citizens", "staff", "desks"):
        op.drop_table(table)
    op.drop_table("tenants")
    op.execute("DROP FUNCTION refuse_change()")
    drop_runtime_tables(op)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _per_language(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _list(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False)


def _create_city() -> None:
    op.create_table(
        "tenants",
        _text("tenant"),
        _per_language("names"),
        _text("default_language"),
        _text("time_zone"),
        sa.PrimaryKeyConstraint("tenant", name="pk_tenants"),
    )
    op.create_table(
        "desks",
        _text("tenant"),
        _text("desk_id"),
        _text("name"),
        _per_language("titles"),
        _text("phone"),
        _text("language"),
        sa.PrimaryKeyConstraint("tenant", "desk_id", name="pk_desks"),
        sa.UniqueConstraint("tenant", "name", name="uq_desks_tenant_name"),
    )
    op.create_table(
        "staff",
        _text("tenant"),
        _text("staff_id"),
        _text("display_name"),
        _list("roles"),
        _list("desk_ids"),
        _text("slack_address"),
        sa.PrimaryKeyConstraint("tenant", "staff_id", name="pk_staff"),
    )
    op.create_index(
        "uq_staff_tenant_slack_address",
        "staff",
        ["tenant", "slack_address"],
        unique=True,
        postgresql_where=sa.text("slack_address <> ''"),
    )


def _create_people() -> None:
    op.create_table(
        "citizens",
        _text("tenant"),
        _text("citizen_id"),
        _text("language", nullable=True),
        _text("ward_code", nullable=True),
        _text("focus_pod"),
        _text("focus_session_id"),
        _number("focus_version"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("tenant", "citizen_id", name="pk_citizens"),
    )
    op.create_table(
        "links",
        _text("tenant"),
        _text("channel"),
        _text("address"),
        _text("citizen_id"),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        _moment("heard_at"),
        sa.PrimaryKeyConstraint("tenant", "channel", "address", name="pk_links"),
        sa.ForeignKeyConstraint(
            ["tenant", "citizen_id"], ["citizens.tenant", "citizens.citizen_id"], name="fk_links_citizen"
        ),
    )
    op.create_index("ix_links_tenant_citizen_id_channel", "links", ["tenant", "citizen_id", "channel"])


def _create_consents() -> None:
    op.create_table(
        "consents",
        _text("tenant"),
        _text("citizen_id"),
        _text("purpose"),
        _number("notice_version"),
        _text("status"),
        _moment("decided_at"),
        _number("version"),
        sa.PrimaryKeyConstraint("tenant", "citizen_id", "purpose", name="pk_consents"),
        sa.CheckConstraint(STATUSES, name="ck_consents_status"),
    )
    op.create_table(
        "consent_ledger",
        _text("tenant"),
        _text("receipt_id"),
        _text("event_id"),
        _text("citizen_id"),
        _text("purpose"),
        _number("notice_version"),
        _text("status"),
        _text("channel"),
        _moment("decided_at"),
        _number("version"),
        sa.PrimaryKeyConstraint("tenant", "receipt_id", name="pk_consent_ledger"),
        sa.CheckConstraint(STATUSES, name="ck_consent_ledger_status"),
        sa.UniqueConstraint("tenant", "event_id", name="uq_consent_ledger_tenant_event_id"),
        sa.UniqueConstraint("tenant", "citizen_id", "purpose", "version", name="uq_consent_ledger_tenant_decision"),
    )


def _create_accesses() -> None:
    op.create_table(
        "accesses",
        _text("tenant"),
        _text("access_id"),
        _text("citizen_id"),
        _text("caller"),
        _text("channel"),
        _text("basis"),
        _text("purpose"),
        _text("reference_id"),
        _text("verdict"),
        _moment("at"),
        sa.PrimaryKeyConstraint("tenant", "access_id", name="pk_accesses"),
    )
    op.create_index("ix_accesses_tenant_citizen_id_at", "accesses", ["tenant", "citizen_id", "at"])


def _create_pods() -> None:
    op.create_table(
        "pods",
        _text("pod"),
        _text("manifest_hash"),
        _text("manifest_json"),
        _moment("installed_at"),
        sa.PrimaryKeyConstraint("pod", name="pk_pods"),
    )
    op.create_table(
        "notices",
        _text("purpose"),
        _number("version"),
        _text("pod"),
        _per_language("title"),
        _per_language("benefit"),
        _per_language("text"),
        sa.PrimaryKeyConstraint("purpose", "version", name="pk_notices"),
        sa.ForeignKeyConstraint(["pod"], ["pods.pod"], name="fk_notices_pod"),
    )
    op.create_index("ix_notices_pod", "notices", ["pod"])


def _refuse_changes() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
