"""Who is to be reminded of what, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from machi.desk.v1.events_pb2 import DeskSummedUp
from machi_reports.adapters.facts import CARDS, POD
from machi_reports.adapters.standing import OPEN, among
from machi_reports.domain.reminding import WAITING, Target
from machi_sdk.clock import stamp
from machi_sdk.work import Work

# A case that was reopened begins anew.
_AGED = f"""
SELECT r.report_id, r.desk_id, r.state, r.urgent, coalesce((
    SELECT max(s.at) FROM steps s WHERE s.tenant = r.tenant AND s.report_id = r.report_id AND s.move = 'reopen'
), r.filed_at) AS since
FROM reports r WHERE r.tenant = $1 AND {OPEN}
"""
_GIVEN = """
EXISTS (SELECT 1 FROM updates u WHERE u.tenant = $1 AND u.report_id = aged.report_id AND u.kind = 'reminder'
    AND u.text = {} AND u.at > aged.since)
"""
_DUE = f"""
SELECT report_id FROM ({_AGED} AND r.filed_at <= $3 AND r.urgent = $2) aged
WHERE since <= $3 AND state = ANY($4) AND NOT {_GIVEN.format("$5")}
ORDER BY since, report_id LIMIT $6
"""
_OVERDUE = f"""
SELECT report_id, desk_id FROM ({_AGED}) aged
WHERE ({among(WAITING[Target.ACKNOWLEDGE])} AND {_GIVEN.format("'acknowledge'")}) OR {_GIVEN.format("'close'")}
ORDER BY since, report_id
"""
_WAS_GIVEN = "SELECT true FROM updates WHERE tenant = $1 AND update_id = $2"
_BEGIN_DAY = "INSERT INTO summaries (tenant, day, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true"


class PgReminders:
    """`ports.Reminders` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def due(self, target: Target, before: datetime, most: int, *, urgent: bool) -> list[str]:
        """See the port."""
        states = sorted(state.value for state in WAITING[target])
        rows = await self._work.db.fetch(_DUE, self._work.tenant, urgent, before, states, target.value, most)
        return [row["report_id"] for row in rows]

    async def was_given(self, update_id: str) -> bool:
        """See the port."""
        return bool(await self._work.db.fetchval(_WAS_GIVEN, self._work.tenant, update_id))

    async def begin_day(self, day: date, at: datetime) -> bool:
        """See the port."""
        return bool(await self._work.db.fetchval(_BEGIN_DAY, self._work.tenant, day, at))

    async def overdue(self) -> Mapping[str, Sequence[str]]:
        """See the port."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in await self._work.db.fetch(_OVERDUE, self._work.tenant):
            found[row["desk_id"]].append(row["report_id"])
        return found

    def sum_up(self, desk_id: str, day: date, report_ids: Sequence[str], more: int) -> None:
        """See the port."""
        summary = DeskSummedUp(desk_id=desk_id, pod=POD, day=day.isoformat(), card_ids=report_ids, more=more)
        summary.occurred_at.CopyFrom(stamp(self._work.clock.now()))
        self._work.emit(CARDS, desk_id, summary)
