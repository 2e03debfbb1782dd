"""A member of staff's day: which cases are before them, in four lists."""

from collections.abc import Mapping
from dataclasses import dataclass

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.desk_card_pb2 import BoardLine, BoardSection
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.conversation import MAY_ACT
from machi_reports.domain.report import Report
from machi_reports.domain.states import State
from machi_reports.entrypoints.wording import Wording
from machi_reports.ports import CurrentCatalogues, OpenCases
from machi_sdk.clock import Clock, stamp
from machi_sdk.rpc import Call
from machi_sdk.work import Works

MOST_LINES = 50


@dataclass(frozen=True)
class DeskBoard:
    """Reads what is open at a person's desks; numbers, kinds, and wards, nothing that anybody wrote."""

    works: Works[ReportsWork]
    catalogues: CurrentCatalogues
    clock: Clock

    async def board(self, request: wire.BoardRequest, call: Call) -> list[BoardSection]:
        """Mine, nobody's, those that wait for an answer, and the oldest of all."""
        staff, desks = request.staff, tuple(request.staff.desk_ids)
        if not desks or MAY_ACT.isdisjoint(staff.roles):
            return []
        wording = Wording(request.language, await self.catalogues.refresh(call.tenant))
        lists: Mapping[str, OpenCases] = {
            "mine": OpenCases(desks, assignee_id=staff.staff_id),
            "unassigned": OpenCases(desks, assignee_id=""),
            "asked": OpenCases(desks, state=State.ASKED),
            "oldest": OpenCases(desks),
        }
        most = max(1, min(request.most or MOST_LINES, MOST_LINES))
        async with self.works.begin(call.tenant) as work:
            return [await self._section(work, name, which, most, wording) for name, which in lists.items()]

    async def _section(
        self, work: ReportsWork, name: str, which: OpenCases, most: int, wording: Wording
    ) -> BoardSection:
        total, reports = await work.reports.open_cases(which, most)
        lines = [self._line(report, wording) for report in reports]
        return BoardSection(section_id=name, title=wording.say(f"board.{name}"), total=total, lines=lines)

    def _line(self, report: Report, wording: Wording) -> BoardLine:
        filing, now = report.filing, self.clock.now()
        return BoardLine(
            card_id=report.report_id,
            desk_id=report.desk_id,
            number=filing.case_number,
            title=wording.category(filing.category_code),
            detail=wording.ward(filing.ward_code),
            opened_at=stamp(filing.filed_at),
            opened_ago=wording.age(filing.filed_at, now),
            note=wording.say("board.late") if report.is_late(now) else "",
        )
