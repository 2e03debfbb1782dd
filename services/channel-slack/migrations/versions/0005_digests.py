"""Many new cards at once are lines of one message until each has its own."""

import sqlalchemy as sa
from alembic import op

from machi_sdk.migrating import enable_rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("cards", _moment("announced_at", server_default=NOW))
    for name in ("at_once", "held"):
        op.add_column("cards", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_cards_tenant_desk_id_announced_at", "cards", ["tenant", "desk_id", "announced_at"])
    op.create_index("ix_cards_held", "cards", ["tenant", "desk_id", "due_at"], postgresql_where=sa.text("held"))
    _create_digests()
    _create_lines()
    for table in ("digests", "digest_lines"):
        enable_rls(op, table)


def downgrade() -> None:
    op.drop_table("digest_lines")
    op.drop_table("digests")
    op.drop_index("ix_cards_held", "cards")
    op.drop_index("ix_cards_tenant_desk_id_announced_at", "cards")
    for name in ("announced_at", "at_once", "held"):
        op.drop_column("cards", name)


def _create_digests() -> None:
    op.create_table(
        "digests",
        *(_text(name) for name in ("tenant", "digest_id", "desk_id", "channel_id", "ts")),
        _moment("attempted_at", nullable=True),
        _text("kind"),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        _moment("made_at"),
        _moment("due_at"),
        sa.Column("tries", sa.Integer(), nullable=False),
        _text("trouble"),
        sa.PrimaryKeyConstraint("tenant", "digest_id", name="pk_digests"),
    )
    due = sa.text("wanted > shown")
    op.create_index("ix_digests_tenant_due_at", "digests", ["tenant", "due_at"], postgresql_where=due)


def _create_lines() -> None:
    op.create_table(
        "digest_lines",
        *(_text(name) for name in ("tenant", "digest_id", "card_id", "desk_id")),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("once", sa.Boolean(), nullable=False),
        *(_text(name) for name in ("number", "brief")),
        _moment("opened_at", nullable=True),
        *(_text(name) for name in ("opened_ago", "link")),
        sa.PrimaryKeyConstraint("tenant", "digest_id", "card_id", name="pk_digest_lines"),
        sa.ForeignKeyConstraint(
            ["tenant", "digest_id"], ["digests.tenant", "digests.digest_id"], name="fk_digest_lines_digests"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "card_id", "desk_id"],
            ["cards.tenant", "cards.card_id", "cards.desk_id"],
            name="fk_digest_lines_cards",
        ),
    )
    op.create_index("ix_digest_lines_card", "digest_lines", ["tenant", "card_id", "desk_id"])
    once = sa.text("once")
    op.create_index(
        "uq_digest_lines_once", "digest_lines", ["tenant", "card_id", "desk_id"], unique=True, postgresql_where=once
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = False, server_default: sa.TextClause | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=server_default)
