"""What is to be shown is found by one index, however many cards were shown before."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    to_show = sa.text("wanted > shown OR held")
    op.create_index("ix_cards_to_show", "cards", ["tenant", "desk_id", "due_at"], postgresql_where=to_show)
    op.drop_index("ix_cards_held", "cards")
    op.drop_index("ix_cards_tenant_due_at", "cards")


def downgrade() -> None:
    due = sa.text("wanted > shown")
    op.create_index("ix_cards_tenant_due_at", "cards", ["tenant", "due_at"], postgresql_where=due)
    op.create_index("ix_cards_held", "cards", ["tenant", "desk_id", "due_at"], postgresql_where=sa.text("held"))
    op.drop_index("ix_cards_to_show", "cards")
