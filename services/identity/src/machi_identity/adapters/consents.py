"""The ledger, its projection, and the notices on PostgreSQL."""

import json
from datetime import datetime

import asyncpg

from machi.consent.v1.consent_service_pb2 import ConsentStatus
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_identity.domain.consent import Decision, LedgerEntry, Notice, Standing, Status, in_force
from machi_sdk.work import Work

TOPIC = "machi.consent.v1"

_APPEND = """
WITH standing AS (
    INSERT INTO consents (tenant, citizen_id, purpose, notice_version, status, decided_at, version)
    VALUES ($1, $4, $5, $6, $7, $9, 1)
    ON CONFLICT (tenant, citizen_id, purpose) DO UPDATE
    SET notice_version = $6, status = $7, decided_at = $9, version = consents.version + 1
    RETURNING version
)
INSERT INTO consent_ledger
    (tenant, receipt_id, event_id, citizen_id, purpose, notice_version, status, channel, decided_at, version)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, version FROM standing
RETURNING version
"""
_ENTRY = """
SELECT k.receipt_id, k.event_id, coalesce(a.citizen_id, k.citizen_id) AS citizen_id, k.purpose, k.notice_version,
       k.status, k.channel, k.decided_at, k.version
FROM consent_ledger k LEFT JOIN aliases a ON a.tenant = $1 AND a.former_id = k.citizen_id
WHERE k.tenant = $1 AND k.event_id = $2
"""
STANDINGS = "SELECT * FROM consent_standings($1, $2, $3)"
_LATEST = """
SELECT purpose, status, notice_version, decided_at FROM consents
WHERE tenant = $1 AND citizen_id = $2 ORDER BY purpose
"""
_CURRENT = """
SELECT DISTINCT ON (purpose) purpose, version, pod, title::text AS title, benefit::text AS benefit, text::text AS text
FROM notices
WHERE $1::text IS NULL OR purpose = $1 ORDER BY purpose, version DESC
"""


class PgConsents:
    """`ports.Consents` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def append(self, decision: Decision, receipt_id: str, at: datetime) -> LedgerEntry:
        """See the port."""
        version: int = await self._work.db.fetchval(
            _APPEND,
            self._work.tenant,
            receipt_id,
            decision.event_id,
            decision.citizen_id,
            decision.purpose,
            decision.notice_version,
            decision.status.value,
            decision.channel,
            at,
        )
        entry = LedgerEntry(receipt_id, decision, at, version)
        self._work.emit(TOPIC, decision.citizen_id, _fact(entry))
        return entry

    async def entry_of(self, event_id: str) -> LedgerEntry | None:
        """See the port."""
        row = await self._work.db.fetchrow(_ENTRY, self._work.tenant, event_id)
        if row is None:
            return None
        who, what = (row["event_id"], row["citizen_id"]), (row["purpose"], row["notice_version"])
        decision = Decision(*who, *what, Status(row["status"]), row["channel"])
        return LedgerEntry(row["receipt_id"], decision, row["decided_at"], row["version"])

    async def standing(self, citizen_id: str, purpose: str) -> Standing | None:
        """See the port."""
        [row] = await self._work.db.fetch(STANDINGS, self._work.tenant, [citizen_id], purpose)
        return standing_in(row) if row["known"] else None

    async def latest(self, citizen_id: str) -> dict[str, Standing]:
        """See the port."""
        rows = await self._work.db.fetch(_LATEST, self._work.tenant, citizen_id)
        return {
            row["purpose"]: Standing(Status(row["status"]), row["notice_version"], row["decided_at"]) for row in rows
        }


class PgNotices:
    """`ports.Notices` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def current(self, purpose: str) -> Notice | None:
        """See the port."""
        found = await self._read(purpose)
        return found[0] if found else None

    async def all_current(self) -> list[Notice]:
        """See the port."""
        return await self._read(None)

    async def _read(self, purpose: str | None) -> list[Notice]:
        rows = await self._work.db.fetch(_CURRENT, purpose)
        return [
            Notice(
                row["purpose"], row["version"], row["pod"], *(json.loads(row[k]) for k in ("title", "benefit", "text"))
            )
            for row in rows
        ]


def standing_in(row: asyncpg.Record) -> Standing:
    """The standing in a row with status, notice_version, decided_at, and installed."""
    if row["status"] is None:
        return Standing(Status.UNKNOWN)
    status = in_force(Status(row["status"]), notice_installed=row["installed"])
    return Standing(status, row["notice_version"], row["decided_at"])


def _fact(entry: LedgerEntry) -> ConsentDecided:
    decision = entry.decision
    event = ConsentDecided(
        citizen_id=decision.citizen_id,
        purpose=decision.purpose,
        notice_version=decision.notice_version,
        status=ConsentStatus.Value(f"CONSENT_STATUS_{decision.status.name}"),
        version=entry.version,
    )
    event.decided_at.FromDatetime(entry.decided_at)
    return event
