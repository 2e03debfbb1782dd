"""The table of deliveries, for the migrations of channel adapters; a running pod never imports this."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

DELIVERIES = "deliveries"
_OPEN = text("state = 'open'")


def deliveries_table(metadata: MetaData) -> Table:
    """One message to one person a row; the request is blanked once it ended. Never an address."""
    sequence = Sequence("deliveries_seq", metadata=metadata)
    return Table(
        DELIVERIES,
        metadata,
        Column("tenant", String, primary_key=True),
        Column("delivery_id", String, primary_key=True),
        Column("seq", BigInteger, nullable=False, server_default=sequence.next_value()),
        *(Column(name, String, nullable=False) for name in ("citizen_id", "thread")),
        Column("version", BigInteger, nullable=False),
        Column("request", LargeBinary, nullable=False),
        Column("trace", JSONB, nullable=False),
        *(Column(name, String, nullable=False) for name in ("state", "reason")),
        Column("tries", Integer, nullable=False),
        *(Column(name, DateTime(timezone=True), nullable=False) for name in ("send_before", "due_at")),
        *(Column(name, DateTime(timezone=True)) for name in ("first_post_at", "concluded_at")),
        Index("ix_deliveries_tenant_citizen_id_seq", "tenant", "citizen_id", "seq", postgresql_where=_OPEN),
        Index("ix_deliveries_tenant_citizen_id", "tenant", "citizen_id"),
        Index("ix_deliveries_tenant_thread", "tenant", "thread", "version"),
        Index("ix_deliveries_tenant_concluded_at", "tenant", "concluded_at"),
    )
