"""Reports on PostgreSQL."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from math import cos, radians
from typing import TYPE_CHECKING, TypeAlias

from machi_reports.adapters.facts import publish
from machi_reports.adapters.standing import OPEN
from machi_reports.domain.conversation import ENDING, Officer, Update, UpdateKind
from machi_reports.domain.report import Filing, Place, Report
from machi_reports.domain.states import Move, State, Step
from machi_reports.ports import OpenCases
from machi_sdk.errors import Missing
from machi_sdk.sql import literal
from machi_sdk.work import Work

if TYPE_CHECKING:
    import asyncpg

_Value: TypeAlias = str | int | datetime | None
_NEAR_DEGREES = 0.009  # a kilometre
_INSERT = """
INSERT INTO reports (tenant, report_id, case_number, citizen_id, version, category_code, details, latitude, longitude,
    place_title, address, place_event_id, ward_code, desk_id, state, messages_allowed, reopened, trace_id,
    filed_at, changed_at, urgent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, $17, $18, $18, $19)
"""
_SAVE = """
UPDATE reports SET version = $3, state = $4, desk_id = $5, score = $6, reopened = $7, reopen_before = $8,
    closed_at = $9, assignee_id = $10,
    leading_id = $11, changed_at = $12
WHERE tenant = $1 AND report_id = $2
"""
_COLUMNS = """
r.*, CASE WHEN r.reopened > 0 THEN (
    SELECT max(s.at) FROM steps s WHERE s.tenant = r.tenant AND s.report_id = r.report_id AND s.move = 'reopen'
) END AS reopened_at
"""
_SELECT = f"SELECT {_COLUMNS} FROM reports r"
_SELECT_COUNTED = f"SELECT {_COLUMNS}, count(*) OVER () AS total FROM reports r"
_BY_ID = f"{_SELECT} WHERE tenant = $1 AND report_id = $2"
_LOCK = f"{_BY_ID} FOR NO KEY UPDATE"
_BY_NUMBER = f"{_SELECT} WHERE tenant = $1 AND case_number = $2"
_LED_BY = f"{_SELECT} WHERE tenant = $1 AND leading_id = $2 AND leading_id <> '' ORDER BY report_id"
_LOCK_LED_BY = f"{_LED_BY} FOR NO KEY UPDATE"
# Flat is near enough within a kilometre; $6 shrinks a degree of longitude to one of latitude.
_NEAR = f"""
{_SELECT} WHERE tenant = $1 AND category_code = $2 AND report_id <> $3 AND {OPEN}
    AND latitude BETWEEN $4::float8 - $7::float8 AND $4::float8 + $7::float8
    AND longitude BETWEEN $5::float8 - $7 / $6::float8 AND $5::float8 + $7 / $6
ORDER BY (latitude - $4) ^ 2 + ((longitude - $5) * $6) ^ 2, filed_at DESC LIMIT $8
"""
_IN_WARD = f"""
{_SELECT} WHERE tenant = $1 AND category_code = $2 AND report_id <> $3 AND {OPEN} AND ward_code = $4
ORDER BY filed_at DESC LIMIT $5
"""
# $6 and $7 are pairs: a desk, and one who works there.
_HOLDER_LEFT = """
desk_id = ANY($6::text[])
AND (desk_id, assignee_id) NOT IN (SELECT * FROM unnest($6::text[], $7::text[]) AS at_desk (desk_id, staff_id))
"""
_OPEN_CASES = f"""
{_SELECT_COUNTED} WHERE tenant = $1 AND desk_id = ANY($2::text[]) AND {OPEN}
    AND ($3::text IS NULL OR assignee_id = $3 OR ($3 = '' AND {_HOLDER_LEFT})) AND ($4::text IS NULL OR state = $4)
