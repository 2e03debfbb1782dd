"""The tables, as SQLModel; migrations build them."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    false,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, UniqueConstraint

from machi_reports.adapters.standing import NOT_CLOSED, OPEN, among
from machi_reports.domain.states import ANY_STATE
from machi_sdk.tables import new_metadata

METADATA = new_metadata()
APPEND_ONLY = ("steps", "accesses", "catalogues")
STATES = among(ANY_STATE)
_OPEN = sql(OPEN)


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


def _number() -> int:
    found: int = Field(sa_column_kwargs={"server_default": "0"})
    return found


def _text() -> str:
    found: str = Field(sa_column_kwargs={"server_default": ""})
    return found


def _of_report(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "report_id"], ["reports.tenant", "reports.report_id"], name=name)


class _Row(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class ReportRow(_Row, table=True):
    """A report as it stands; place and words of the resident may be blanked."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("tenant", "case_number", name="uq_reports_tenant_case_number"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        Index("ix_reports_tenant_citizen_id_filed_at", "tenant", "citizen_id", "filed_at"),
        Index("ix_reports_tenant_leading_id", "tenant", "leading_id", postgresql_where=sql("leading_id <> ''")),
        Index("ix_reports_open_at_desk", "tenant", "desk_id", "filed_at", postgresql_where=_OPEN),
        Index("ix_reports_open_near", "tenant", "category_code", "latitude", postgresql_where=_OPEN),
        Index(
            "ix_reports_tenant_place_event_id", "tenant", "place_event_id", postgresql_where=sql("place_event_id <> ''")
        ),
        Index(
            "ix_reports_open",
            "tenant",
            "filed_at",
            postgresql_where=sql(NOT_CLOSED),
        ),
    )
    tenant: str = Field(primary_key=True)
    report_id: str = Field(primary_key=True)
    case_number: str
    citizen_id: str
    version: int
    category_code: str
    details: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    latitude: float | None = None
    longitude: float | None = None
    place_title: str
    address: str
    place_event_id: str
    ward_code: str
    desk_id: str
    state: str
    messages_allowed: bool | None = None
    score: int | None = None
    reopened: int
    reopen_before: datetime | None = Field(sa_column=_moment(nullable=True))
    closed_at: datetime | None = Field(sa_column=_moment(nullable=True))
    trace_id: str
    assignee_id: str = _text()
    leading_id: str = _text()
    filed_at: datetime = Field(sa_column=_moment())
    changed_at: datetime = Field(sa_column=_moment())
    urgent: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))


class UpdateRow(_Row, table=True):
    """One entry of a case's conversation."""

    __tablename__ = "updates"
    __table_args__ = (
        _of_report("fk_updates_report"),
        Index("ix_updates_tenant_report_id_at", "tenant", "report_id", "at"),
        Index("ix_updates_tenant_event_id", "tenant", "event_id", postgresql_where=sql("event_id <> ''")),
    )
    tenant: str = Field(primary_key=True)
    update_id: str = Field(primary_key=True)
    report_id: str
    kind: str
    text: str
    staff_id: str
    staff_name: str
    event_id: str
    retracted: bool
    at: datetime = Field(sa_column=_moment())
    question_id: str = _text()
    unsent: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))


class StepRow(_Row, table=True):
    """One change of a report; never changed, never removed."""

    __tablename__ = "steps"
    __table_args__ = (_of_report("fk_steps_report"),)
    tenant: str = Field(primary_key=True)
    report_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    move: str
    state: str
    desk_id: str
    from_desk_id: str
    staff_id: str
    staff_name: str
    update_id: str
    at: datetime = Field(sa_column=_moment())


class PhotoRow(_Row, table=True):
    """Where a stripped photo lies; loose until a report takes it. Old rows have it in `jpeg` until it is moved."""

    __tablename__ = "photos"
    __table_args__ = (
        _of_report("fk_photos_report"),
        UniqueConstraint("tenant", "event_id", name="uq_photos_tenant_event_id"),
        Index("ix_photos_tenant_citizen_id", "tenant", "citizen_id"),
        Index("ix_photos_tenant_report_id", "tenant", "report_id"),
        Index("ix_photos_loose", "tenant", "stored_at", postgresql_where=sql("report_id IS NULL")),
        Index("ix_photos_kept", "tenant", "stored_at", postgresql_where=sql("removed_at IS NULL")),
        Index("ix_photos_unmoved", "tenant", "photo_id", postgresql_where=sql("jpeg IS NOT NULL")),
    )
    tenant: str = Field(primary_key=True)
    photo_id: str = Field(primary_key=True)
    citizen_id: str
    event_id: str
    report_id: str | None = None
    jpeg: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    stored_at: datetime = Field(sa_column=_moment())
    position: int = _number()
    object_key: str = _text()
    whole_size: int = _number()
    whole_sha256: str = _text()
    thumbnail_size: int = _number()
    thumbnail_sha256: str = _text()
    removed_at: datetime | None = Field(sa_column=_moment(nullable=True))
    removal: str = _text()


class PhotoObjectRow(_Row, table=True):
    """An object that may lie in the store; with a moment it is swept then, unless a photo names it before."""

    __tablename__ = "photo_objects"
    __table_args__ = (
        Index("ix_photo_objects_tenant_sweep_at", "tenant", "sweep_at", postgresql_where=sql("sweep_at IS NOT NULL")),
    )
    tenant: str = Field(primary_key=True)
    object_key: str = Field(primary_key=True)
    sweep_at: datetime | None = Field(sa_column=_moment(nullable=True))
    doomed: bool


class AccessRow(_Row, table=True):
    """One showing of a report; never changed, never removed."""

    __tablename__ = "accesses"
    __table_args__ = (Index("ix_accesses_tenant_report_id_at", "tenant", "report_id", "at"),)
    tenant: str = Field(primary_key=True)
    access_id: str = Field(primary_key=True)
    report_id: str
    what: str
    reader: str
    at: datetime = Field(sa_column=_moment())


class SummaryRow(_Row, table=True):
    """A day whose overdue cases the desks were told."""

    __tablename__ = "summaries"
    tenant: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    at: datetime = Field(sa_column=_moment())


class DeskStaffRow(_Row, table=True):
    """Who works at a desk, as a hash: when that changed, the cards of its open cases are to be renewed."""

    __tablename__ = "desk_staff"
    tenant: str = Field(primary_key=True)
    desk_id: str = Field(primary_key=True)
    staff: str
    renew_at: datetime | None = Field(sa_column=_moment(nullable=True))


class CatalogueRow(_Row, table=True):
    """One version of the city's catalogue; never changed, never removed."""

    __tablename__ = "catalogues"
    tenant: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    put_at: datetime = Field(sa_column=_moment())
