"""A member of staff's day: which cases are before them, in four lists."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardLine, BoardSection
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.conversation import MAY_ACT
from machi_reports.domain.reminding import Target
from machi_reports.domain.report import Report
from machi_reports.domain.states import State
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import Colleagues, CurrentCatalogues, OpenCases
from machi_sdk.clock import Clock, stamp
from machi_sdk.errors import Unavailable
from machi_sdk.rpc import Call
from machi_sdk.work import Works

MOST_LINES = 50


@dataclass(frozen=True)
class DeskBoard:
    """Reads what is open at a person's desks; numbers, kinds, and wards, nothing that anybody wrote."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    colleagues: Colleagues
    clock: Clock

    async def board(self, request: wire.BoardRequest, call: Call) -> list[BoardSection]:
        """Mine, nobody's, those that wait for an answer, and the oldest of all."""
        staff, desks = request.staff, tuple(request.staff.desk_ids)
        if not desks or MAY_ACT.isdisjoint(staff.roles):
            return []
        catalogue, now = await self.catalogues.refresh(call.tenant), self.clock.now()
        due = {urgent: catalogue.due_before(Target.CLOSE, now, urgent=urgent) for urgent in (True, False)}
        page = _Page(Wording(request.language, catalogue), now, due)
        lists: Mapping[str, OpenCases] = {
            "mine": OpenCases(desks, assignee_id=staff.staff_id),
            "unassigned": OpenCases(desks, assignee_id="", staff=await self._staff(desks, call.tenant)),
            "asked": OpenCases(desks, state=State.ASKED),
            "oldest": OpenCases(desks),
        }
        most = max(1, min(request.most or MOST_LINES, MOST_LINES))
        async with self.works.begin(call.tenant) as work:
            return [page.section(name, *await work.reports.open_cases(which, most)) for name, which in lists.items()]

    async def _staff(self, desks: Sequence[str], tenant: str) -> Mapping[str, Collection[str]]:
        """Who works at each desk; nobody while identity was never reached."""
        with suppress(Unavailable):
            await self.colleagues.refresh(tenant)
        return {desk: [one.staff_id for one in self.colleagues.at_desk(tenant, desk)] for desk in desks}


@dataclass(frozen=True)
class _Page:
    """How lists read at one moment: `due` is, per urgency, before when a case was filed that should be closed now."""

    wording: Wording
    now: datetime
    due: Mapping[bool, datetime]

    def section(self, name: str, total: int, reports: Sequence[Report]) -> BoardSection:
        """One list, of `total` cases in all."""
        lines = [self._line(report) for report in reports]
        return BoardSection(section_id=name, title=self.wording.say(f"board.{name}"), total=total, lines=lines)

    def _line(self, report: Report) -> BoardLine:
        filing, wording = report.filing, self.wording
        return BoardLine(
            card_id=report.report_id,
            desk_id=report.desk_id,
            number=filing.case_number,
            title=wording.category(filing.category_code),
            detail=wording.ward(filing.ward_code),
            opened_at=stamp(filing.filed_at),
            opened_ago=wording.age(filing.filed_at, self.now),
            note=wording.say("board.late") if report.is_late(self.due[filing.urgent]) else "",
        )