ORDER BY filed_at, report_id LIMIT $5
"""
# As `domain.conversation.open_questions` has it, whatever the case's state.
_IS_ASKED = f"""EXISTS (
    SELECT FROM updates q WHERE q.tenant = r.tenant AND q.report_id = r.report_id AND q.kind = 'question'
    AND NOT EXISTS (
        SELECT FROM updates u WHERE u.tenant = q.tenant AND u.report_id = q.report_id AND (
            u.question_id = q.update_id AND NOT u.retracted
            OR u.kind IN ({", ".join(map(literal, sorted(ENDING)))}) AND (u.at, u.update_id) > (q.at, q.update_id)
        )
    )
)"""
# A duplicate waits for the end of its leading case: to its reporter it is open.
_OF_CITIZEN = f"""
{_SELECT_COUNTED} WHERE tenant = $1 AND citizen_id = $2
ORDER BY {_IS_ASKED} DESC, state NOT IN ('resolved', 'rejected') DESC, filed_at DESC, report_id LIMIT $3 OFFSET $4
"""
_FILED_SINCE = "SELECT count(*) FROM reports WHERE tenant = $1 AND citizen_id = $2 AND filed_at > $3"
_ADD_UPDATE = """
INSERT INTO updates (tenant, report_id, update_id, kind, text, staff_id, staff_name, event_id, retracted, at,
    question_id, unsent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false, $9, $10, $11)
