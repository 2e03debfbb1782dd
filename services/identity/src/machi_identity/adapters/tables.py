"""The tables, as SQLModel; migrations build them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, MetaData, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, UniqueConstraint

from machi_sdk.tables import new_metadata

METADATA = new_metadata()
STATUSES = "status IN ('given', 'refused', 'withdrawn')"


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


def _per_language() -> Column[dict[str, str]]:
    return Column(JSONB, nullable=False)


def _list(default: str | None = None) -> Column[list[str]]:
    return Column(ARRAY(Text), nullable=False, server_default=default)


class _Row(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class TenantRow(_Row, table=True):
    """A municipality."""

    __tablename__ = "tenants"
    tenant: str = Field(primary_key=True)
    names: dict[str, str] = Field(sa_column=_per_language())
    default_language: str
    time_zone: str
    languages: list[str] = Field(sa_column=_list(default="{}"))


class DeskRow(_Row, table=True):
    """A section that receives work."""

    __tablename__ = "desks"
    __table_args__ = (UniqueConstraint("tenant", "name", name="uq_desks_tenant_name"),)
    tenant: str = Field(primary_key=True)
    desk_id: str = Field(primary_key=True)
    name: str
    titles: dict[str, str] = Field(sa_column=_per_language())
    phone: str
    language: str


class StaffRow(_Row, table=True):
    """A member of staff."""

    __tablename__ = "staff"
    __table_args__ = (
        Index(
            "uq_staff_tenant_slack_address",
            "tenant",
            "slack_address",
            unique=True,
            postgresql_where=sql("slack_address <> ''"),
        ),
    )
    tenant: str = Field(primary_key=True)
    staff_id: str = Field(primary_key=True)
    display_name: str
    roles: list[str] = Field(sa_column=_list())
    desk_ids: list[str] = Field(sa_column=_list())
    slack_address: str


class CitizenRow(_Row, table=True):
    """A person, by pseudonym."""

    __tablename__ = "citizens"
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    language: str | None = None
    language_at: datetime | None = Field(sa_column=_moment(nullable=True))
    ward_code: str | None = None
    focus_pod: str
    focus_session_id: str
    focus_version: int
    created_at: datetime = Field(sa_column=_moment())


class LinkRow(_Row, table=True):
    """A person's address on a channel."""

    __tablename__ = "links"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant", "citizen_id"], ["citizens.tenant", "citizens.citizen_id"], name="fk_links_citizen"
        ),
        UniqueConstraint("tenant", "citizen_id", "channel", name="uq_links_tenant_citizen_id_channel"),
    )
    tenant: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    citizen_id: str
    reachable: bool
    reachable_at: datetime | None = Field(sa_column=_moment(nullable=True))
    heard_at: datetime = Field(sa_column=_moment())


class LinkCodeRow(_Row, table=True):
    """A person's newest one-time code for linking, as a keyed hash."""

    __tablename__ = "link_codes"
    __table_args__ = (UniqueConstraint("tenant", "code_hash", name="uq_link_codes_tenant_code_hash"),)
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    code_hash: str
    channel: str
    expires_at: datetime = Field(sa_column=_moment())
    used_at: datetime | None = Field(sa_column=_moment(nullable=True))


class LinkMissRow(_Row, table=True):
    """Wrong codes a person typed in a row."""

    __tablename__ = "link_misses"
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    count: int
    last_event: str
    last_at: datetime = Field(sa_column=_moment())
    paused_until: datetime | None = Field(sa_column=_moment(nullable=True))


class ConsentRow(_Row, table=True):
    """What stands now: the projection of the ledger."""

    __tablename__ = "consents"
    __table_args__ = (CheckConstraint(STATUSES, name="status"),)
    tenant: str = Field(primary_key=True)
    citizen_id: str = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    notice_version: int
    status: str
    decided_at: datetime = Field(sa_column=_moment())
    version: int


class LedgerRow(_Row, table=True):
    """One decision; never changed, never removed."""

    __tablename__ = "consent_ledger"
    __table_args__ = (
        CheckConstraint(STATUSES, name="status"),
        UniqueConstraint("tenant", "event_id", name="uq_consent_ledger_tenant_event_id"),
        UniqueConstraint("tenant", "citizen_id", "purpose", "version", name="uq_consent_ledger_tenant_decision"),
    )
    tenant: str = Field(primary_key=True)
    receipt_id: str = Field(primary_key=True)
    event_id: str
    citizen_id: str
    purpose: str
    notice_version: int
    status: str
    channel: str
    decided_at: datetime = Field(sa_column=_moment())
    version: int


class AccessRow(_Row, table=True):
    """One release or refusal of an address; never changed, never removed."""

    __tablename__ = "accesses"
    __table_args__ = (Index("ix_accesses_tenant_citizen_id_at", "tenant", "citizen_id", "at"),)
    tenant: str = Field(primary_key=True)
    access_id: str = Field(primary_key=True)
    citizen_id: str
    caller: str
    channel: str
    basis: str
    purpose: str
    reference_id: str
    verdict: str
    at: datetime = Field(sa_column=_moment())


class PodRow(_Row, table=True):
    """An installed manifest; one registry for the whole release, so without tenant."""

    __tablename__ = "pods"
    pod: str = Field(primary_key=True)
    manifest_hash: str
    manifest_json: str
    installed_at: datetime = Field(sa_column=_moment())


class NoticeRow(_Row, table=True):
    """A notice of an installed manifest; release-wide like its pod."""

    __tablename__ = "notices"
    __table_args__ = (
        ForeignKeyConstraint(["pod"], ["pods.pod"], name="fk_notices_pod"),
        Index("ix_notices_pod", "pod"),
    )
    purpose: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    pod: str
    title: dict[str, str] = Field(sa_column=_per_language())
    benefit: dict[str, str] = Field(sa_column=_per_language())
    text: dict[str, str] = Field(sa_column=_per_language())
