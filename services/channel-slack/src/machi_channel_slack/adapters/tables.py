"""The tables, as SQLModel; migrations build them, raw statements use them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Index, MetaData
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from machi_sdk.deliveries.tables import deliveries_table
from machi_sdk.tables import new_metadata

METADATA = new_metadata()
DELIVERIES = deliveries_table(METADATA)


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class CardRow(SQLModel, table=True):
    """A card as one desk sees it, and its message; `attempted_at` is set before the first post."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "cards"
    __table_args__ = (
        Index("ix_cards_tenant_due_at", "tenant", "due_at", postgresql_where=sql("wanted > shown")),
        Index(
            "uq_cards_tenant_channel_id", "tenant", "channel_id", "ts", unique=True, postgresql_where=sql("ts <> ''")
        ),
    )
    tenant: str = Field(primary_key=True)
    card_id: str = Field(primary_key=True)
    desk_id: str = Field(primary_key=True)
    pod: str
    wanted: int = Field(sa_column=Column(BigInteger, nullable=False))
    shown: int = Field(sa_column=Column(BigInteger, nullable=False))
    channel_id: str
    ts: str
    attempted_at: datetime | None = Field(sa_column=_moment(nullable=True))
    forms: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    trace: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    due_at: datetime = Field(sa_column=_moment())
    tries: int
    trouble: str


class PostRow(SQLModel, table=True):
    """An entry or photo in a card's thread."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "posts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "card_id", "desk_id"], ["cards.tenant", "cards.card_id", "cards.desk_id"], name="fk_posts_cards"
        ),
    )
    tenant: str = Field(primary_key=True)
    card_id: str = Field(primary_key=True)
    desk_id: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    attempted_at: datetime = Field(sa_column=_moment())
    ts: str
    file_id: str
    digest: str