"""
_ADD_STEP = """
INSERT INTO steps (tenant, report_id, version, move, state, desk_id, from_desk_id, staff_id, staff_name, update_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_CONVERSATION = """
SELECT u.*, coalesce(s.from_desk_id, '') AS from_desk_id
FROM updates u LEFT JOIN steps s USING (tenant, report_id, update_id)
WHERE u.tenant = $1 AND u.report_id = ANY($2::text[]) ORDER BY u.at, u.update_id
"""
_LAST_STEP = """
SELECT * FROM steps WHERE tenant = $1 AND report_id = $2 AND staff_id <> '' AND move = ANY($3::text[])
ORDER BY version DESC LIMIT 1
"""
_WROTE_SINCE = """
SELECT EXISTS (SELECT FROM steps
    WHERE tenant = $1 AND report_id = $2 AND version > $3 AND move IN ('answer', 'reopen'))
"""
_MOMENT_OF = "SELECT at FROM steps WHERE tenant = $1 AND report_id = $2 AND version = $3"
_SAID_IN = "SELECT update_id FROM steps WHERE tenant = $1 AND report_id = $2 AND version = $3"
_DESKS_OF = "SELECT DISTINCT desk_id FROM steps WHERE tenant = $1 AND report_id = $2 ORDER BY desk_id"
_OPEN_OF = f"""
SELECT report_id FROM reports
WHERE tenant = $1 AND citizen_id = (SELECT present_id($1, $2)) AND {OPEN} AND filed_at <= $3 ORDER BY report_id
"""
# A desk that is seen for the first time had nobody else before.
_NOTE_STAFF = """
INSERT INTO desk_staff (tenant, desk_id, staff) VALUES ($1, $2, $3)
ON CONFLICT (tenant, desk_id) DO UPDATE SET staff = excluded.staff, renew_at = $4
WHERE desk_staff.staff <> excluded.staff
"""
_OUTDATED = f"""
SELECT report_id FROM reports JOIN desk_staff USING (tenant, desk_id)
WHERE tenant = $1 AND {OPEN} AND renew_at <= $2 AND changed_at < renew_at ORDER BY report_id LIMIT $3
"""
# A message's words, its place: whatever of them became part of a report. Whose report that is does not matter here: the
# message was of whoever takes it back.
_BLANK = """
WITH words AS (
    UPDATE updates SET text = '', retracted = true
    WHERE tenant = $1 AND event_id = $2 AND event_id <> '' AND NOT retracted
    RETURNING report_id
), places AS (
    UPDATE reports SET latitude = NULL, longitude = NULL, place_title = '', address = ''
    WHERE tenant = $1 AND place_event_id = $2 AND place_event_id <> ''
      AND (latitude IS NOT NULL OR place_title <> '' OR address <> '')
    RETURNING report_id
)
SELECT report_id FROM words UNION SELECT report_id FROM places
"""


class PgReports:
    """`ports.Reports` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, report: Report) -> None:
        """See the port."""
        filing, place = report.filing, report.filing.place
        await self._work.db.execute(
            _INSERT,
            self._work.tenant,
            report.report_id,
            filing.case_number,
            filing.citizen_id,
            report.version,
            filing.category_code,
            json.dumps(dict(filing.details)),
            place.latitude,
            place.longitude,
            place.title,
            place.address,
            place.event_id,
            filing.ward_code,
            report.desk_id,
            report.state.value,
            filing.messages_allowed,
            filing.trace_id,
            filing.filed_at,
            filing.urgent,
        )
        await self._store_fresh(report)

    async def lock(self, report_id: str) -> Report:
        """See the port."""
        return await self._one(_LOCK, report_id)

    async def get(self, report_id: str) -> Report:
        """See the port."""
        return await self._one(_BY_ID, report_id)

    async def save(self, *reports: Report) -> None:
        """See the port. However many they are, they travel together."""
        await self._write(_SAVE, [(report.report_id, *_saved_values(report)) for report in reports])
        await self._store_fresh(*reports)

    async def find(self, case_number: str) -> Report | None:
        """See the port."""
        row = await self._work.db.fetchrow(_BY_NUMBER, self._work.tenant, case_number)
        return _report(row) if row else None

    async def led_by(self, report_id: str) -> list[Report]:
        """See the port."""
        return [_report(row) for row in await self._work.db.fetch(_LED_BY, self._work.tenant, report_id)]

    async def lock_led_by(self, report_id: str) -> list[Report]:
        """See the port."""
        return [_report(row) for row in await self._work.db.fetch(_LOCK_LED_BY, self._work.tenant, report_id)]

    async def alike(self, report: Report, limit: int) -> list[Report]:
        """See the port."""
        filing, point = report.filing, report.filing.place.point
        of = (self._work.tenant, filing.category_code, filing.report_id)
        if point is None:
            rows = await self._work.db.fetch(_IN_WARD, *of, filing.ward_code, limit)
        else:
            shrink = max(cos(radians(point[0])), 0.01)
            rows = await self._work.db.fetch(_NEAR, *of, *point, shrink, _NEAR_DEGREES, limit)
        return [_report(row) for row in rows]

    async def open_cases(self, which: OpenCases, limit: int) -> tuple[int, list[Report]]:
        """See the port."""
        at_desk = [(desk_id, staff_id) for desk_id, staff in which.staff.items() for staff_id in staff]
        pairs = [desk_id for desk_id, _ in at_desk], [staff_id for _, staff_id in at_desk]
        asked = (list(which.desk_ids), which.assignee_id, which.state, limit, *pairs)
        return _counted(await self._work.db.fetch(_OPEN_CASES, self._work.tenant, *asked))

    async def of_citizen(self, citizen_id: str, limit: int, skip: int) -> tuple[int, list[Report]]:
        """See the port."""
        return _counted(await self._work.db.fetch(_OF_CITIZEN, self._work.tenant, citizen_id, limit, skip))

    async def filed_since(self, citizen_id: str, since: datetime) -> int:
        """See the port."""
        return int(await self._work.db.fetchval(_FILED_SINCE, self._work.tenant, citizen_id, since))

    async def conversation(self, report_id: str) -> list[Update]:
        """See the port."""
        return (await self.conversations([report_id]))[report_id]

    async def conversations(self, report_ids: Sequence[str]) -> dict[str, list[Update]]:
        """See the port."""
        said: dict[str, list[Update]] = {report_id: [] for report_id in report_ids}
        for row in await self._work.db.fetch(_CONVERSATION, self._work.tenant, list(report_ids)):
            said[row["report_id"]].append(_update(row))
        return said

    async def last_step(self, report_id: str, among: Collection[Move]) -> Step | None:
        """See the port."""
        row = await self._work.db.fetchrow(_LAST_STEP, self._work.tenant, report_id, list(among))
        if row is None:
            return None
        return Step(Move(row["move"]), State(row["state"]), row["version"], row["at"], row["desk_id"], _officer(row))

    async def wrote_since(self, report_id: str, version: int) -> bool:
        """See the port."""
        return bool(await self._work.db.fetchval(_WROTE_SINCE, self._work.tenant, report_id, version))

    async def desks_of(self, report_id: str) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_DESKS_OF, self._work.tenant, report_id)
        return [row["desk_id"] for row in rows]

    async def moment_of(self, report_id: str, version: int) -> datetime | None:
        """See the port."""
        found: datetime | None = await self._work.db.fetchval(_MOMENT_OF, self._work.tenant, report_id, version)
        return found

    async def said_in(self, report_id: str, version: int) -> str:
        """See the port."""
        return await self._work.db.fetchval(_SAID_IN, self._work.tenant, report_id, version) or ""

    async def lock_open_of(self, citizen_id: str, before: datetime) -> list[Report]:
        """See the port. By id, as all who lock several in one transaction."""
        rows = await self._work.db.fetch(_OPEN_OF, self._work.tenant, citizen_id, before)
        return [await self.lock(row["report_id"]) for row in rows]

    async def note_staff(self, desk_id: str, staff: str, renew_at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(_NOTE_STAFF, self._work.tenant, desk_id, staff, renew_at)

    async def outdated(self, at: datetime, most: int) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_OUTDATED, self._work.tenant, at, most)
        return [row["report_id"] for row in rows]

    async def blank_event(self, event_id: str) -> list[str]:
        """See the port."""
        rows = await self._work.db.fetch(_BLANK, self._work.tenant, event_id)
        return [row["report_id"] for row in rows]

    async def _one(self, statement: str, report_id: str) -> Report:
        row = await self._work.db.fetchrow(statement, self._work.tenant, report_id)
        if row is None:
            raise Missing("report-unknown")
        return _report(row)

    async def _store_fresh(self, *reports: Report) -> None:
        steps = [(report, step) for report in reports for step in report.fresh]
        said = [(report.report_id, *_update_values(step.update)) for report, step in steps if step.update is not None]
        await self._write(_ADD_UPDATE, said)
        await self._write(_ADD_STEP, [(report.report_id, *_step_values(step)) for report, step in steps])
        for report, step in steps:
            publish(report, step, self._work)
        for report in reports:
            report.fresh.clear()

    async def _write(self, statement: str, rows: Sequence[tuple[_Value, ...]]) -> None:
        if rows:
            await self._work.db.executemany(statement, [(self._work.tenant, *row) for row in rows])


def _saved_values(report: Report) -> tuple[_Value, ...]:
    return (
        report.version,
        report.state.value,
        report.desk_id,
        report.score,
        report.reopened,
        report.reopen_before,
        report.closed_at,
        report.assignee_id,
        report.leading_id,
        report.fresh[-1].at,
    )


def _update_values(update: Update) -> tuple[_Value, ...]:
    what = (update.update_id, update.kind.value, update.text)
    return *what, *_staff(update.officer), update.event_id, update.at, update.question_id, update.unsent


def _step_values(step: Step) -> tuple[_Value, ...]:
    update_id = step.update.update_id if step.update else ""
    where = (step.desk_id, step.from_desk_id)
    return step.version, step.move.value, step.state.value, *where, *_staff(step.officer), update_id, step.at


def _staff(officer: Officer | None) -> tuple[str, str]:
    return (officer.staff_id, officer.name) if officer else ("", "")


def _officer(row: "asyncpg.Record") -> Officer | None:
    return Officer(row["staff_id"], row["staff_name"]) if row["staff_id"] else None


def _update(row: "asyncpg.Record") -> Update:
    return Update(
        update_id=row["update_id"],
        kind=UpdateKind(row["kind"]),
        text=row["text"],
        at=row["at"],
        officer=_officer(row),
        event_id=row["event_id"],
        retracted=row["retracted"],
        from_desk_id=row["from_desk_id"],
        question_id=row["question_id"],
        unsent=row["unsent"],
    )


def _counted(rows: Sequence["asyncpg.Record"]) -> tuple[int, list[Report]]:
    return (rows[0]["total"] if rows else 0), [_report(row) for row in rows]


def _report(row: "asyncpg.Record") -> Report:
    place = Place(row["latitude"], row["longitude"], row["place_title"], row["address"], row["place_event_id"])
    filing = Filing(
        report_id=row["report_id"],
        case_number=row["case_number"],
        citizen_id=row["citizen_id"],
        category_code=row["category_code"],
        details=row["details"],
        place=place,
        ward_code=row["ward_code"],
        messages_allowed=row["messages_allowed"],
        trace_id=row["trace_id"],
        filed_at=row["filed_at"],
        urgent=row["urgent"],
    )
    return Report(
        filing,
        desk_id=row["desk_id"],
        state=State(row["state"]),
        version=row["version"],
        score=row["score"],
        reopened=row["reopened"],
        reopened_at=row["reopened_at"],
        reopen_before=row["reopen_before"],
        closed_at=row["closed_at"],
        assignee_id=row["assignee_id"],
        leading_id=row["leading_id"],
    )
