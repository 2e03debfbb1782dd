"""The tables the runtime keeps beside a pod's own, for migrations; a running pod speaks SQL and never imports this."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """MetaData with the naming convention that constraint errors are mapped by."""
    return MetaData(naming_convention=NAMING)


RUNTIME = new_metadata()


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _runtime_table(name: str, *columns: SchemaItem) -> Table:
    return Table(name, RUNTIME, *columns)


OUTBOX = _runtime_table(
    "outbox",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    _moment("created_at"),
)
INBOX = _runtime_table(
    "inbox",
    Column("consumer", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    _moment("seen_at"),
    Index(None, "seen_at"),
)
ATTEMPTS = _runtime_table(
    "attempts",
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("first_offset", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
)
PARKED = _runtime_table(
    "parked",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("key", LargeBinary),
    Column("headers", JSONB, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("parked_at"),
    Column("replay_requested_at", DateTime(timezone=True)),
    # A broker that was made anew counts from 0 again: a place alone names no record.
    Index("uq_parked_record", "consumer", "topic", "partition", "offset", "event_id", unique=True),
)
HOPS = _runtime_table(
    "hops",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("trace_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index(None, "trace_id"),
    Index(None, "at"),
)
TURNS = _runtime_table(
    "turns",
    Column("tenant", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("response", LargeBinary, nullable=False),
    _moment("answered_at"),
    Index(None, "answered_at"),
)
DIALOGUE_SESSIONS = _runtime_table(
    "dialogue_sessions",
    Column("tenant", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("citizen_id", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("touched_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index(None, "touched_at"),
    Index("ix_dialogue_sessions_open", "tenant", "citizen_id", postgresql_where=text("ended_at IS NULL")),
)
ALIASES = _runtime_table(
    "aliases",
    Column("tenant", Text, primary_key=True),
    Column("former_id", Text, primary_key=True),
    Column("citizen_id", Text, nullable=False),
    _moment("known_at"),
    Index(None, "tenant", "citizen_id"),
)
INBOUND_EVENTS = _runtime_table(
    "inbound_events",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("message_id", Text, nullable=False, server_default=""),
    Column("payload", LargeBinary, nullable=False),
    Column("trace", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("stored", LargeBinary),
    Column("reply_mark", Text, nullable=False, server_default=""),
    Column("pod", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("told_waiting", Integer, nullable=False, server_default="0"),
    Column("focus_version", BigInteger),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _moment("received_at"),
    Index("uq_inbound_events_tenant_event_id", "tenant", "event_id", unique=True),
    Index(
        "ix_inbound_events_open",
        "address_key",
        "id",
        postgresql_where=text("state IN ('received','turned','replying','waiting')"),
    ),
    Index(None, "tenant", "message_id"),
    Index(None, "received_at"),
    Index("ix_inbound_events_said", "received_at", postgresql_where=text("payload <> ''")),
)
TENANT_TABLES: Iterable[str] = ("turns", "dialogue_sessions", "aliases")
