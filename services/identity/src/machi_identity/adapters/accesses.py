"""The access log on PostgreSQL, and the facts a release is judged by."""

from datetime import datetime

from machi_identity.adapters.citizens import PRESENT
from machi_identity.adapters.consents import standing_in
from machi_identity.domain.citizens import Focus
from machi_identity.domain.release import ReleaseFacts, ReleaseQuestion, Verdict
from machi_sdk.work import Work

_FACTS = f"""
SELECT c.citizen_id, c.focus_pod, c.focus_session_id, c.focus_version, l.address, l.reachable, l.heard_at,
       k.status, k.notice_version, k.decided_at, n.purpose IS NOT NULL AS installed
FROM citizens c
LEFT JOIN links l ON l.tenant = $1 AND l.citizen_id = c.citizen_id AND l.channel = $3
LEFT JOIN consents k ON k.tenant = $1 AND k.citizen_id = c.citizen_id AND k.purpose = $4
LEFT JOIN notices n ON n.purpose = k.purpose AND n.version = k.notice_version
WHERE c.tenant = $1 AND c.citizen_id = {PRESENT}
ORDER BY l.reachable DESC, l.heard_at DESC LIMIT 1
"""
_LOG = """
INSERT INTO accesses (tenant, access_id, citizen_id, caller, channel, basis, purpose, reference_id, verdict, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


class PgAccesses:
    """`ports.Accesses` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def facts(self, question: ReleaseQuestion) -> ReleaseFacts | None:
        """See the port."""
        asked = (self._work.tenant, question.citizen_id, question.channel, question.purpose)
        row = await self._work.db.fetchrow(_FACTS, *asked)
        if row is None:
            return None
        focus = Focus(row["focus_pod"], row["focus_session_id"], row["focus_version"])
        consent = standing_in(row).status
        where = (row["address"] or "", bool(row["reachable"]), row["heard_at"])
        return ReleaseFacts(row["citizen_id"], *where, consent, focus)

    async def log(self, access_id: str, question: ReleaseQuestion, verdict: Verdict, at: datetime) -> None:
        """See the port."""
        await self._work.db.execute(
            _LOG,
            self._work.tenant,
            access_id,
            question.citizen_id,
            question.caller,
            question.channel,
            question.basis.value,
            question.purpose,
            question.reference_id,
            verdict.value,
            at,
        )
