"""The tables, as SQLModel; migrations build them, the store's statements use them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Column, DateTime, Index, MetaData
from sqlmodel import Field, SQLModel

from machi_sdk.tables import new_metadata

METADATA = new_metadata()


class IdeaRow(SQLModel, table=True):
    """One idea of one person."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "ideas"
    __table_args__ = (Index("ix_ideas_tenant_citizen_id", "tenant", "citizen_id"),)
    tenant: str = Field(primary_key=True)
    idea_id: str = Field(primary_key=True)
    citizen_id: str
    words: str
    sent_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
