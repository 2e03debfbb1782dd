"""The pod's own tables; migrations build them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, MetaData
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from machi_sdk.tables import new_metadata

METADATA = new_metadata()
_OPEN = "state = 'open'"


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class _Row(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class DeliveryRow(_Row, table=True):
    """One message to one person; the request is blanked once it ended. Never an address."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_tenant_citizen_id_seq", "tenant", "citizen_id", "seq", postgresql_where=sql("state = 'open'")
        ),
        Index("ix_deliveries_tenant_thread", "tenant", "thread", "version"),
        Index("ix_deliveries_tenant_concluded_at", "tenant", "concluded_at"),
    )
    tenant: str = Field(primary_key=True)
    delivery_id: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=sql("nextval('deliveries_seq')")))
    citizen_id: str
    thread: str
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    trace: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    state: str
    reason: str
    tries: int
    send_before: datetime = Field(sa_column=_moment())
    due_at: datetime = Field(sa_column=_moment())
    first_post_at: datetime | None = Field(sa_column=_moment(nullable=True))
    concluded_at: datetime | None = Field(sa_column=_moment(nullable=True))


class MenuRow(_Row, table=True):
    """A rich menu this pod made: made, then live, then old until nobody is linked to it."""

    __tablename__ = "menus"
    tenant: str = Field(primary_key=True)
    menu_id: str = Field(primary_key=True)
    language: str
    hash: str
    state: str


class MenuLinkRow(_Row, table=True):
    """The language a person's menu should have, and the menu they were last given. Never an address."""

    __tablename__ = "menu_links"
    __table_args__ = (Index("ix_menu_links_tenant_due_at", "tenant", "due_at"),)
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    language: str
    event_id: str
    menu_id: str
    tries: int
    due_at: datetime = Field(sa_column=_moment())
