"""The pod's own tables; migrations build them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Boolean, Column, DateTime, Index, MetaData, false, func, text
from sqlmodel import Field, SQLModel

from machi_sdk.deliveries.tables import deliveries_table
from machi_sdk.tables import new_metadata

METADATA = new_metadata()
DELIVERIES = deliveries_table(METADATA)


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class _Row(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class MenuRow(_Row, table=True):
    """A rich menu this pod made: made, then live, then old until it is removed. `machi doctor` reads it."""

    __tablename__ = "menus"
    tenant: str = Field(primary_key=True)
    menu_id: str = Field(primary_key=True)
    language: str
    hash: str
    state: str
    made_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


class MenuLinkRow(_Row, table=True):
    """The language a person's menu should have, and the menu they were last given. Never an address.

    `due_at` is infinity while there is nothing to do; `waits`: until the person writes again.
    """

    __tablename__ = "menu_links"
    __table_args__ = (
        Index("ix_menu_links_tenant_due_at", "tenant", "due_at"),
        Index("ix_menu_links_tenant_menu_id", "tenant", "menu_id"),
        Index(
            "ix_menu_links_settled",
            *("tenant", "language", "menu_id"),
            postgresql_where=text("due_at = 'infinity' AND NOT waits"),
        ),
        Index("ix_menu_links_waiting", "tenant", postgresql_where=text("waits")),
    )
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    language: str
    event_id: str
    menu_id: str
    tries: int
    due_at: datetime = Field(sa_column=_moment())
    waits: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))
