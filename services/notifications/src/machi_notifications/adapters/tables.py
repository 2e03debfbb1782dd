"""The tables, as SQLModel; migrations build them, raw statements use them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, MetaData
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from machi_sdk.tables import new_metadata

METADATA = new_metadata()
STATES = "state IN ('requested', 'held', 'refused', 'accepted', 'failed', 'unknown', 'expired', 'superseded')"


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class DeliveryRow(SQLModel, table=True):
    """One message to one person; `held_request` has its words only while it is held, `trace` is of its fact."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(STATES, name="state"),
        CheckConstraint("(state = 'held') = (held_request <> '')", name="held_words"),
        Index("ix_deliveries_tenant_citizen_id", "tenant", "citizen_id"),
        Index("ix_deliveries_tenant_thread", "tenant", "thread", "version"),
        Index("ix_deliveries_tenant_held_until", "tenant", "held_until", postgresql_where=sql("state = 'held'")),
    )
    tenant: str = Field(primary_key=True)
    delivery_id: str = Field(primary_key=True)
    citizen_id: str
    channel: str
    cause: str
    thread: str
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: str
    reason: str
    requested_at: datetime = Field(sa_column=_moment())
    send_before: datetime = Field(sa_column=_moment())
    held_until: datetime | None = Field(sa_column=_moment(nullable=True))
    concluded_at: datetime | None = Field(sa_column=_moment(nullable=True))
    held_request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    trace: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False, server_default=sql("'{}'")))
