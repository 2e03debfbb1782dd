"""The tables, as SQLModel; migrations build them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKeyConstraint, Index, MetaData, TextClause, false
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from machi_sdk.deliveries.tables import deliveries_table
from machi_sdk.tables import new_metadata

METADATA = new_metadata()
DELIVERIES = deliveries_table(METADATA)


def _moment(*, nullable: bool = False, default: TextClause | None = None) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable, server_default=default)


def _flag() -> bool:
    found: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))
    return found


class CardRow(SQLModel, table=True):
    """A card as one desk sees it, and its message; `attempted_at` is set before the first post."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "cards"
    __table_args__ = (
        Index("ix_cards_to_show", "tenant", "desk_id", "due_at", postgresql_where=sql("wanted > shown OR held")),
        Index(
            "uq_cards_tenant_channel_id", "tenant", "channel_id", "ts", unique=True, postgresql_where=sql("ts <> ''")
        ),
        Index("ix_cards_tenant_desk_id_announced_at", "tenant", "desk_id", "announced_at"),
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
    announced_at: datetime = Field(sa_column=_moment(default=sql("now()")))
    due_at: datetime = Field(sa_column=_moment())
    at_once: bool = _flag()
    held: bool = _flag()
    tries: int
    trouble: str


class DigestRow(SQLModel, table=True):
    """A list of new cards (kind `flood`) or of old ones (`summary`), and its message."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "digests"
    __table_args__ = (Index("ix_digests_tenant_due_at", "tenant", "due_at", postgresql_where=sql("wanted > shown")),)
    tenant: str = Field(primary_key=True)
    digest_id: str = Field(primary_key=True)
    desk_id: str
    channel_id: str
    ts: str
    attempted_at: datetime | None = Field(sa_column=_moment(nullable=True))
    kind: str
    more: int
    wanted: int = Field(sa_column=Column(BigInteger, nullable=False))
    shown: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: datetime = Field(sa_column=_moment())
    due_at: datetime = Field(sa_column=_moment())
    tries: int
    trouble: str


class DigestLineRow(SQLModel, table=True):
    """A card in a list, and what its line says; in a list of new cards a card stands `once`."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "digest_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "digest_id"], ["digests.tenant", "digests.digest_id"], name="fk_digest_lines_digests"
        ),
        ForeignKeyConstraint(
            ["tenant", "card_id", "desk_id"],
            ["cards.tenant", "cards.card_id", "cards.desk_id"],
            name="fk_digest_lines_cards",
        ),
        Index("ix_digest_lines_card", "tenant", "card_id", "desk_id"),
        Index("uq_digest_lines_once", "tenant", "card_id", "desk_id", unique=True, postgresql_where=sql("once")),
    )
    tenant: str = Field(primary_key=True)
    digest_id: str = Field(primary_key=True)
    card_id: str = Field(primary_key=True)
    desk_id: str
    place: int
    once: bool
    number: str
    brief: str
    opened_at: datetime | None = Field(sa_column=_moment(nullable=True))
    opened_ago: str
    link: str


class SlotRow(SQLModel, table=True):
    """A change of a message in the workspace within the last minute."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "slots"
    tenant: str = Field(primary_key=True)
    slot_id: str = Field(primary_key=True)
    at: datetime = Field(sa_column=_moment())


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
