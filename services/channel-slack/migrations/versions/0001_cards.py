"""Which message shows which card, and what stands in its thread."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from machi_sdk.migrating import create_runtime_tables, drop_runtime_tables, enable_rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op)
    op.create_table(
        "cards",
        *(_text(name) for name in ("tenant", "card_id", "desk_id", "pod")),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("channel_id", "ts")),
        _moment("attempted_at", nullable=True),
        sa.Column("forms", JSONB(), nullable=False),
        sa.Column("trace", JSONB(), nullable=False),
        _moment("due_at"),
        sa.Column("tries", sa.Integer(), nullable=False),
        _text("trouble"),
        sa.PrimaryKeyConstraint("tenant", "card_id", "desk_id", name="pk_cards"),
    )
    due = sa.text("wanted > shown")
    op.create_index("ix_cards_tenant_due_at", "cards", ["tenant", "due_at"], postgresql_where=due)
    posted = sa.text("ts <> ''")
    op.create_index(
        "uq_cards_tenant_channel_id", "cards", ["tenant", "channel_id", "ts"], unique=True, postgresql_where=posted
    )
    op.create_table(
        "posts",
        *(_text(name) for name in ("tenant", "card_id", "desk_id", "item")),
        _moment("attempted_at"),
        *(_text(name) for name in ("ts", "file_id", "digest")),
        sa.PrimaryKeyConstraint("tenant", "card_id", "desk_id", "item", name="pk_posts"),
        sa.ForeignKeyConstraint(
            ["tenant", "card_id", "desk_id"], ["cards.tenant", "cards.card_id", "cards.desk_id"], name="fk_posts_cards"
        ),
    )
    enable_rls(op, "cards")
    enable_rls(op, "posts")


def downgrade() -> None:
    op.drop_table("posts")
    op.drop_table("cards")
    drop_runtime_tables(op)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
