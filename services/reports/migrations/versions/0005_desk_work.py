"""Who holds a case, and which other case it is the same as."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = "state IN ('filed', 'acknowledged', 'asked', 'answered', 'resolved', 'rejected', 'reopened')"
STATES = "state IN ('filed', 'acknowledged', 'asked', 'answered', 'resolved', 'rejected', 'reopened', 'duplicate')"
OPEN = "state IN ('filed', 'acknowledged', 'asked', 'answered', 'reopened')"


def upgrade() -> None:
    for name in ("assignee_id", "leading_id"):
        op.add_column("reports", sa.Column(name, sa.String(), nullable=False, server_default=""))
    _allow(STATES)
    _index_where("ix_reports_tenant_leading_id", ["tenant", "leading_id"], "leading_id <> ''")
    _index_where("ix_reports_open_at_desk", ["tenant", "desk_id", "filed_at"], OPEN)
    _index_where("ix_reports_open_near", ["tenant", "category_code", "latitude"], OPEN)


def downgrade() -> None:
    for name in ("ix_reports_open_near", "ix_reports_open_at_desk", "ix_reports_tenant_leading_id"):
        op.drop_index(name, "reports")
    op.execute("ALTER TABLE reports NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE reports SET state = 'resolved' WHERE state = 'duplicate'")
    op.execute("ALTER TABLE reports FORCE ROW LEVEL SECURITY")
    _allow(BEFORE)
    for name in ("leading_id", "assignee_id"):
        op.drop_column("reports", name)


def _allow(states: str) -> None:
    op.drop_constraint(op.f("ck_reports_state"), "reports", type_="check")
    op.create_check_constraint(op.f("ck_reports_state"), "reports", states)


def _index_where(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "reports", columns, postgresql_where=sa.text(condition))
