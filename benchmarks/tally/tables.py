"""The pod's own tables."""

import sqlalchemy as sa

from machi_sdk.tables import new_metadata

METADATA = new_metadata()
# Which ranges of numbers were written: a range that comes again after a crash is refused.
WRITTEN = sa.Table(
    "written",
    METADATA,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
)
# One row for each effect. Nothing but the inbox keeps a second one away.
EFFECTS = sa.Table(
    "effects",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
