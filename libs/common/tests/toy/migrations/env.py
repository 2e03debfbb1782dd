import sqlalchemy as sa

from machi_sdk.migrating import run_env
from machi_sdk.tables import new_metadata

METADATA = new_metadata()
sa.Table(
    "notes",
    METADATA,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("note", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("tenant", "author", "note"),
)
sa.Table("diary", METADATA, sa.Column("tenant", sa.Text, nullable=False), sa.Column("line", sa.Text, primary_key=True))
run_env(METADATA, append_only=("diary",))
